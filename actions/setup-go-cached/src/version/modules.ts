import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import semver from "semver";
import { readGoMod, type Said } from "./go-mod.ts";
import { lowest } from "./wanted.ts";

/** A go.mod below a folder, and what it asks for. */
export interface Module extends Said {
  /** Relative to the folder, with forward slashes. */
  path: string;
}

/** Folders that hold no module of the repository's own (go help packages). */
const SKIPPED = /^(\.|_)|^(vendor|testdata|node_modules)$/;

/** The modules below a folder, the one that asks for most first. One without a version is none. */
export function modulesBelow(folder: string, toolchainCounts: boolean): Module[] {
  return goMods(folder, "")
    .flatMap((path) => {
      const said = read(join(folder, path), path, toolchainCounts);
      return said === undefined ? [] : [{ path, ...said }];
    })
    .sort(
      (one, other) =>
        semver.rcompare(lowest(one.wanted), lowest(other.wanted)) ||
        (one.path < other.path ? -1 : 1),
    );
}

function read(file: string, shown: string, toolchainCounts: boolean): Said | undefined {
  try {
    return readGoMod(readFileSync(file, "utf8"), shown, toolchainCounts);
  } catch {
    // One of many modules does not hold up the others; its own job will say what is wrong.
    return undefined;
  }
}

function goMods(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isFile()) return entry.name === "go.mod" ? [path] : [];
    return entry.isDirectory() && !SKIPPED.test(entry.name) ? goMods(root, path) : [];
  });
}
