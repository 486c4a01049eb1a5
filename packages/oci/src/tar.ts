import { createReadStream } from "node:fs";

/**
 * An entry of an archive whose bytes follow from these fields alone. Owner and time are the same
 * for all entries unless given: root and the epoch.
 */
export type TarEntry = {
  /** Without a leading slash; folders get their trailing one here. */
  name: string;
  /** Permission bits, such as `0o755`. */
  mode: number;
  uid?: number;
  gid?: number;
  /** Seconds since the epoch; 0 by default. */
  mtime?: number;
} & (
  | { type: "folder" }
  | { type: "symlink"; target: string }
  | { type: "file"; content: Uint8Array }
  /** Read while the archive is written; `size` in bytes must be true. */
  | { type: "file"; path: string; size: number }
);

const BLOCK = 512;
const MAX_OCTAL_SIZE = 0o77777777777;
const MAX_OCTAL_ID = 0o7777777;

/**
 * Writes a POSIX (ustar, pax where a field is too long) archive: entries sorted by name, so that
 * the order in which they were gathered does not reach the digest; no user or group names.
 * Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Interchange Format".
 */
export async function* tarStream(entries: readonly TarEntry[]): AsyncGenerator<Uint8Array> {
  for (const entry of sorted(entries)) {
    const size = sizeOf(entry);
    yield headers(entry, size);
    if (entry.type !== "file") continue;
    if ("content" in entry) {
      yield entry.content;
    } else {
      let sent = 0;
      for await (const chunk of createReadStream(entry.path, { highWaterMark: 1 << 18 })) {
        sent += (chunk as Buffer).length;
        if (sent > size) break;
        yield chunk as Buffer;
      }
      if (sent !== size) throw new Error(`${entry.path} changed while it was archived`);
    }
    if (size % BLOCK !== 0) yield Buffer.alloc(BLOCK - (size % BLOCK));
  }
  // The end: two blocks of zeros.
  yield Buffer.alloc(2 * BLOCK);
}

function sorted(entries: readonly TarEntry[]): TarEntry[] {
  const names = new Set<string>();
  for (const { name } of entries) {
    const parts = name.split("/");
    if (
      name === "" ||
      name.includes("\0") ||
      parts.some((part) => ["", ".", ".."].includes(part))
    ) {
      throw new Error(`${JSON.stringify(name)} is no name for an archive`);
    }
    if (names.has(name)) throw new Error(`${JSON.stringify(name)} is archived twice`);
    names.add(name);
  }
  // By bytes, not by locale; a folder sorts before what is in it.
  return [...entries].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

function sizeOf(entry: TarEntry): number {
  if (entry.type !== "file") return 0;
  return "content" in entry ? entry.content.length : entry.size;
}

function headers(entry: TarEntry, size: number): Uint8Array {
  const name = entry.type === "folder" ? `${entry.name}/` : entry.name;
  const target = entry.type === "symlink" ? entry.target : "";
  const { uid = 0, gid = 0, mtime = 0 } = entry;
  const split = splitName(name);
  const extended: [string, string][] = [];
  if (split === undefined) extended.push(["path", name]);
  if (!fits(target, 100)) extended.push(["linkpath", target]);
  if (size > MAX_OCTAL_SIZE) extended.push(["size", String(size)]);
  if (uid > MAX_OCTAL_ID) extended.push(["uid", String(uid)]);
  if (gid > MAX_OCTAL_ID) extended.push(["gid", String(gid)]);
  const flag = { folder: "5", symlink: "2", file: "0" }[entry.type];
  const main = header({
    // Readers take name, target and sizes from the extended header; these are for readers that cannot.
    ...(split ?? { prefix: "", base: Buffer.from(name).subarray(0, 100) }),
    target: Buffer.from(target).subarray(0, 100),
    mode: entry.mode & 0o7777,
    uid: Math.min(uid, MAX_OCTAL_ID),
    gid: Math.min(gid, MAX_OCTAL_ID),
    size: Math.min(size, MAX_OCTAL_SIZE),
    mtime,
    flag,
  });
  if (extended.length === 0) return main;
  const body = Buffer.from(extended.map(([key, value]) => paxRecord(key, value)).join(""));
  const first = header({
    prefix: "",
    base: "PaxHeaders/entry",
    target: "",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: body.length,
    mtime: 0,
    flag: "x",
  });
  const padding = Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK);
  return Buffer.concat([first, body, padding, main]);
}

/** ustar keeps 100 bytes of name and 155 of the folders before it; ASCII only, so that readers agree. */
function splitName(name: string): { prefix: string; base: string } | undefined {
  if (!isAscii(name)) return undefined;
  if (name.length <= 100) return { prefix: "", base: name };
  const slash = name.lastIndexOf("/", 155);
  const base = name.slice(slash + 1);
  if (slash <= 0 || base.length > 100 || base === "") return undefined;
  return { prefix: name.slice(0, slash), base };
}

function fits(text: string, bytes: number): boolean {
  return isAscii(text) && text.length <= bytes;
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

/** `<length> <key>=<value>\n`, where the length counts its own digits and is in bytes. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + String(bytes).length;
  if (bytes + String(length).length !== length) length = bytes + String(length).length;
  return `${length}${rest}`;
}

interface Fields {
  prefix: string;
  base: string | Uint8Array;
  target: string | Uint8Array;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  flag: string;
}

function header(fields: Fields): Buffer {
  const block = Buffer.alloc(BLOCK);
  const text = (value: string | Uint8Array, at: number): void => {
    block.set(typeof value === "string" ? Buffer.from(value) : value, at);
  };
  const octal = (value: number, at: number, length: number): void => {
    text(value.toString(8).padStart(length - 1, "0"), at);
  };
  text(fields.base, 0);
  octal(fields.mode, 100, 8);
  octal(fields.uid, 108, 8);
  octal(fields.gid, 116, 8);
  octal(fields.size, 124, 12);
  octal(fields.mtime, 136, 12);
  text(fields.flag, 156);
  text(fields.target, 157);
  text("ustar\x0000", 257);
  octal(0, 329, 8);
  octal(0, 337, 8);
  text(fields.prefix, 345);
  // The checksum is taken with its own field full of blanks.
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  text(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}
