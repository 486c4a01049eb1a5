import { createHash } from "node:crypto";
import { Transform } from "node:stream";
import { ActionError } from "@go-cicd/core/errors.ts";

/** `sha256:` and 64 lower-case hexadecimal digits: the one algorithm every OCI tool must know. */
export type Digest = `sha256:${string}`;

/** True for a well-formed sha256 digest (image-spec descriptor.md, "Digests"). */
export function isDigest(text: string): text is Digest {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

/** @throws ActionError `integrity`; `what` says where the digest stood. */
export function asDigest(text: unknown, what: string): Digest {
  if (typeof text === "string" && isDigest(text)) return text;
  throw new ActionError("integrity", `${what} is not a sha256 digest: ${JSON.stringify(text)}`, {
    hint: "Only sha256 digests (sha256: and 64 lower-case hexadecimal digits) are supported.",
  });
}

/** The digest of bytes in memory. */
export function digestOf(bytes: string | Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The hexadecimal part: the name of the blob in an OCI layout. */
export function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}

/** Counts and hashes what flows through it; read `digest` and `size` after the end. */
export class DigestStream extends Transform {
  size = 0;
  digest: Digest | undefined;
  readonly #hash = createHash("sha256");

  override _transform(
    chunk: Buffer,
    _: BufferEncoding,
    done: (error?: null, data?: Buffer) => void,
  ) {
    this.#hash.update(chunk);
    this.size += chunk.length;
    done(null, chunk);
  }

  override _flush(done: () => void): void {
    this.digest = `sha256:${this.#hash.digest("hex")}`;
    done();
  }

  /** Digest and size of all that flowed through. */
  result(): { digest: Digest; size: number } {
    if (this.digest === undefined) throw new Error("the stream has not ended yet");
    return { digest: this.digest, size: this.size };
  }
}

/** What a stream must turn out to be. `size` is checked as bytes arrive, before they are kept. */
export interface Expected {
  digest: Digest;
  size?: number | undefined;
  /** Where the bytes come from, for the message. */
  what: string;
}

/**
 * Passes bytes on and fails at their end when they are not what was promised. A reader that acts on
 * the bytes must undo what it did when this stream fails.
 */
export class VerifyStream extends Transform {
  readonly #hash = createHash("sha256");
  readonly #expected: Expected;
  #size = 0;

  constructor(expected: Expected) {
    super();
    this.#expected = expected;
  }

  override _transform(
    chunk: Buffer,
    _: BufferEncoding,
    done: (error?: Error | null, data?: Buffer) => void,
  ): void {
    this.#size += chunk.length;
    const { size, what } = this.#expected;
    if (size !== undefined && this.#size > size) {
      done(new ActionError("integrity", `${what} is longer than the ${size} bytes it should have`));
      return;
    }
    this.#hash.update(chunk);
    done(null, chunk);
  }

  override _flush(done: (error?: Error | null) => void): void {
    done(mismatch(this.#expected, `sha256:${this.#hash.digest("hex")}`, this.#size));
  }
}

/** @throws ActionError `integrity` when the bytes are not what was promised. */
export function verifyBytes(bytes: Uint8Array, expected: Expected): void {
  const error = mismatch(expected, digestOf(bytes), bytes.length);
  if (error !== null) throw error;
}

function mismatch(expected: Expected, digest: Digest, size: number): ActionError | null {
  const { what } = expected;
  if (expected.size !== undefined && size !== expected.size) {
    return new ActionError("integrity", `${what} has ${size} bytes instead of ${expected.size}`);
  }
  if (digest !== expected.digest) {
    return new ActionError(
      "integrity",
      `${what} has digest ${digest} instead of ${expected.digest}`,
    );
  }
  return null;
}
