// Go's archives for Windows and the module zips that proxies serve. Written here because each
// file's own sum is needed while it is unpacked, names are judged before anything is written, and
// sizes are bounded by what the directory says.
import { createHash } from "node:crypto";
import { open, mkdir, writeFile, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { inflateRaw } from "node:zlib";
import { ActionError } from "@go-cicd/core/errors.ts";

const inflate = promisify(inflateRaw) as (
  data: Uint8Array,
  options: { maxOutputLength: number },
) => Promise<Buffer>;

/** Signatures and lengths of PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16. */
const END = 0x06054b50;
const END_BYTES = 22;
const DIRECTORY = 0x02014b50;
const DIRECTORY_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;

/** No toolchain comes near these: a bomb is refused by what its directory says. */
const MAX_ENTRIES = 100_000;
const MAX_BYTES = 2 * 1024 ** 3;
const MAX_COMMENT = 0xffff;
/** Entries unpacked at once: inflating runs on other threads. */
const AT_ONCE = 4;

interface Entry {
  name: string;
  method: number;
  packed: number;
  size: number;
  offset: number;
}

/**
 * Unpacks the files of a zip archive below a folder.
 * @param place the path below `folder` for an entry's name; undefined leaves it out
 * @returns SHA-256 (hex) of every file, by its name in the archive
 * @throws ActionError `network` when it is no sound archive; system errors of writing as they come.
 */
export async function unpackZip(
  archive: string,
  folder: string,
  place: (name: string) => string | undefined,
): Promise<Map<string, string>> {
  const file = await open(archive);
  try {
    const sums = new Map<string, string>();
    const queue = await directory(file);
    const folders = new Set<string>();
    const worker = async (): Promise<void> => {
      for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) {
        // A folder has no content, and comes into being with its files.
        if (entry.name.endsWith("/")) continue;
        const path = place(entry.name);
        if (path === undefined) continue;
        if (sums.has(entry.name)) throw unsound(`${JSON.stringify(entry.name)} is there twice`);
        // Taken before the first wait, so that the other workers see it.
        sums.set(entry.name, "");
        const content = await read(file, entry);
        sums.set(entry.name, createHash("sha256").update(content).digest("hex"));
        const target = join(folder, path);
        if (!folders.has(dirname(target))) {
          await mkdir(dirname(target), { recursive: true });
          folders.add(dirname(target));
        }
        await writeFile(target, content, { flag: "wx" });
      }
    };
    const results = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return sums;
  } finally {
    await file.close();
  }
}

/** The entries by the directory at the archive's end. */
async function directory(file: FileHandle): Promise<Entry[]> {
  const { size } = await file.stat();
  const tail = await slice(file, Math.max(0, size - END_BYTES - MAX_COMMENT), size);
  let end = tail.length - END_BYTES;
  while (end >= 0 && tail.readUInt32LE(end) !== END) end -= 1;
  if (end < 0) throw unsound("it has no directory");
  const count = tail.readUInt16LE(end + 10);
  const bytes = tail.readUInt32LE(end + 12);
  const offset = tail.readUInt32LE(end + 16);
  if (count > MAX_ENTRIES || offset + bytes > size) throw unsound("its directory is not inside");
  const list = await slice(file, offset, offset + bytes);
  const entries: Entry[] = [];
  let total = 0;
  for (let at = 0; at < list.length;) {
    if (list.length - at < DIRECTORY_BYTES || list.readUInt32LE(at) !== DIRECTORY) {
      throw unsound("its directory cannot be read");
    }
    const flags = list.readUInt16LE(at + 8);
    const nameEnd = at + DIRECTORY_BYTES + list.readUInt16LE(at + 28);
    const name = list.toString("utf8", at + DIRECTORY_BYTES, nameEnd);
    const entry: Entry = {
      name,
      method: list.readUInt16LE(at + 10),
      packed: list.readUInt32LE(at + 20),
      size: list.readUInt32LE(at + 24),
      offset: list.readUInt32LE(at + 42),
    };
    if (!isPlainPath(name)) throw unsound(`the name ${JSON.stringify(name)} is not allowed`);
    if ((flags & 1) !== 0) throw unsound(`${name} is encrypted`);
    total += entry.size;
    entries.push(entry);
    at = nameEnd + list.readUInt16LE(at + 30) + list.readUInt16LE(at + 32);
  }
  if (entries.length !== count) throw unsound("its directory is not whole");
  if (total > MAX_BYTES) throw unsound(`it holds ${total} bytes`);
  return entries;
}

async function read(file: FileHandle, entry: Entry): Promise<Buffer> {
  const { name, method, packed, size, offset } = entry;
  const head = await slice(file, offset, offset + LOCAL_BYTES);
  if (head.readUInt32LE(0) !== LOCAL) throw unsound(`${name} is not where it should be`);
  const start = offset + LOCAL_BYTES + head.readUInt16LE(26) + head.readUInt16LE(28);
  const data = await slice(file, start, start + packed);
  let content: Buffer;
  if (method === 0) content = data;
  else if (method === 8) {
    try {
      content = await inflate(data, { maxOutputLength: Math.max(1, size) });
    } catch (error) {
      throw unsound(`${name} cannot be inflated`, error);
    }
  } else throw unsound(`${name} is packed by method ${method}`);
  if (content.length !== size) throw unsound(`${name} has ${content.length} bytes, not ${size}`);
  return content;
}

/**
 * Relative, forward slashes, no way out, nothing that Windows reads otherwise: it takes a name that
 * ends with a dot or a blank for the one without.
 */
export function isPlainPath(name: string): boolean {
  return (
    // eslint-disable-next-line no-control-regex -- they are what is refused
    !/[\u0000-\u001f\\:*?"<>|]/.test(name) &&
    name
      .replace(/\/$/, "")
      .split("/")
      .every((part) => part !== "" && !/[. ]$/.test(part))
  );
}

async function slice(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const buffer = Buffer.alloc(to - from);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
  if (bytesRead !== buffer.length) throw unsound("it ends too early");
  return buffer;
}

function unsound(why: string, cause?: unknown): ActionError {
  return new ActionError("network", `This is no sound zip archive: ${why}`, { cause });
}
