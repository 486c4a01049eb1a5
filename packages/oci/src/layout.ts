import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ActionError, isSystemError, messageOf } from "@go-cicd/core/errors.ts";
import { canonicalJson, type Json } from "./canonical-json.ts";
import { digestOf, DigestStream, hexOf, VerifyStream, verifyBytes, type Digest } from "./digest.ts";
import { OCI_INDEX } from "./media-types.ts";
import type { ImageSource } from "./source.ts";
import { type Descriptor, type Index, MAX_MANIFEST_BYTES, parseDocument } from "./spec.ts";

// image-spec image-layout.md: the marker file, the entry point and the blobs by algorithm and hash.
const MARKER = "oci-layout";
const ENTRY = "index.json";
const MARKER_CONTENT = canonicalJson({ imageLayoutVersion: "1.0.0" });

/** Annotation of index.json that tools (skopeo, umoci) look a tag up by. */
export const REF_NAME = "org.opencontainers.image.ref.name";

function blobPath(layout: string, digest: Digest): string {
  return join(layout, "blobs", "sha256", hexOf(digest));
}

/** An OCI image layout on disk. Everything read from it is checked. */
export interface Layout extends ImageSource {
  readonly path: string;
  /** What `index.json` lists. */
  readonly index: Index;
  /**
   * The descriptor for `digest` (listed in `index.json`), or the only listed one.
   * @throws ActionError `input` when there is none, or several and none was named.
   */
  root(digest?: Digest): Descriptor;
}

/** @throws ActionError `input` when `path` is no readable OCI layout, `integrity` when it is damaged */
export async function openLayout(path: string): Promise<Layout> {
  const marker = await readSmall(path, MARKER);
  let version: unknown;
  try {
    version = (JSON.parse(marker.toString()) as { imageLayoutVersion?: unknown })
      .imageLayoutVersion;
  } catch {
    // Said below: no version either.
  }
  if (typeof version !== "string" || !version.startsWith("1.")) {
    throw new ActionError("integrity", `${join(path, MARKER)} names no layout version 1.x`);
  }
  const entry = parseDocument(await readSmall(path, ENTRY), join(path, ENTRY), OCI_INDEX);
  if (entry.kind !== "index")
    throw new ActionError("integrity", `${join(path, ENTRY)} is no index`);
  const { index } = entry;
  return {
    path,
    name: path,
    index,
    root: (digest) => rootOf(path, index, digest),
    read: async (descriptor) => {
      const bytes = await readBlob(path, descriptor);
      verifyBytes(bytes, expected(path, descriptor));
      return bytes;
    },
    stream: async (descriptor) => {
      await sizedBlob(path, descriptor);
      const source = createReadStream(blobPath(path, descriptor.digest));
      const verified = new VerifyStream(expected(path, descriptor));
      // `pipeline` carries errors both ways; its promise is the stream's own error.
      pipeline(source, verified).catch(() => undefined);
      return verified;
    },
  };
}

function expected(path: string, { digest, size }: Descriptor) {
  return { digest, size, what: `blob ${blobPath(path, digest)}` };
}

function rootOf(path: string, index: Index, digest: Digest | undefined): Descriptor {
  const found =
    digest === undefined
      ? index.manifests
      : index.manifests.filter((entry) => entry.digest === digest);
  const [first, ...others] = found;
  if (first !== undefined && (others.length === 0 || digest !== undefined)) return first;
  const list = index.manifests.map((entry) => entry.digest).join(", ");
  if (first === undefined) {
    throw new ActionError("input", `The OCI layout ${path} has no image ${digest ?? ""}`.trim(), {
      hint: list === "" ? "Its index.json lists nothing." : `It has: ${list}.`,
    });
  }
  throw new ActionError("input", `The OCI layout ${path} has several images`, {
    hint: `Name one of them by its digest: ${list}.`,
  });
}

async function readSmall(layout: string, name: string): Promise<Buffer> {
  const file = join(layout, name);
  try {
    const { size } = await stat(file);
    if (size > MAX_MANIFEST_BYTES) {
      throw new ActionError("integrity", `${file} has ${size} bytes, which no such file has`);
    }
    return await readFile(file);
  } catch (cause) {
    if (cause instanceof ActionError) throw cause;
    throw new ActionError("input", `${layout} is not a readable OCI layout: ${messageOf(cause)}`, {
      hint: "Give the folder that build-image wrote (its `image` output names it).",
      cause,
    });
  }
}

async function sizedBlob(layout: string, { digest, size }: Descriptor): Promise<void> {
  try {
    const found = (await stat(blobPath(layout, digest))).size;
    if (found !== size) {
      throw new ActionError(
        "integrity",
        `blob ${blobPath(layout, digest)} has ${found} bytes instead of ${size}`,
      );
    }
  } catch (cause) {
    if (!isSystemError(cause, "ENOENT")) throw cause;
    throw new ActionError("integrity", `The OCI layout ${layout} lacks the blob ${digest}`, {
      cause,
    });
  }
}

async function readBlob(layout: string, descriptor: Descriptor): Promise<Buffer> {
  await sizedBlob(layout, descriptor);
  return readFile(blobPath(layout, descriptor.digest));
}

async function listed(path: string): Promise<readonly Descriptor[]> {
  try {
    await stat(join(path, ENTRY));
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return [];
    throw error;
  }
  return (await openLayout(path)).index.manifests;
}

function withoutName({ annotations = {}, ...rest }: Descriptor): Descriptor {
  const others = Object.entries(annotations).filter(([key]) => key !== REF_NAME);
  return others.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(others) };
}

/** Writes a layout: blobs first, `index.json` last, so that what it lists is always there. */
export class LayoutWriter {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes the folder where it is missing; an existing layout is added to. */
  static async create(path: string): Promise<LayoutWriter> {
    await mkdir(join(path, "blobs", "sha256"), { recursive: true });
    return new LayoutWriter(path);
  }

  /** Keeps a small document and returns its descriptor. */
  async json(mediaType: string, value: Json): Promise<Descriptor> {
    return this.bytes(mediaType, Buffer.from(canonicalJson(value)));
  }

  async bytes(mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
    const digest = digestOf(bytes);
    await this.#put(digest, (file) => writeFile(file, bytes));
    return { mediaType, digest, size: bytes.length };
  }

  /** Keeps a stream; its digest is known when it has ended. */
  async stream(
    mediaType: string,
    source: Readable | AsyncIterable<Uint8Array>,
  ): Promise<Descriptor> {
    const fresh = join(this.path, "blobs", `.${randomUUID()}`);
    const hashed = new DigestStream();
    try {
      await pipeline(source, hashed, createWriteStream(fresh, { flags: "wx" }));
      const { digest, size } = hashed.result();
      await rename(fresh, blobPath(this.path, digest));
      return { mediaType, digest, size };
    } catch (error) {
      await rm(fresh, { force: true });
      throw error;
    }
  }

  /** Path of a blob that was kept. */
  blob(digest: Digest): string {
    return blobPath(this.path, digest);
  }

  /**
   * Lists `root` under `name`, which completes the layout. What was listed before stays, so that
   * several images of one job share a layout; one that had the name keeps only its digest.
   */
  async finish(root: Descriptor, name: string): Promise<void> {
    const before = await listed(this.path);
    const others = before
      .filter((entry) => entry.digest !== root.digest)
      .map((entry) => (entry.annotations?.[REF_NAME] === name ? withoutName(entry) : entry));
    await this.list([
      ...others,
      { ...root, annotations: { ...root.annotations, [REF_NAME]: name } },
    ]);
  }

  /** Lists exactly these and so completes the layout. */
  async list(roots: readonly Descriptor[]): Promise<void> {
    const index: Index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: roots };
    await this.#replace(join(this.path, MARKER), MARKER_CONTENT);
    await this.#replace(join(this.path, ENTRY), canonicalJson(index as unknown as Json));
  }

  async #put(digest: Digest, write: (file: string) => Promise<void>): Promise<void> {
    const fresh = join(this.path, "blobs", `.${randomUUID()}`);
    try {
      await write(fresh);
      await rename(fresh, blobPath(this.path, digest));
    } catch (error) {
      await rm(fresh, { force: true });
      throw error;
    }
  }

  async #replace(file: string, content: string): Promise<void> {
    const fresh = `${file}.${randomUUID()}`;
    const handle = await open(fresh, "wx");
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, file);
  }
}
