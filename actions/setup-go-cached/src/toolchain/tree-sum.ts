import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { h1 } from "../dirhash.ts";
import { platformName, type Platform } from "./platform.ts";
import { TOOLCHAIN_SUMS } from "./sums.ts";

/** The sum that the checksum database has for a toolchain, as far as this action knows it. */
export function knownSum(version: string, platform: Platform): string | undefined {
  return TOOLCHAIN_SUMS[version]?.[platformName(platform)];
}

/** Version of the module golang.org/toolchain (https://go.dev/doc/toolchain#download). */
export function moduleVersion(version: string, platform: Platform): string {
  return `v0.0.1-go${version}.${platformName(platform)}`;
}

/** The h1 hash of a toolchain, from the sums of its files as they are named in the module. */
export function toolchainSum(
  version: string,
  platform: Platform,
  sums: ReadonlyMap<string, string>,
): string {
  return h1(`golang.org/toolchain@${moduleVersion(version, platform)}`, sums);
}

/** Parts of a distribution that no build reads; the module has none of them. */
const LEFT_OUT = /^(test|api|doc|misc)\//;

/** Whether a path of a distribution is unpacked. */
export function isNeeded(path: string): boolean {
  return !LEFT_OUT.test(path);
}

/**
 * The sums of a distribution's files under the names that they have in the module: there `go.mod`
 * is `_go.mod`, since a module cannot hold another one. Archive and module are packed from the same
 * files (cmd/distpack), so one sum can check both.
 */
export async function distributionSums(goroot: string): Promise<Map<string, string>> {
  const paths = await pathsBelow(goroot);
  const sums = new Map<string, string>();
  const queue = [...paths];
  // A few at once: the files have just been written, so what counts is the hashing.
  const worker = async (): Promise<void> => {
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      const content = await readFile(join(goroot, path));
      sums.set(moduleName(path), createHash("sha256").update(content).digest("hex"));
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  return sums;
}

function moduleName(path: string): string {
  return path.replace(/(^|\/)go\.mod$/, "$1_go.mod");
}

/** The name that a file of the module has in a GOROOT. */
export function distributionName(path: string): string {
  return path.replace(/(^|\/)_go\.mod$/, "$1go.mod");
}

async function pathsBelow(root: string, folder = ""): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await pathsBelow(root, path)));
    else found.push(path);
  }
  return found;
}
