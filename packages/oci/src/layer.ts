import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { isSystemError } from "@go-cicd/core/errors.ts";
import { DigestStream, type Digest } from "./digest.ts";
import type { LayoutWriter } from "./layout.ts";
import { OCI_LAYER_GZIP } from "./media-types.ts";
import type { Descriptor } from "./spec.ts";
import { type TarEntry, tarStream } from "./tar.ts";

/** A layer that stands in a layout. */
export interface Layer {
  descriptor: Descriptor;
  /** Digest of the archive before compression (image-spec config.md, `rootfs.diff_ids`). */
  diffId: Digest;
  /** Bytes before compression. */
  unpacked: number;
}

/**
 * zlib's own default. Level 1 is about three times as fast and some 8 % larger; a layer is made
 * once and pulled many times.
 */
const GZIP_LEVEL = 6;

/**
 * Archives, compresses and hashes in one pass, without holding the layer in memory. The compressed
 * bytes follow from the entries and from the zlib of this Node.js; the diff ID from the entries alone.
 */
export async function writeLayer(
  layout: LayoutWriter,
  entries: readonly TarEntry[],
): Promise<Layer> {
  const plain = new DigestStream();
  const gzip = createGzip({ level: GZIP_LEVEL });
  const packed = pipeline(tarStream(entries), plain, gzip);
  const kept = layout.stream(OCI_LAYER_GZIP, withoutSystem(gzip));
  // A sink that fails before it has read anything does not reach the compressor by itself.
  kept.catch(() => gzip.destroy());
  const [made, stored] = await Promise.allSettled([packed, kept]);
  if (made.status === "rejected" || stored.status === "rejected") {
    const reasons = [made, stored].flatMap((one): unknown[] =>
      one.status === "rejected" ? [one.reason] : [],
    );
    // Either side's failure ends the other: what is thrown is the one that is not an echo.
    throw (
      reasons.find((one) => !isSystemError(one, "ERR_STREAM_PREMATURE_CLOSE", "ABORT_ERR")) ??
      reasons[0]
    );
  }
  const descriptor = stored.value;
  const { digest, size } = plain.result();
  return { descriptor, diffId: digest, unpacked: size };
}

/**
 * RFC 1952: byte 9 of the header names the operating system, and zlib writes the one it was built
 * for. 255 is "unknown", so that a runner's system does not reach the digest; the time is 0 already.
 */
async function* withoutSystem(gzip: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const chunk of gzip) {
    if (at <= 9 && at + chunk.length > 9) chunk[9 - at] = 255;
    at += chunk.length;
    yield chunk;
  }
}
