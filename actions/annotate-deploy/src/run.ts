import type { Outcome } from "@go-cicd/core/action.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { finish, start } from "./annotate.ts";
import type { Inputs, outputs } from "./inputs.ts";
import { report } from "./report/report.ts";

/** One deploy told to many sinks, or the report over the whole run. */
export function main(inputs: Inputs, ports: Ports): Promise<Outcome<typeof outputs>> {
  switch (inputs.mode) {
    case "start":
      return start(inputs, ports);
    case "finish":
      return finish(inputs, ports);
    case "report":
      return report(inputs, ports);
  }
}
