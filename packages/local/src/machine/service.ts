import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { Environment, Processes } from "@go-cicd/core/process.ts";
import { agentOf } from "./home.ts";

/** Ends the service of a target by its own agent; nothing to do when there is none. */
export async function stopService(
  target: string,
  processes: Processes,
  env: Environment,
): Promise<void> {
  if (!existsSync(agentOf(target))) return;
  await processes.run({
    file: "sh",
    args: [agentOf(target), "stop", target],
    cwd: dirname(target),
    env: { PATH: env["PATH"] },
    timeoutMs: 30_000,
  });
}
