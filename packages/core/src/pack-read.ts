import { createHash, hash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { ByteReader, EndOfStream } from "./byte-reader.ts";
import { Landing } from "./landing.ts";
import { decodeHead, decodeIndex, HEAD_BYTES, PackError, type PackedFile } from "./pack-format.ts";
import type { Choose, EntryFile, Landed, StoreRoots } from "./store.ts";

/** Up to this size a content is held in memory and written only when its sum is right. */
const SMALL_BYTES = 1024 * 1024;

/**
 * Unpacks a pack while it comes. Files are checked against the index before they get their name;
 * what exists already is left alone, and what is not chosen stays out.
 *
 * All or nothing: when anything is wrong, all that was created is removed again.
 * @throws PackError when names, sums or lengths are wrong; system errors as they come (ENOSPC).
 */
export async function readPack(
  source: AsyncIterable<Uint8Array>,
  roots: StoreRoots,
  { signal, choose }: { signal?: AbortSignal | undefined; choose?: Choose | undefined } = {},
): Promise<Landed> {
  const reader = new ByteReader(source);
  const landing = new Landing(roots);
  try {
    const { length, sum } = decodeHead(await reader.read(HEAD_BYTES));
    const index = decodeIndex(await reader.read(length), sum, Object.keys(roots));
    const named = index.files.map(([root, path, , size, sha256]): EntryFile => ({
      root: index.roots[root] as string,
      path,
      size,
      sha256,
    }));
    const isChosen = await choose?.(named);
    const result: Landed = { files: 0, bytes: 0, skipped: 0, passedOver: 0 };
    for (const [position, file] of index.files.entries()) {
      signal?.throwIfAborted();
      const [root, path, mode, size] = file;
      const id = index.roots[root] as string;
      const wanted = isChosen?.(named[position] as EntryFile) ?? true;
      if (!wanted || landing.exists(id, path)) {
        // Its content in the pack is checked all the same: a damaged entry is refused as a whole.
        await checkContent(reader, file);
        result[wanted ? "skipped" : "passedOver"] += 1;
        continue;
      }
      if (size <= SMALL_BYTES) {
        const content = reader.readNow(size) ?? (await reader.read(size));
        if (hash("sha256", content, "hex") !== file[4]) throw wrongSum(path);
        landing.write(id, path, mode, content);
      } else {
        await landLarge(reader, landing, id, file);
      }
      result.files += 1;
      result.bytes += size;
    }
    for await (const piece of reader.rest()) {
      if (piece.length > 0) throw new PackError("there is more than the index says");
    }
    landing.protect(
      index.folders.map(([root, path, mode]) => [index.roots[root] as string, path, mode]),
    );
    return result;
  } catch (error) {
    landing.undo();
    if (error instanceof EndOfStream) throw new PackError("the pack is cut off");
    throw error;
  } finally {
    landing.close();
  }
}

async function landLarge(
  reader: ByteReader,
  landing: Landing,
  id: string,
  [, path, mode, size, sha256]: PackedFile,
): Promise<void> {
  const draft = landing.draft(id);
  const sum = createHash("sha256");
  const descriptor = openSync(draft, "wx", mode | 0o200);
  try {
    for await (const piece of reader.pieces(size)) {
      sum.update(piece);
      for (let done = 0; done < piece.length;) done += writeSync(descriptor, piece, done);
    }
  } finally {
    closeSync(descriptor);
  }
  if (sum.digest("hex") !== sha256) throw wrongSum(path);
  landing.name(draft, id, path, mode);
}

async function checkContent(
  reader: ByteReader,
  [, path, , size, sha256]: PackedFile,
): Promise<void> {
  const sum = createHash("sha256");
  for await (const piece of reader.pieces(size)) sum.update(piece);
  if (sum.digest("hex") !== sha256) throw wrongSum(path);
}

function wrongSum(path: string): PackError {
  return new PackError(`${JSON.stringify(path)} is not what its sum says`);
}
