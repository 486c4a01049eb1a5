import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isSystemError } from "@go-cicd/core/errors.ts";
import { PackError } from "@go-cicd/core/pack-format.ts";

/**
 * The index entries of a build cache, one line each: `<action> <output> <size> <time>`. Go keeps each
 * in a file of its own (`xx/<action>-a`); about half of all files are such ones. An entry holds them
 * as this one file, and always all that its job used: so what of a base is still alive can be told
 * before anything of it lands, and an action that gave another output since is never mixed up.
 */
export interface IndexEntry {
  action: string;
  output: string;
  /** Bytes of the output. */
  size: number;
  /** Nanoseconds since the epoch, as text: it is not a safe integer. */
  time: string;
}

const LINE = /^([0-9a-f]{64}) ([0-9a-f]{64}) (\d{1,15}) (\d{1,19})$/;
/** `v1 <action> <output> <size> <time>\n`, numbers to a width of 20 (cache.go, putIndexEntry). */
const FILE = /^v1 ([0-9a-f]{64}) ([0-9a-f]{64}) +(\d{1,15}) +(\d{1,19})\n$/;

/** Undefined when it is no index entry of this action. */
export function readIndexEntry(path: string, action: string): IndexEntry | undefined {
  const [, named, output = "", size = "", time = ""] =
    FILE.exec(readFileSync(path, "latin1")) ?? [];
  return named === action ? { action, output, size: Number(size), time } : undefined;
}

export function encodeMap(entries: readonly IndexEntry[]): string {
  return entries
    .map(({ action, output, size, time }) => `${action} ${output} ${size} ${time}\n`)
    .join("");
}

/** @throws PackError */
export function decodeMap(text: string): IndexEntry[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const match = LINE.exec(line);
      if (match === null) throw new PackError("the list of actions has another shape");
      const [, action = "", output = "", size = "", time = ""] = match;
      return { action, output, size: Number(size), time };
    });
}

/**
 * Writes the files of index entries whose outputs are there, and returns how many. What is there
 * already is newer than anything that was restored, and stays.
 */
export function writeIndexEntries(gocache: string, entries: readonly IndexEntry[]): number {
  const folders = new Set<string>();
  let written = 0;
  for (const { action, output, size, time } of entries) {
    const there = statSync(join(gocache, output.slice(0, 2), `${output}-d`), {
      throwIfNoEntry: false,
    });
    if (there === undefined || (there.isFile() && there.size !== size)) continue;
    const folder = join(gocache, action.slice(0, 2));
    if (!folders.has(folder)) {
      mkdirSync(folder, { recursive: true });
      folders.add(folder);
    }
    const path = join(folder, `${action}-a`);
    try {
      const line = `v1 ${action} ${output} ${String(size).padStart(20)} ${time.padStart(20)}\n`;
      writeFileSync(path, line, { flag: "wx" });
      written += 1;
    } catch (error) {
      if (!isSystemError(error, "EEXIST")) throw error;
    }
  }
  return written;
}
