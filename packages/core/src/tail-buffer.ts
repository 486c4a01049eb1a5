/** The last bytes of a stream, in bounded memory. */
export interface TailBuffer {
  add(chunk: Uint8Array): void;
  /** At most `limit` bytes, as UTF-8; a character cut in two at the start is left out. */
  text(): string;
}

/** Keeps at most `limit` bytes when read, and at most twice that in between. */
export function tailBuffer(limit: number): TailBuffer {
  let chunks: Buffer[] = [];
  let size = 0;
  let cut = false;

  const trim = (): void => {
    const all = Buffer.concat(chunks);
    cut ||= all.length > limit;
    // A copy, so that the large buffer behind the slice can be freed.
    const tail = Buffer.from(all.subarray(Math.max(0, all.length - limit)));
    chunks = [tail];
    size = tail.length;
  };

  return {
    add: (chunk) => {
      if (limit === 0) return;
      // Streams reuse nothing, but a caller's view may be of something large.
      chunks.push(Buffer.from(chunk));
      size += chunk.length;
      if (size > 2 * limit) trim();
    },
    text: () => {
      if (size > limit) trim();
      const all = Buffer.concat(chunks);
      let start = 0;
      // Continuation bytes at the start belong to a character whose head was cut off.
      while (cut && start < 4 && ((all[start] ?? 0) & 0xc0) === 0x80) start += 1;
      return all.toString("utf8", start);
    },
  };
}
