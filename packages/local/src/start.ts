import { existsSync, rmSync } from "node:fs";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Environment } from "@go-cicd/core/process.ts";
import { realProcesses } from "@go-cicd/core/adapters/processes.ts";
import { HELP, readArguments, type Request } from "./arguments.ts";
import { localHome, runningPipelines, targets, type Home } from "./machine/home.ts";
import { stopService } from "./machine/service.ts";
import { systemProblem } from "./machine/system-problem.ts";
import { runSession } from "./session.ts";

/** `npm start`; resolves with the exit code. */
export async function start(argv: readonly string[], env: Environment): Promise<number> {
  const home = localHome(env);
  let request: Request | undefined;
  try {
    request = readArguments(argv, env["INIT_CWD"] ?? process.cwd());
    if (request.help) {
      process.stdout.write(HELP);
      return 0;
    }
    if (request.clean) return await clean(home, env);
    return await runSession(request, home, env);
  } catch (error) {
    const problem = systemProblem(error, home.folder, request?.repo);
    process.stderr.write(`${explain(problem ?? error)}\n`);
    return 1;
  }
}

function explain(error: unknown): string {
  if (!(error instanceof ActionError)) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  return error.hint === undefined ? error.message : `${error.message}\n${error.hint}`;
}

/** Services that `--keep` left running are stopped before their folders go. */
async function clean(home: Home, env: Environment): Promise<number> {
  const running = runningPipelines(home);
  if (running.length > 0) {
    throw new ActionError("environment", `a pipeline is running (process ${running.join(", ")})`, {
      hint: "Wait for it or end it, then clean again.",
    });
  }
  if (!existsSync(home.folder)) {
    process.stdout.write(`nothing to remove: ${home.folder} does not exist\n`);
    return 0;
  }
  const processes = realProcesses();
  for (const target of targets(home)) await stopService(target, processes, env);
  rmSync(home.folder, { recursive: true, force: true });
  process.stdout.write(`removed ${home.folder}\n`);
  return 0;
}
