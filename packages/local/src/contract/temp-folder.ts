import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, parse, relative } from "node:path";
import { ActionError } from "@go-cicd/core/errors.ts";

/**
 * Empties a folder, as RUNNER_TEMP is before and after a job.
 * @throws ActionError `input` for a folder that holds more than temporary files.
 */
export function emptyFolder(folder: string, workspace: string): void {
  const holdsWorkspace = !relative(folder, workspace).startsWith("..");
  if (folder === parse(folder).root || holdsWorkspace || folder === process.env["HOME"]) {
    throw new ActionError("input", `${folder} cannot be RUNNER_TEMP: it would be emptied`);
  }
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    rmSync(join(folder, name), { recursive: true, force: true, maxRetries: 3 });
  }
}
