import { bounded } from "./bounded.ts";
import type { Digest } from "./digest.ts";
import type { Repository } from "./registry.ts";
import type { ImageSource } from "./source.ts";
import { type Descriptor, type Document, parseDocument } from "./spec.ts";

/** What a push moved. */
export interface PushResult {
  uploadedBytes: number;
  /** Of blobs that the registry had, or mounted from another repository. */
  reusedBytes: number;
}

/** Blobs in flight at once, as go-containerregistry has it. */
const BLOBS_AT_ONCE = 4;

/**
 * Pushes the image at `root` with everything below it, then names it by `tags`. Blobs come first,
 * then manifests from the leaves up, tags last: at no moment does a tag point at something missing.
 * A tag that points at the image already is left alone.
 * @param blobFile path of a verified blob on this machine
 */
export async function pushImage(
  source: ImageSource,
  root: Descriptor,
  blobFile: (digest: Digest) => string,
  repository: Repository,
  tags: readonly string[],
): Promise<PushResult> {
  const blobs = new Map<Digest, Descriptor>();
  const manifests = new Map<Digest, { descriptor: Descriptor; bytes: Buffer }>();
  await gather(source, root, blobs, manifests);
  const result: PushResult = { uploadedBytes: 0, reusedBytes: 0 };
  // The same image again: one question in place of one for each blob.
  const present = (await repository.resolve(root.digest)) !== undefined;
  if (present) {
    for (const { size } of blobs.values()) result.reusedBytes += size;
  } else {
    await bounded([...blobs.values()], BLOBS_AT_ONCE, async (blob) => {
      const what = await repository.pushBlob(blob, blobFile(blob.digest));
      result[what === "uploaded" ? "uploadedBytes" : "reusedBytes"] += blob.size;
    });
    for (const { descriptor, bytes } of manifests.values()) {
      if (descriptor.digest === root.digest && tags.length > 0) continue;
      await repository.pushManifest(bytes, descriptor.mediaType, descriptor.digest);
    }
  }
  const top = manifests.get(root.digest);
  for (const tag of tags) {
    if (present && (await repository.resolve(tag))?.digest === root.digest) continue;
    if (top !== undefined) await repository.pushManifest(top.bytes, root.mediaType, tag);
  }
  return result;
}

/** Children before parents. */
async function gather(
  source: ImageSource,
  descriptor: Descriptor,
  blobs: Map<Digest, Descriptor>,
  manifests: Map<Digest, { descriptor: Descriptor; bytes: Buffer }>,
): Promise<void> {
  if (manifests.has(descriptor.digest)) return;
  const bytes = await source.read(descriptor);
  const document: Document = parseDocument(bytes, descriptor.digest, descriptor.mediaType);
  if (document.kind === "index") {
    for (const entry of document.index.manifests) await gather(source, entry, blobs, manifests);
  } else {
    const { config, layers } = document.manifest;
    for (const blob of [config, ...layers]) blobs.set(blob.digest, blob);
  }
  manifests.set(descriptor.digest, { descriptor, bytes });
}
