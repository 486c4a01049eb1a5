import { EndOfStream, type ByteReader } from "./byte-reader.ts";
import { PackError } from "./pack-format.ts";

const BLOCK = 512;
/** An extended header holds a name and a few times. */
const MAX_EXTENDED_BYTES = 64 * 1024;

/**
 * The content of the one file a tar archive holds (POSIX.1-2001 pax format, as `tar --posix`
 * writes it). Any other name, a second member or a link is refused.
 * @throws PackError
 */
export async function* onlyMember(reader: ByteReader, name: string): AsyncGenerator<Buffer, void> {
  try {
    let size: number | undefined;
    for (;;) {
      const header = await reader.read(BLOCK);
      checkSum(header);
      const type = String.fromCharCode(header[156] ?? 0);
      const given = number(header, 124, 12);
      if (type === "x" || type === "g") {
        if (given > MAX_EXTENDED_BYTES) throw new PackError("the archive's header is too large");
        const extended = records(await reader.read(padded(given)), given);
        if (extended.has("path")) throw new PackError("the archive holds another file");
        const large = extended.get("size");
        if (large !== undefined) size = Number(large);
        continue;
      }
      size ??= given;
      if ((type !== "0" && type !== "\0") || text(header, 0, 100) !== name) {
        throw new PackError("the archive holds another file");
      }
      if (!Number.isSafeInteger(size) || size < 0) throw new PackError("a size is refused");
      break;
    }
    yield* reader.pieces(size);
    await reader.read(padded(size) - size);
  } catch (error) {
    if (error instanceof EndOfStream) throw new PackError("the archive is cut off");
    throw error;
  }
  let zeros = 0;
  for await (const piece of reader.rest()) {
    if (piece.some((byte) => byte !== 0))
      throw new PackError("the archive holds more than one file");
    zeros += piece.length;
  }
  if (zeros < 2 * BLOCK) throw new PackError("the archive is cut off");
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

function text(header: Buffer, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? length : end);
}

function number(header: Buffer, start: number, length: number): number {
  const digits = text(header, start, length).trim();
  if (!/^[0-7]+$/.test(digits)) throw new PackError("the archive's header is damaged");
  return Number.parseInt(digits, 8);
}

/** The header's own sum: all its bytes, the field of the sum counted as blanks. */
function checkSum(header: Buffer): void {
  const wanted = number(header, 148, 8);
  let sum = 8 * 0x20;
  for (const [index, byte] of header.entries()) if (index < 148 || index >= 156) sum += byte;
  if (sum !== wanted) throw new PackError("the archive's header is damaged");
}

/** Extended header records: `<length> <key>=<value>\n`. */
function records(block: Buffer, size: number): Map<string, string> {
  const found = new Map<string, string>();
  for (let at = 0; at < size;) {
    const blank = block.indexOf(0x20, at);
    const length = Number(block.toString("latin1", at, Math.max(at, blank)));
    if (blank < 0 || !Number.isSafeInteger(length) || length <= 0 || at + length > size) {
      throw new PackError("the archive's header is damaged");
    }
    const [key = "", ...value] = block.toString("utf8", blank + 1, at + length - 1).split("=");
    found.set(key, value.join("="));
    at += length;
  }
  return found;
}
