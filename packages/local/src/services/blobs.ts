import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { link, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { isCode } from "./disk.ts";
import type { Lies } from "./faults.ts";

/** What came of a write to a blob. */
export type BlobWrite =
  | { kind: "written"; bytes: number }
  /** The upload is over: entries never change. */
  | { kind: "closed" }
  | { kind: "unknown-block"; block: string };

/**
 * Blobs on disk. An upload is a folder of parts; committing makes one file of them, and closing
 * ends the right to write.
 */
export class BlobStore {
  readonly #folder: string;
  readonly #lies: Lies;

  constructor(folder: string, lies: Lies) {
    this.#folder = folder;
    this.#lies = lies;
  }

  /** Opens an upload; returns the blob's name. */
  async open(): Promise<string> {
    const blob = randomUUID();
    await mkdir(this.#uploads(blob), { recursive: true });
    return blob;
  }

  /** Puts the whole content at once. */
  async put(blob: string, content: Readable): Promise<BlobWrite> {
    return this.#receive(blob, content, async (draft) => {
      await mkdir(this.#blobFolder(blob), { recursive: true });
      await rename(draft, this.path(blob));
    });
  }

  /** Puts one block; blocks come in any order, and again when a client repeats one. */
  async putBlock(blob: string, block: string, content: Readable): Promise<BlobWrite> {
    return this.#receive(blob, content, (draft) => rename(draft, this.#block(blob, block)));
  }

  /** Makes the blob of its blocks, in the order of the list. */
  async commit(blob: string, list: readonly string[]): Promise<BlobWrite> {
    let blocks = [...list];
    if (this.#lies.has("forget-block")) blocks = blocks.slice(0, -1);
    if (this.#lies.has("wrong-order")) blocks = blocks.reverse();
    for (const block of blocks) {
      const there = await sizeOf(this.#block(blob, block));
      if (there === undefined) return { kind: "unknown-block", block };
    }
    const draft = join(this.#uploads(blob), `${randomUUID()}.draft`);
    try {
      const [only] = blocks;
      if (only !== undefined && blocks.length === 1) await link(this.#block(blob, only), draft);
      else await this.#concatenate(blob, blocks, draft);
      await mkdir(this.#blobFolder(blob), { recursive: true });
      await rename(draft, this.path(blob));
    } catch (error) {
      if (isCode(error, "ENOENT")) return { kind: "closed" };
      throw error;
    } finally {
      await rm(draft, { force: true });
    }
    return { kind: "written", bytes: (await sizeOf(this.path(blob))) ?? 0 };
  }

  /** Ends the upload: its parts are removed, and nothing can be written any more. */
  async close(blob: string): Promise<void> {
    await rm(this.#uploads(blob), { recursive: true, force: true });
  }

  /** Names of the blocks that have come, sorted. */
  async blocks(blob: string): Promise<string[]> {
    const names = await readdir(this.#uploads(blob)).catch(() => []);
    return names
      .filter((name) => name.endsWith(".block"))
      .map((name) => Buffer.from(name.slice(0, -".block".length), "hex").toString("utf8"))
      .sort();
  }

  /** Bytes of a committed blob, or undefined. */
  async size(blob: string): Promise<number | undefined> {
    return sizeOf(this.path(blob));
  }

  async remove(blob: string): Promise<void> {
    await this.close(blob);
    await rm(this.path(blob), { force: true });
  }

  /** Removes blobs and uploads that nothing names and that have not been touched for `ageMs`. */
  async sweep(named: ReadonlySet<string>, ageMs: number): Promise<void> {
    const before = Date.now() - ageMs;
    const old = async (path: string): Promise<boolean> =>
      ((await stat(path).catch(() => undefined))?.mtimeMs ?? Infinity) < before;
    for (const prefix of await readdir(join(this.#folder, "blobs")).catch(() => [])) {
      for (const blob of await readdir(join(this.#folder, "blobs", prefix)).catch(() => [])) {
        if (!named.has(blob) && (await old(this.path(blob)))) await this.remove(blob);
      }
    }
    for (const blob of await readdir(join(this.#folder, "uploads")).catch(() => [])) {
      if (await old(this.#uploads(blob))) await this.close(blob);
    }
  }

  /** File of a committed blob. */
  path(blob: string): string {
    return join(this.#blobFolder(blob), blob);
  }

  async #receive(
    blob: string,
    content: Readable,
    keep: (draft: string) => Promise<void>,
  ): Promise<BlobWrite> {
    const draft = join(this.#uploads(blob), `${randomUUID()}.draft`);
    try {
      await pipeline(content, createWriteStream(draft, { flags: "wx" }));
      const bytes = (await sizeOf(draft)) ?? 0;
      await keep(draft);
      return { kind: "written", bytes };
    } catch (error) {
      if (isCode(error, "ENOENT")) return { kind: "closed" };
      throw error;
    } finally {
      await rm(draft, { force: true });
    }
  }

  async #concatenate(blob: string, blocks: readonly string[], draft: string): Promise<void> {
    const paths = blocks.map((block) => this.#block(blob, block));
    await pipeline(async function* () {
      for (const path of paths) yield* createReadStream(path, { highWaterMark: 1 << 20 });
    }, createWriteStream(draft));
  }

  #uploads(blob: string): string {
    return join(this.#folder, "uploads", blob);
  }

  #block(blob: string, block: string): string {
    return join(this.#uploads(blob), `${Buffer.from(block).toString("hex")}.block`);
  }

  #blobFolder(blob: string): string {
    return join(this.#folder, "blobs", blob.slice(0, 2));
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}
