import type { Json } from "./canonical-json.ts";
import type { Digest } from "./digest.ts";
import type { Layer } from "./layer.ts";
import type { LayoutWriter } from "./layout.ts";
import { OCI_CONFIG, OCI_INDEX, OCI_MANIFEST } from "./media-types.ts";
import type { ContainerConfig, Descriptor, Platform } from "./spec.ts";

/** What one platform's image is made of. */
export interface ImageParts {
  platform: Platform;
  container: ContainerConfig;
  /** Bottom first; `what` says in the history how each came to be. */
  layers: readonly (Layer & { what: string })[];
  /** Seconds since the epoch; the same inputs give the same digest only when this is fixed. */
  createdSeconds: number;
  annotations: Readonly<Record<string, string>>;
}

/** An image that stands in a layout. */
export interface BuiltImage {
  /** Of the manifest, with the platform. */
  descriptor: Descriptor;
  /** Digest of the config: what `docker images` calls the image ID. */
  configDigest: Digest;
}

/** Writes config and manifest of one platform (image-spec config.md, manifest.md). */
export async function writeImage(layout: LayoutWriter, parts: ImageParts): Promise<BuiltImage> {
  const created = timestamp(parts.createdSeconds);
  const config = await layout.json(OCI_CONFIG, {
    ...platformJson(parts.platform),
    created,
    config: containerJson(parts.container),
    rootfs: { type: "layers", diff_ids: parts.layers.map((layer) => layer.diffId) },
    history: parts.layers.map((layer) => ({ created, created_by: layer.what })),
  });
  const manifest = await layout.json(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptorJson(config),
    layers: parts.layers.map((layer) => descriptorJson(layer.descriptor)),
    annotations: orNothing(parts.annotations),
  });
  return {
    descriptor: { ...manifest, platform: parts.platform },
    configDigest: config.digest,
  };
}

/** Writes the index over images of several platforms, in the order given. */
export async function writeIndex(
  layout: LayoutWriter,
  images: readonly Descriptor[],
  annotations: Readonly<Record<string, string>>,
): Promise<Descriptor> {
  return layout.json(OCI_INDEX, {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: images.map(descriptorJson),
    annotations: orNothing(annotations),
  });
}

/** RFC 3339 in UTC, without fractions: `1970-01-01T00:00:00Z`. */
export function timestamp(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}

function descriptorJson({ mediaType, digest, size, platform, annotations }: Descriptor): Json {
  return {
    mediaType,
    digest,
    size,
    platform: platform === undefined ? undefined : platformJson(platform),
    annotations: annotations === undefined ? undefined : orNothing(annotations),
  };
}

function platformJson({ os, architecture, variant }: Platform): Record<string, Json | undefined> {
  return { os, architecture, variant };
}

function containerJson(container: ContainerConfig): Record<string, Json | undefined> {
  return {
    User: container.User,
    Env: container.Env,
    Entrypoint: container.Entrypoint,
    Cmd: container.Cmd,
    WorkingDir: container.WorkingDir,
    ExposedPorts: container.ExposedPorts,
    Labels: container.Labels === undefined ? undefined : orNothing(container.Labels),
    StopSignal: container.StopSignal,
  };
}

function orNothing(
  texts: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined {
  return Object.keys(texts).length === 0 ? undefined : texts;
}
