import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made: string[] = [];

function removeAll(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
}

// Hooks may only be registered while a test file is being loaded, which is when this module is.
// Elsewhere (benches, children of tests) the process's end takes their place.
const { afterAll } = globalThis as { afterAll?: (hook: () => void) => void };
if (afterAll === undefined) process.once("exit", removeAll);
else afterAll(removeAll);

/** A new empty folder (absolute, no symbolic links in its path), removed when the tests are over. */
export function tempFolder(prefix = "go-cicd-test-"): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), prefix)));
  made.push(folder);
  return folder;
}
