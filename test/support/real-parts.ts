import { accessSync, constants, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/**
 * Path of a real program, from PATH or from the folder where `npm test` keeps what it brought; or
 * undefined, for the test to skip what needs it.
 * @throws Error when GO_CICD_REQUIRE_ALL=1 and it is missing: then nothing may be left out.
 */
export function requirePart(name: string): string | undefined {
  const found = [...pathFolders(), ...keptFolders(name)]
    .map((folder) => join(folder, name))
    .find(isExecutable);
  if (found === undefined && process.env["GO_CICD_REQUIRE_ALL"] === "1") {
    throw new Error(`${name} is missing, and GO_CICD_REQUIRE_ALL=1 lets nothing be left out`);
  }
  return found;
}

function pathFolders(): string[] {
  return (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
}

/** Folders of scripts/parts.mjs: `<name>-<version>`, with a virtual environment for Python parts. */
function keptFolders(name: string): string[] {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const tools = join(cache, "go-cicd", "tools");
  try {
    return readdirSync(tools)
      .filter((folder) => folder.startsWith(`${name}-`))
      .sort()
      .reverse()
      .flatMap((folder) => [join(tools, folder), join(tools, folder, "venv", "bin")]);
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
