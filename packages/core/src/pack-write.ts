import { createHash } from "node:crypto";
import { closeSync, constants, lstatSync, openSync, readSync, writeSync } from "node:fs";
import { join, posix } from "node:path";
import { setImmediate } from "node:timers/promises";
import { isSystemError } from "./errors.ts";
import {
  checkPath,
  encodeIndex,
  PackError,
  type PackedFile,
  type PackedFolder,
} from "./pack-format.ts";
import type { StoreRoots } from "./store.ts";

const NO_SUM = "0".repeat(64);
/** The file itself, not what a link put in its place leads to; Windows has no such flag. */
const NO_LINKS = constants.O_RDONLY | ((constants as { O_NOFOLLOW?: number }).O_NOFOLLOW ?? 0);
/** Contents go through one buffer of this size, whatever the files' sizes are. */
const BUFFER_BYTES = 1024 * 1024;
/** A cancellation is noticed at least once in so many bytes. */
const BREATH_BYTES = 32 * BUFFER_BYTES;

export interface WrittenPack {
  files: number;
  /** Sum of the contents. */
  bytes: number;
}

/**
 * Writes the named files into a new pack at `path`. Each file is read once. What is no regular file
 * (or is gone by now) is left out.
 * @throws PackError when a name is not allowed or a file changes while it is read.
 */
export async function writePack(
  path: string,
  roots: StoreRoots,
  names: Readonly<Record<string, readonly string[]>>,
  signal?: AbortSignal,
): Promise<WrittenPack> {
  const ids = Object.keys(names).filter((id) => names[id]?.length !== 0);
  const files: PackedFile[] = [];
  const folders: PackedFolder[] = [];
  for (const [root, id] of ids.entries()) {
    const folder = roots[id];
    if (folder === undefined) throw new PackError(`the root ${id} has no folder`);
    const seen = new Set<string>();
    for (const name of new Set(names[id])) {
      checkPath(name);
      const status = lstatSync(join(folder, name), { throwIfNoEntry: false });
      if (status?.isFile() !== true) continue;
      files.push([root, name, status.mode & 0o777, status.size, NO_SUM]);
      for (const path of parents(name, seen)) {
        const { mode } = lstatSync(join(folder, path));
        // Without these a module tree would come back unprotected.
        if ((mode & 0o200) === 0) folders.push([root, path, mode & 0o777]);
      }
    }
  }
  const index = { roots: ids, files, folders };
  // Sums have a fixed width, so the contents' place is known before the sums are.
  const start = encodeIndex(index).length;
  const bytes = files.reduce((sum, [, , , size]) => sum + size, 0);
  const pack = openSync(path, "wx", 0o600);
  try {
    const output = buffered(pack, start);
    let sinceBreath = 0;
    for (const [position, [root, name, mode, size]] of files.entries()) {
      const folder = roots[ids[root] as string] as string;
      const sha256 = copyFile(join(folder, name), size, output);
      files[position] = [root, name, mode, size, sha256];
      sinceBreath += size;
      if (sinceBreath > BREATH_BYTES) {
        sinceBreath = 0;
        await setImmediate();
        signal?.throwIfAborted();
      }
    }
    output.flush();
    writeFully(pack, encodeIndex(index), 0);
  } finally {
    closeSync(pack);
  }
  return { files: files.length, bytes };
}

/** The folders above `name` that were not seen before. */
function parents(name: string, seen: Set<string>): string[] {
  const found: string[] = [];
  for (
    let path = posix.dirname(name);
    path !== "." && !seen.has(path);
    path = posix.dirname(path)
  ) {
    seen.add(path);
    found.push(path);
  }
  return found;
}

interface Output {
  /** Room for at least one byte, to be filled from the start. */
  room(): Buffer;
  /** Takes the first `count` bytes of the room. */
  commit(count: number): void;
  flush(): void;
}

function buffered(descriptor: number, start: number): Output {
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  let filled = 0;
  let position = start;
  const flush = (): void => {
    writeFully(descriptor, buffer.subarray(0, filled), position);
    position += filled;
    filled = 0;
  };
  return {
    room: () => buffer.subarray(filled),
    commit: (count) => {
      filled += count;
      if (filled === buffer.length) flush();
    },
    flush,
  };
}

/** Copies exactly `size` bytes and returns their SHA-256. */
function copyFile(path: string, size: number, output: Output): string {
  let source: number;
  try {
    source = openSync(path, NO_LINKS);
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ELOOP")) throw changed(path);
    throw error;
  }
  try {
    const sum = createHash("sha256");
    let left = size;
    while (left > 0) {
      const room = output.room();
      const count = readSync(source, room, 0, Math.min(room.length, left), null);
      if (count === 0) throw changed(path);
      sum.update(room.subarray(0, count));
      output.commit(count);
      left -= count;
    }
    return sum.digest("hex");
  } finally {
    closeSync(source);
  }
}

function writeFully(descriptor: number, bytes: Buffer, position: number): void {
  let done = 0;
  while (done < bytes.length) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
}

function changed(path: string): PackError {
  return new PackError(`${JSON.stringify(path)} changed while it was read`);
}
