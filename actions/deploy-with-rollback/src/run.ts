import type { Outcome } from "@go-cicd/core/action.ts";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { deploy } from "./deploy.ts";
import { HostRefusal } from "./host.ts";
import type { Inputs, outputs } from "./inputs.ts";
import { deployPlan, rollbackPlan, targetPlan } from "./plan.ts";
import { finishLeftOver, recover } from "./recover.ts";
import { rollback } from "./rollback.ts";

/** Brings a release out, back, or an interrupted deploy to its end. */
export function main(inputs: Inputs, ports: Ports): Promise<Outcome<typeof outputs>> {
  return told(() => {
    switch (inputs.mode) {
      case "deploy":
        return deploy(deployPlan(inputs, ports.context), ports);
      case "rollback":
        return rollback(rollbackPlan(inputs, ports.context), ports);
      case "recover":
        return recover(targetPlan(inputs, ports.context), ports);
    }
  });
}

/** Finishes what main left open because it was killed or cancelled. */
export function post(inputs: Inputs, ports: Ports): Promise<void> {
  return told(() => finishLeftOver(targetPlan(inputs, ports.context), ports));
}

/** What a host refuses outside a release's own way is a matter of the host. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof HostRefusal)) throw error;
    throw new ActionError("environment", `The host could not do its part: ${error.message}`, {
      hint: "Nothing was begun, or the end of the job, the host's own timer or the next deploy brings it to its end.",
      cause: error,
    });
  }
}
