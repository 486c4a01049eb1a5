import { chmodSync, existsSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { distributionName } from "./tree-sum.ts";

/**
 * A module holds no modes: these are the files that the go command makes executable after it has
 * fetched a toolchain (cmd/go/internal/toolchain/select.go).
 */
export function makeRunnable(goroot: string): void {
  for (const file of filesOf(join(goroot, "bin"))) chmodSync(file, 0o755);
  for (const file of filesOf(join(goroot, "pkg/tool"))) chmodSync(file, 0o755);
  for (const file of filesOf(join(goroot, "lib"))) {
    if (/[\\/]go_[^\\/]+_[^\\/]+_exec$/.test(file)) chmodSync(file, 0o755);
  }
}

/** Gives the files `_go.mod` the name that they have in a GOROOT; a module cannot hold a go.mod. */
export function restoreNames(goroot: string): void {
  for (const file of filesOf(join(goroot, "src"))) {
    if (distributionName(file) !== file) renameSync(file, distributionName(file));
  }
}

function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`);
}
