import type { Readable } from "node:stream";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Descriptor, ImageConfig, Manifest, Platform } from "./spec.ts";
import { MAX_MANIFEST_BYTES, parseConfig, parseDocument, platformName } from "./spec.ts";

/** Where blobs and manifests are read from: an OCI layout or a repository of a registry. */
export interface ImageSource {
  /** For messages: the folder or the repository. */
  readonly name: string;
  /** Whole content, checked against digest and size. @throws ActionError `integrity`, `network` */
  read(descriptor: Descriptor): Promise<Buffer>;
  /**
   * Content of a blob; the stream fails at its end with `integrity` when the bytes are not what the
   * descriptor says, so whoever uses them earlier must be able to undo it.
   */
  stream(descriptor: Descriptor): Promise<Readable>;
}

/** One platform's image with everything that is needed to unpack and start it. */
export interface PlatformImage {
  /** Of the manifest. */
  descriptor: Descriptor;
  manifest: Manifest;
  config: ImageConfig;
}

/**
 * Follows an index (also a nested one) to the manifest for `platform` and reads its config.
 * Entries of `unknown/unknown` are attestations of BuildKit and never match (buildx#1509).
 * @throws ActionError `repository` when the image has no such platform, `integrity`
 */
export async function selectPlatform(
  source: ImageSource,
  descriptor: Descriptor,
  platform: Platform,
): Promise<PlatformImage> {
  const offered: string[] = [];
  const image = await find(source, descriptor, platform, offered, 0);
  if (image !== undefined) return image;
  const list = [...new Set(offered)].sort().join(", ");
  throw new ActionError(
    "repository",
    `${source.name} (${descriptor.digest}) has no image for ${platformName(platform)}`,
    {
      hint:
        list === ""
          ? "It has no platform at all."
          : `It has: ${list}. Build it for this one as well.`,
    },
  );
}

async function find(
  source: ImageSource,
  descriptor: Descriptor,
  platform: Platform,
  offered: string[],
  depth: number,
): Promise<PlatformImage | undefined> {
  if (depth > 4) {
    throw new ActionError("integrity", `${source.name}: indexes are nested more than four deep`);
  }
  const what = `${source.name}: manifest ${descriptor.digest}`;
  if (descriptor.size > MAX_MANIFEST_BYTES) {
    throw new ActionError(
      "integrity",
      `${what} has ${descriptor.size} bytes, which no manifest has`,
    );
  }
  const document = parseDocument(await source.read(descriptor), what, descriptor.mediaType);
  if (document.kind === "index") {
    for (const entry of document.index.manifests) {
      if (entry.platform !== undefined && !matches(entry.platform, platform)) {
        if (entry.platform.os !== "unknown") offered.push(platformName(entry.platform));
        continue;
      }
      const image = await find(source, entry, platform, offered, depth + 1);
      if (image !== undefined) return image;
    }
    return undefined;
  }
  const { manifest } = document;
  const bytes = await source.read(manifest.config);
  const config = parseConfig(bytes, `${source.name}: config ${manifest.config.digest}`);
  if (config.rootfs.diff_ids.length !== manifest.layers.length) {
    throw new ActionError(
      "integrity",
      `${what} has ${manifest.layers.length} layers but ${config.rootfs.diff_ids.length} diff IDs`,
    );
  }
  if (!matches(config, platform)) {
    offered.push(platformName(config));
    return undefined;
  }
  return { descriptor, manifest, config };
}

/** arm64 without a variant is v8 (containerd platforms, database.go). */
function matches(offered: Platform, wanted: Platform): boolean {
  const variant = ({ architecture, variant: given }: Platform): string | undefined =>
    architecture === "arm64" && given === "v8" ? undefined : given;
  return (
    offered.os === wanted.os &&
    offered.architecture === wanted.architecture &&
    (variant(wanted) === undefined || variant(offered) === variant(wanted))
  );
}

/** The platform of the machine this runs on, in Go's words. */
export function hostPlatform(
  os: NodeJS.Platform = process.platform,
  arch: NodeJS.Architecture = process.arch,
): Platform {
  const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: "amd64", ia32: "386" };
  return { os: os === "win32" ? "windows" : os, architecture: architectures[arch] ?? arch };
}
