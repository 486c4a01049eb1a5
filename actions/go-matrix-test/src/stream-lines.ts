/** Longest line that is kept whole. test2json itself cuts output into events of about 1 KiB. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

/** How a line ended: at its newline, at the end of the stream, or cut because it was too long. */
export type LineEnd = "newline" | "end" | "too-long";

/** Cuts a byte stream into lines in bounded memory, whatever the chunks are. */
export interface LineSplitter {
  push(chunk: Uint8Array): void;
  end(): void;
}

/**
 * Lines are split as bytes and decoded one by one, so a chunk that ends inside a UTF-8 sequence
 * cannot damage a character. A carriage return before the newline is dropped.
 */
export function lineSplitter(
  onLine: (line: string, end: LineEnd) => void,
  maxBytes = MAX_LINE_BYTES,
): LineSplitter {
  let parts: Uint8Array[] = [];
  let held = 0;
  let overflow = false;

  const keep = (part: Uint8Array): void => {
    if (held + part.length > maxBytes) {
      part = part.subarray(0, maxBytes - held);
      overflow = true;
    }
    if (part.length > 0) parts.push(part);
    held += part.length;
  };
  const emit = (end: LineEnd): void => {
    const [first = new Uint8Array()] = parts;
    const line = parts.length > 1 ? Buffer.concat(parts).toString("utf8") : decode(first);
    parts = [];
    held = 0;
    const kind = overflow ? "too-long" : end;
    overflow = false;
    onLine(line.endsWith("\r") ? line.slice(0, -1) : line, kind);
  };

  return {
    push: (chunk) => {
      let from = 0;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
        keep(chunk.subarray(from, at));
        emit("newline");
        from = at + 1;
      }
      // The chunk's memory may be the pipe's: what is held over is copied.
      if (from < chunk.length) keep(Uint8Array.prototype.slice.call(chunk, from));
    },
    end: () => {
      if (held > 0 || overflow) emit("end");
    },
  };
}

/** Without copying the bytes first. */
function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
