import { ActionError } from "@go-cicd/core/errors.ts";
import { asDigest, type Digest } from "./digest.ts";
import { isIndexType, isManifestType } from "./media-types.ts";

/** image-spec image-index.md, `platform`. */
export interface Platform {
  os: string;
  architecture: string;
  variant?: string;
}

/** image-spec descriptor.md; what is not used here is left out. */
export interface Descriptor {
  mediaType: string;
  digest: Digest;
  /** Bytes. */
  size: number;
  platform?: Platform;
  annotations?: Readonly<Record<string, string>>;
}

/** image-spec image-index.md */
export interface Index {
  schemaVersion: 2;
  mediaType: string;
  manifests: readonly Descriptor[];
  annotations?: Readonly<Record<string, string>>;
}

/** image-spec manifest.md */
export interface Manifest {
  schemaVersion: 2;
  mediaType: string;
  config: Descriptor;
  layers: readonly Descriptor[];
  annotations?: Readonly<Record<string, string>>;
}

/** What a container is started with: image-spec config.md, `config`. */
export interface ContainerConfig {
  User?: string;
  Env?: readonly string[];
  Entrypoint?: readonly string[];
  Cmd?: readonly string[];
  WorkingDir?: string;
  ExposedPorts?: Readonly<Record<string, Record<string, never>>>;
  Labels?: Readonly<Record<string, string>>;
  StopSignal?: string;
}

/** image-spec config.md */
export interface ImageConfig extends Platform {
  created?: string;
  config?: ContainerConfig;
  rootfs: { type: "layers"; diff_ids: readonly Digest[] };
  history?: readonly { created?: string; created_by?: string; empty_layer?: boolean }[];
}

/** A manifest is small; more than this is no manifest (distribution-spec suggests 4 MiB). */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/** `linux/arm64/v8` of a platform. */
export function platformName({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
}

/** @throws ActionError `input` */
export function parsePlatform(text: string): Platform {
  const [os = "", architecture = "", variant, ...more] = text.split("/");
  if (!/^[a-z0-9]+$/.test(os) || !/^[a-z0-9_]+$/.test(architecture) || more.length > 0) {
    throw new ActionError("input", `${JSON.stringify(text)} is not a platform`, {
      hint: "Write os/architecture, such as linux/amd64, or os/architecture/variant, such as linux/arm/v7.",
    });
  }
  return variant === undefined ? { os, architecture } : { os, architecture, variant };
}

/** An index or a manifest, told apart by its media type, which some tools leave out. */
export type Document = { kind: "index"; index: Index } | { kind: "manifest"; manifest: Manifest };

/**
 * Reads the bytes of a manifest or index. They are checked against their digest before; here only
 * the shape is.
 * @throws ActionError `integrity`
 */
export function parseDocument(bytes: Uint8Array, what: string, declaredType: string): Document {
  const json = parseJson(bytes, what);
  const mediaType = typeof json["mediaType"] === "string" ? json["mediaType"] : declaredType;
  if (isIndexType(mediaType) || (!isManifestType(mediaType) && Array.isArray(json["manifests"]))) {
    const manifests = listOf(json["manifests"], `${what}: manifests`);
    return {
      kind: "index",
      index: {
        schemaVersion: 2,
        mediaType,
        manifests: manifests.map((item, at) => descriptor(item, `${what}: manifests[${at}]`)),
        ...annotationsOf(json),
      },
    };
  }
  if (!isManifestType(mediaType)) {
    throw new ActionError("integrity", `${what} is neither a manifest nor an index: ${mediaType}`);
  }
  return {
    kind: "manifest",
    manifest: {
      schemaVersion: 2,
      mediaType,
      config: descriptor(json["config"], `${what}: config`),
      layers: listOf(json["layers"], `${what}: layers`).map((item, at) =>
        descriptor(item, `${what}: layers[${at}]`),
      ),
      ...annotationsOf(json),
    },
  };
}

/** @throws ActionError `integrity` */
export function parseConfig(bytes: Uint8Array, what: string): ImageConfig {
  const json = parseJson(bytes, what);
  const rootfs = record(json["rootfs"], `${what}: rootfs`);
  const diffIds = listOf(rootfs["diff_ids"], `${what}: rootfs.diff_ids`);
  const { os, architecture } = json;
  if (typeof os !== "string" || typeof architecture !== "string") {
    throw new ActionError("integrity", `${what} names no os and architecture`);
  }
  return {
    ...(json as Partial<ImageConfig>),
    os,
    architecture,
    rootfs: {
      type: "layers",
      diff_ids: diffIds.map((item, at) => asDigest(item, `${what}: rootfs.diff_ids[${at}]`)),
    },
  };
}

function descriptor(value: unknown, what: string): Descriptor {
  const json = record(value, what);
  const { mediaType, size, platform } = json;
  if (typeof mediaType !== "string" || typeof size !== "number" || !Number.isSafeInteger(size)) {
    throw new ActionError("integrity", `${what} has no media type and size`);
  }
  if (size < 0) throw new ActionError("integrity", `${what} has a negative size`);
  return {
    mediaType,
    size,
    digest: asDigest(json["digest"], `${what}: digest`),
    ...(platform === undefined ? {} : { platform: platformOf(platform, what) }),
    ...annotationsOf(json),
  };
}

function platformOf(value: unknown, what: string): Platform {
  const { os, architecture, variant } = record(value, `${what}: platform`);
  if (typeof os !== "string" || typeof architecture !== "string") {
    throw new ActionError("integrity", `${what}: platform names no os and architecture`);
  }
  return typeof variant === "string" ? { os, architecture, variant } : { os, architecture };
}

function annotationsOf(json: Record<string, unknown>): { annotations?: Record<string, string> } {
  const { annotations } = json;
  if (typeof annotations !== "object" || annotations === null) return {};
  const texts = Object.entries(annotations).filter(
    (pair): pair is [string, string] => typeof pair[1] === "string",
  );
  return { annotations: Object.fromEntries(texts) };
}

function parseJson(bytes: Uint8Array, what: string): Record<string, unknown> {
  try {
    return record(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)), what);
  } catch (cause) {
    if (cause instanceof ActionError) throw cause;
    throw new ActionError("integrity", `${what} is not JSON`, { cause });
  }
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new ActionError("integrity", `${what} is not a JSON object`);
}

function listOf(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new ActionError("integrity", `${what} is not a list`);
}
