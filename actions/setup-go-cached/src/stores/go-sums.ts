import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import { ActionError } from "@go-cicd/core/errors.ts";

/** Folders whose go.sum says nothing about what this repository builds. */
const SKIPPED = new Set(["vendor", "testdata", "node_modules", ".git"]);

export interface GoSums {
  /** The files that were read, relative to the workspace. */
  files: string[];
  /** All their lines, sorted and once each. */
  lines: string[];
}

/**
 * The lines that pin the repository's modules. Without patterns: every go.sum that is not below
 * vendor or testdata.
 * @throws ActionError when a pattern matches nothing.
 */
export function readGoSums(workspace: string, patterns: readonly string[]): GoSums {
  const files =
    patterns.length === 0
      ? find("**/go.sum", workspace)
      : patterns.flatMap((pattern) => {
          const found = find(pattern, workspace);
          if (found.length === 0) {
            throw new ActionError("input", `cache-dependency-path: ${pattern} matches no file`, {
              hint: "Patterns are relative to the workspace; ** goes through folders.",
            });
          }
          return found;
        });
  const lines = files.flatMap((file) =>
    readFileSync(join(workspace, file), "utf8")
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== ""),
  );
  return { files: files.sort(), lines: [...new Set(lines)].sort() };
}

function find(pattern: string, cwd: string): string[] {
  return globSync(pattern, { cwd, exclude: (name) => SKIPPED.has(name) }).filter((file) => {
    const path = join(cwd, file);
    return existsSync(path) && statSync(path).isFile() && !file.split(sep).includes("vendor");
  });
}

/** Sums by `path@version` of trees, and of go.mod files alone, from lines of go.sum. */
export interface SumTable {
  trees: ReadonlyMap<string, string>;
  mods: ReadonlyMap<string, string>;
}

/** Reads `<path> <version>[/go.mod] h1:<sum>` (https://go.dev/ref/mod#go-sum-files). */
export function sumTable(lines: readonly string[]): SumTable {
  const trees = new Map<string, string>();
  const mods = new Map<string, string>();
  for (const line of lines) {
    const [path = "", version = "", sum = ""] = line.split(/\s+/);
    if (!sum.startsWith("h1:")) continue;
    if (version.endsWith("/go.mod")) mods.set(`${path}@${version.slice(0, -7)}`, sum);
    else trees.set(`${path}@${version}`, sum);
  }
  return { trees, mods };
}
