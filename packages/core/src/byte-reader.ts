/** The stream ended before what was asked for had come. */
export class EndOfStream extends Error {}

/**
 * Reads counted bytes from a stream of chunks of any size. Nothing is copied unless a wanted piece
 * spans chunks, so that reading many small pieces stays linear.
 */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  /** Chunks that have come and are not used up; the first is used from `#offset` on. */
  readonly #chunks: Buffer[] = [];
  #offset = 0;
  #available = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Waits for one more chunk; false at the end of the stream. */
  async #pull(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done === true) return false;
    const { value } = next;
    if (value.length > 0) {
      this.#chunks.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
      this.#available += value.length;
    }
    return true;
  }

  /**
   * Exactly `size` bytes in one piece; only for sizes that fit into memory.
   * @throws EndOfStream
   */
  async read(size: number): Promise<Buffer> {
    while (this.#available < size) {
      if (!(await this.#pull())) throw new EndOfStream();
    }
    return this.#take(size);
  }

  /** As `read`, without a wait; undefined when the bytes have not come yet. */
  readNow(size: number): Buffer | undefined {
    return this.#available < size ? undefined : this.#take(size);
  }

  /**
   * Exactly `size` bytes in pieces as they come.
   * @throws EndOfStream
   */
  async *pieces(size: number): AsyncGenerator<Buffer, void> {
    let left = size;
    while (left > 0) {
      if (this.#available === 0) {
        if (!(await this.#pull())) throw new EndOfStream();
        continue;
      }
      const head = this.#chunks[0] as Buffer;
      const piece = this.#take(Math.min(left, head.length - this.#offset));
      left -= piece.length;
      yield piece;
    }
  }

  /** What is left of the stream, in pieces. */
  async *rest(): AsyncGenerator<Buffer, void> {
    for (;;) {
      while (this.#available > 0) {
        const head = this.#chunks[0] as Buffer;
        yield this.#take(head.length - this.#offset);
      }
      if (!(await this.#pull())) return;
    }
  }

  #take(size: number): Buffer {
    if (size === 0) return Buffer.alloc(0);
    this.#available -= size;
    const head = this.#chunks[0] as Buffer;
    if (head.length - this.#offset >= size) {
      const piece = head.subarray(this.#offset, this.#offset + size);
      this.#offset += size;
      this.#dropUsedHead();
      return piece;
    }
    const whole = Buffer.allocUnsafe(size);
    let filled = 0;
    while (filled < size) {
      const chunk = this.#chunks[0] as Buffer;
      const count = Math.min(size - filled, chunk.length - this.#offset);
      chunk.copy(whole, filled, this.#offset, this.#offset + count);
      filled += count;
      this.#offset += count;
      this.#dropUsedHead();
    }
    return whole;
  }

  #dropUsedHead(): void {
    if (this.#offset < (this.#chunks[0] as Buffer).length) return;
    this.#chunks.shift();
    this.#offset = 0;
  }
}
