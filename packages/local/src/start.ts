import { rmSync } from "node:fs";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Environment } from "@go-cicd/core/process.ts";
import { HELP, readArguments } from "./arguments.ts";
import { localHome, runningPipelines, type Home } from "./machine/home.ts";
import { runSession } from "./session.ts";

/** `npm start`; resolves with the exit code. */
export async function start(argv: readonly string[], env: Environment): Promise<number> {
  try {
    const request = readArguments(argv, env["INIT_CWD"] ?? process.cwd());
    if (request.help) {
      process.stdout.write(HELP);
      return 0;
    }
    const home = localHome(env);
    if (request.clean) return clean(home);
    return await runSession(request, home, env);
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    return 1;
  }
}

function explain(error: unknown): string {
  if (!(error instanceof ActionError)) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  return error.hint === undefined ? error.message : `${error.message}\n${error.hint}`;
}

function clean(home: Home): number {
  const running = runningPipelines(home);
  if (running.length > 0) {
    throw new ActionError("environment", `a pipeline is running (process ${running.join(", ")})`, {
      hint: "Wait for it or end it, then clean again.",
    });
  }
  rmSync(home.folder, { recursive: true, force: true });
  process.stdout.write(`removed ${home.folder}\n`);
  return 0;
}
