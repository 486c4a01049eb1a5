import { createHash } from "node:crypto";
import { createWriteStream, lstatSync, readlinkSync } from "node:fs";
import { chmod, link, lstat, mkdir, mkdtemp, readdir, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { PassThrough, Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { createTarDecoder, type ParsedTarEntry, type TarHeader } from "modern-tar";
import { ActionError, isSystemError, messageOf } from "@go-cicd/core/errors.ts";
import type { Digest } from "./digest.ts";
import { compressionOf } from "./media-types.ts";
import type { ImageSource, PlatformImage } from "./source.ts";

/** Bounds that keep a hostile image from filling the disk. */
export interface ExtractLimits {
  /** Unpacked bytes of all files; 8 GiB by default. */
  maxBytes?: number;
  /** Entries of all layers; 1,000,000 by default. */
  maxEntries?: number;
}

/**
 * Unpacks all layers of one platform's image into `folder`, which must not exist: it appears whole
 * and verified (blob digests, diff IDs), or not at all. Names are kept inside it: absolute names,
 * `..` and links that lead out are refused; links met on the way are followed as a container would
 * follow them, with `folder` as the root. Owners, devices and set-user-ID bits are left out, since
 * they mean nothing without a container.
 * @throws ActionError `integrity`
 */
export async function extractLayers(
  source: ImageSource,
  image: PlatformImage,
  folder: string,
  limits: ExtractLimits = {},
): Promise<{ files: number; bytes: number }> {
  const target = resolve(folder);
  await mkdir(dirname(target), { recursive: true });
  await refuseExisting(target);
  const staging = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
  try {
    const tree = new Tree(staging, limits);
    for (const [at, layer] of image.manifest.layers.entries()) {
      const diffId = image.config.rootfs.diff_ids[at];
      if (diffId === undefined) throw new Error("layers and diff IDs were counted before");
      const compression = compressionOf(layer.mediaType);
      if (compression === undefined) {
        throw new ActionError(
          "integrity",
          `Layer ${layer.digest} has media type ${layer.mediaType}, which is not a file system layer`,
        );
      }
      await unpackLayer(await source.stream(layer), compression, diffId, tree);
    }
    await chmod(staging, 0o755);
    // rename over an empty folder succeeds, so a folder that appeared meanwhile is looked for again.
    await refuseExisting(target);
    await rename(staging, target);
    return { files: tree.files, bytes: tree.bytes };
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

async function refuseExisting(target: string): Promise<void> {
  try {
    await lstat(target);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return;
    throw error;
  }
  throw new ActionError(
    "environment",
    `${target} exists already; an image is unpacked into a new folder`,
  );
}

async function unpackLayer(
  blob: Readable,
  compression: "none" | "gzip" | "zstd",
  diffId: Digest,
  tree: Tree,
): Promise<void> {
  const hash = createHash("sha256");
  const counted = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const decoder = createTarDecoder({ strict: true });
  const entries = decoder.readable.getReader();
  const fed = pipeline(blob, decompressor(compression), counted, async (bytes) => {
    const writer = decoder.writable.getWriter();
    try {
      for await (const chunk of bytes as AsyncIterable<Uint8Array>) await writer.write(chunk);
      await writer.close();
    } catch (error) {
      // The reader below learns of it only so.
      await writer.abort(error).catch(() => undefined);
      throw error;
    }
  });
  // Awaited below; a failure that comes first must not count as unhandled.
  fed.catch(() => undefined);
  try {
    tree.startLayer();
    for (;;) {
      const { done, value } = await entries.read();
      if (done) break;
      await tree.add(value);
    }
    await fed;
  } catch (error) {
    blob.destroy();
    await entries.cancel().catch(() => undefined);
    // The blob's own verdict (a wrong digest) says more than the archive error that follows from it.
    const cause = await fed.then(
      () => error,
      (first: unknown) => (first instanceof ActionError ? first : error),
    );
    if (cause instanceof ActionError || isSystemError(cause, "ENOSPC", "EACCES", "EDQUOT"))
      throw cause;
    throw new ActionError(
      "integrity",
      `Layer with diff ID ${diffId} cannot be unpacked: ${messageOf(cause)}`,
      { cause },
    );
  }
  const found = `sha256:${hash.digest("hex")}`;
  if (found !== diffId) {
    throw new ActionError("integrity", `Layer has diff ID ${found}, its image says ${diffId}`);
  }
}

function decompressor(compression: "none" | "gzip" | "zstd"): Transform {
  switch (compression) {
    case "none":
      return new PassThrough();
    case "gzip":
      return createGunzip();
    case "zstd":
      return createZstdDecompress();
  }
}

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

/** The folder that layers are laid into, one entry after the other. */
class Tree {
  files = 0;
  bytes = 0;
  readonly #root: string;
  readonly #limits: Required<ExtractLimits>;
  #entries = 0;
  /** Names that the current layer has written: an opaque whiteout spares them. */
  #written = new Set<string>();

  constructor(root: string, { maxBytes = 8 * 1024 ** 3, maxEntries = 1_000_000 }: ExtractLimits) {
    this.#root = root;
    this.#limits = { maxBytes, maxEntries };
  }

  startLayer(): void {
    this.#written = new Set();
  }

  async add({ header, body }: ParsedTarEntry): Promise<void> {
    if (++this.#entries > this.#limits.maxEntries) {
      throw new ActionError(
        "integrity",
        `The image has more than ${this.#limits.maxEntries} entries`,
      );
    }
    const parts = nameParts(header.name);
    const name = parts.at(-1);
    if (name === undefined) {
      // The root folder itself.
      await body.cancel();
      return;
    }
    const parent = await this.#folder(parts.slice(0, -1));
    if (name.startsWith(WHITEOUT)) {
      await body.cancel();
      await this.#whiteout(parent, name);
      return;
    }
    const path = join(parent, name);
    this.#remember(path);
    await this.#place(path, header, body);
  }

  async #place(path: string, header: TarHeader, body: ParsedTarEntry["body"]): Promise<void> {
    switch (header.type ?? "file") {
      case "directory":
        await body.cancel();
        await this.#makeFolder(path, header.mode);
        return;
      case "file":
        await this.#replace(path);
        await this.#file(path, header, body);
        return;
      case "symlink":
        await body.cancel();
        await this.#replace(path);
        // Kept as it is: nothing here follows it without asking `resolveInside`.
        await symlink(header.linkname ?? "", path);
        return;
      case "link": {
        await body.cancel();
        const linked = nameParts(header.linkname ?? "");
        const origin = join(await this.#folder(linked.slice(0, -1)), linked.at(-1) ?? "");
        const found = await stillThere(origin);
        if (found?.isFile() !== true) {
          throw new ActionError(
            "integrity",
            `${header.name} is a link to ${header.linkname ?? ""}, which is no file of the image`,
          );
        }
        await this.#replace(path);
        await link(origin, path);
        return;
      }
      default:
        // Devices and pipes cannot be made without root and are of no use outside a container.
        await body.cancel();
    }
  }

  async #file(path: string, header: TarHeader, body: ParsedTarEntry["body"]): Promise<void> {
    this.bytes += header.size;
    if (this.bytes > this.#limits.maxBytes) {
      await body.cancel();
      throw new ActionError(
        "integrity",
        `The image unpacks to more than ${this.#limits.maxBytes} bytes`,
      );
    }
    this.files++;
    await pipeline(Readable.fromWeb(body), createWriteStream(path, { flags: "wx", mode: 0o600 }));
    await chmod(path, ((header.mode ?? 0o644) & 0o777) | 0o600);
  }

  /** The real folder for `parts`, made where it is missing; links are followed below the root. */
  async #folder(parts: readonly string[]): Promise<string> {
    let path = this.#root;
    for (const part of parts) {
      path = resolveInside(this.#root, join(path, part).slice(this.#root.length));
      const found = await stillThere(path);
      if (found?.isDirectory() === true) continue;
      // A file of a lower layer gives way to a folder of this one.
      if (found !== undefined) await rm(path);
      await mkdir(path, { recursive: true });
    }
    return path;
  }

  async #makeFolder(path: string, mode = 0o755): Promise<void> {
    const found = await stillThere(path);
    if (found?.isDirectory() !== true) {
      if (found !== undefined) await rm(path);
      await mkdir(path);
    }
    // Always ours to write and to remove again; the sticky bit is kept for /tmp.
    await chmod(path, (mode & 0o1777) | 0o700);
  }

  async #replace(path: string): Promise<void> {
    await rm(path, { recursive: true, force: true });
  }

  /** image-spec layer.md, "Whiteouts". */
  async #whiteout(parent: string, name: string): Promise<void> {
    if (name === OPAQUE) {
      for (const entry of await readdir(parent)) await this.#removeLower(join(parent, entry));
      return;
    }
    const hidden = name.slice(WHITEOUT.length);
    if (hidden === "" || hidden === "." || hidden === "..") {
      throw new ActionError("integrity", `${JSON.stringify(name)} is no whiteout`);
    }
    await this.#removeLower(join(parent, hidden));
  }

  async #removeLower(path: string): Promise<void> {
    if (!this.#written.has(path)) {
      await rm(path, { recursive: true, force: true });
      return;
    }
    if ((await stillThere(path))?.isDirectory() !== true) return;
    for (const entry of await readdir(path)) await this.#removeLower(join(path, entry));
  }

  #remember(path: string): void {
    for (let at = path; at.length > this.#root.length; at = dirname(at)) {
      if (this.#written.has(at)) return;
      this.#written.add(at);
    }
  }
}

async function stillThere(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** @throws ActionError `integrity` for names that are not below the root of the image */
function nameParts(name: string): string[] {
  if (name.startsWith("/") || name.includes("\0") || name.split("/").includes("..")) {
    throw new ActionError(
      "integrity",
      `The image holds ${JSON.stringify(name)}, which leads out of it`,
    );
  }
  return name.split("/").filter((part) => part !== "" && part !== ".");
}

/**
 * The real path of `name` (as a program inside the container would write it) below `root`: links
 * are followed with `root` as `/`, so the result never leaves it. What is missing is left as it is.
 * @throws ActionError `integrity` when links go in circles
 */
export function resolveInside(root: string, name: string): string {
  const todo = name.split("/");
  let path: string[] = [];
  let links = 0;
  for (let part = todo.shift(); part !== undefined; part = todo.shift()) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      path.pop();
      continue;
    }
    const here = join(root, ...path, part);
    const target = linkTarget(here);
    if (target === undefined) {
      path.push(part);
      continue;
    }
    // 255 as containerd/continuity fs.RootPath has it.
    if (++links > 255) throw new ActionError("integrity", `Links of ${name} go in circles`);
    if (target.startsWith("/")) path = [];
    todo.unshift(...target.split("/"));
  }
  return join(root, ...path);
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}
