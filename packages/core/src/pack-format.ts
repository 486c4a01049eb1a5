import { hash } from "node:crypto";

/**
 * A pack is one file that holds many: a head, an index, then the contents one after the other in
 * the order of the index.
 *
 *     magic   15 bytes  "go-cicd pack 1\n", the number being the version of the format
 *     length   4 bytes  of the index, big-endian
 *     sum     32 bytes  SHA-256 of the index
 *     index             JSON, see `PackIndex`
 *     contents
 *
 * The index comes first, so that every name is looked at before the first byte lands, and each
 * file's sum is known before its content.
 */
export const MAGIC = "go-cicd pack 1\n";
export const HEAD_BYTES = MAGIC.length + 4 + 32;

/** Far above what a build needs; a bound on what a hostile entry can make us hold. */
const MAX_INDEX_BYTES = 256 * 1024 * 1024;

/** A regular file: number of its root in `roots`, path, permission bits, bytes, SHA-256 in hex. */
export type PackedFile = readonly [
  root: number,
  path: string,
  mode: number,
  size: number,
  sha256: string,
];

/** A folder whose permissions matter: the read-only ones of Go's module cache. */
export type PackedFolder = readonly [root: number, path: string, mode: number];

export interface PackIndex {
  /** Ids of roots; where they are on a machine is not written down. */
  roots: readonly string[];
  files: readonly PackedFile[];
  folders: readonly PackedFolder[];
}

/** The bytes are not a pack, or not the pack that was written. */
export class PackError extends Error {}

/** Head and index of a pack, ready to be followed by the contents. */
export function encodeIndex(index: PackIndex): Buffer {
  const json = Buffer.from(JSON.stringify(index));
  if (json.length > MAX_INDEX_BYTES) throw new PackError("too many files for one pack");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([Buffer.from(MAGIC), length, hash("sha256", json, "buffer"), json]);
}

/**
 * Length and sum of the index that follows a head of `HEAD_BYTES`.
 * @throws PackError
 */
export function decodeHead(head: Buffer): { length: number; sum: Buffer } {
  if (head.toString("latin1", 0, MAGIC.length) !== MAGIC) {
    throw new PackError("this is no pack of a known version");
  }
  const length = head.readUInt32BE(MAGIC.length);
  if (length > MAX_INDEX_BYTES) throw new PackError(`an index of ${length} bytes is refused`);
  return { length, sum: head.subarray(MAGIC.length + 4, HEAD_BYTES) };
}

/**
 * The index, with every root known and every name safe to be joined to its root.
 * @throws PackError
 */
export function decodeIndex(json: Buffer, sum: Buffer, knownRoots: readonly string[]): PackIndex {
  if (!hash("sha256", json, "buffer").equals(sum)) {
    throw new PackError("the index is not what its sum says");
  }
  let index: unknown;
  try {
    index = JSON.parse(json.toString("utf8"));
  } catch {
    throw new PackError("the index is not JSON");
  }
  if (!isIndex(index)) throw new PackError("the index has another shape");
  for (const root of index.roots) {
    if (!knownRoots.includes(root)) {
      throw new PackError(`the root ${JSON.stringify(root)} is unknown`);
    }
  }
  const seen = new Set<string>();
  for (const [root, path] of index.files) {
    checkPath(path);
    const name = `${root}/${path}`;
    if (seen.has(name)) throw new PackError(`${JSON.stringify(path)} is there twice`);
    seen.add(name);
  }
  for (const [, path] of index.folders) checkPath(path);
  return index;
}

/**
 * A path below a root: segments joined by `/`, none empty, `.` or `..`; no backslash, colon (a
 * drive or stream on Windows) or control character.
 * @throws PackError
 */
export function checkPath(path: string): void {
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  const bad = path === "" || path.length > 4096 || /[\\:\u0000-\u001f\u007f]/.test(path);
  if (bad || path.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw new PackError(`the name ${JSON.stringify(path)} is refused`);
  }
}

function isIndex(value: unknown): value is PackIndex {
  if (typeof value !== "object" || value === null) return false;
  const { roots, files, folders } = value as Record<string, unknown>;
  if (!Array.isArray(roots) || !Array.isArray(files) || !Array.isArray(folders)) return false;
  const isRoot = (root: unknown): boolean => isCount(root) && root < roots.length;
  return (
    roots.every((root) => typeof root === "string") &&
    files.every((file: unknown) => {
      if (!Array.isArray(file) || file.length !== 5) return false;
      const [root, path, mode, size, sha256] = file as unknown[];
      return (
        isRoot(root) &&
        typeof path === "string" &&
        isMode(mode) &&
        isCount(size) &&
        typeof sha256 === "string" &&
        /^[0-9a-f]{64}$/.test(sha256)
      );
    }) &&
    folders.every((folder: unknown) => {
      if (!Array.isArray(folder) || folder.length !== 3) return false;
      const [root, path, mode] = folder as unknown[];
      return isRoot(root) && typeof path === "string" && isMode(mode);
    })
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Permission bits only: no set-user-ID, set-group-ID or sticky bit comes out of a cache. */
function isMode(value: unknown): value is number {
  return isCount(value) && value <= 0o777;
}
