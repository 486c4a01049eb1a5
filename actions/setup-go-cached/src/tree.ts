import { chmodSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isSystemError } from "@go-cicd/core/errors.ts";

/** Removes a folder with all that is in it, also the read-only folders of a module cache. */
export function removeTree(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    if (!isSystemError(error, "EACCES", "EPERM", "ENOTEMPTY")) throw error;
    openTree(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

function openTree(folder: string): void {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  chmodSync(folder, 0o700);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) openTree(join(folder, entry.name));
  }
}

/** The regular files below a folder, relative to `root`, with forward slashes. */
export function filesBelow(root: string, folder: string, found: string[] = []): string[] {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) filesBelow(root, path, found);
    else if (entry.isFile()) found.push(path);
  }
  return found;
}
