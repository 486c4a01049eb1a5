import { mkdtemp } from "node:fs/promises";
import { lstatSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { dockerCredentials } from "@go-cicd/oci/credentials.ts";
import type { Digest } from "@go-cicd/oci/digest.ts";
import { extractLayers, resolveInside } from "@go-cicd/oci/extract.ts";
import { openLayout } from "@go-cicd/oci/layout.ts";
import { isIndexType } from "@go-cicd/oci/media-types.ts";
import {
  formatLayout,
  formatReference,
  parseImageLocation,
  type ImageLocation,
} from "@go-cicd/oci/reference.ts";
import { Repository } from "@go-cicd/oci/registry.ts";
import { selectPlatform, type ImageSource, type PlatformImage } from "@go-cicd/oci/source.ts";
import {
  parseDocument,
  platformName,
  type ContainerConfig,
  type Descriptor,
  type Platform,
} from "@go-cicd/oci/spec.ts";

/** An image whose digest is given, so that what is deployed cannot change on its way. */
export type PinnedImage = ImageLocation & { pinned: Digest; text: string };

/**
 * Reads input `image`; layouts are found from `folder`.
 * @throws ActionError `input`, also when the digest is missing
 */
export function pinnedImage(text: string, folder: string): PinnedImage {
  const location = parseImageLocation(text);
  const digest = location.kind === "layout" ? location.digest : location.reference.digest;
  if (digest === undefined) {
    throw new ActionError("input", `image ${JSON.stringify(text)} has no digest`, {
      hint: "A deploy names its image by digest (…@sha256:…), as output `image` of build-image does: a tag can move.",
    });
  }
  if (location.kind === "registry") {
    return { ...location, pinned: digest, text: formatReference(location.reference) };
  }
  const path = resolve(folder, location.path);
  return { kind: "layout", path, digest, pinned: digest, text: formatLayout(path, digest) };
}

/** An image on this machine, unpacked for a platform. */
export interface StagedImage {
  /** Folder with the image's files. */
  root: string;
  files: number;
  bytes: number;
  config: ContainerConfig;
  /** Platform → manifest digest, as far as the image says. */
  platforms: Record<string, string>;
}

/**
 * Pulls or opens the image and unpacks it for `platform` into a new folder below `temp`. Every byte
 * is checked against its digest.
 */
export async function stageImage(
  image: PinnedImage,
  platform: Platform,
  temp: string,
  ports: Ports,
): Promise<StagedImage> {
  const { source, root: descriptor } = await openImage(image, ports);
  const chosen = await selectPlatform(source, descriptor, platform);
  const folder = await mkdtemp(join(temp, "go-cicd-image-"));
  const root = join(folder, "root");
  const { files, bytes } = await extractLayers(source, chosen, root);
  const platforms = await platformsOf(source, descriptor, chosen);
  return { root, files, bytes, config: chosen.config.config ?? {}, platforms };
}

async function openImage(
  image: PinnedImage,
  ports: Ports,
): Promise<{ source: ImageSource; root: Descriptor }> {
  if (image.kind === "layout") {
    const source = await openLayout(image.path);
    return { source, root: source.root(image.pinned) };
  }
  const { http, clock, env, processes, log, signal } = ports;
  const { registry, repository } = image.reference;
  const mask = (secret: string): void => log.mask(secret);
  const source = new Repository({
    registry,
    repository,
    access: "pull",
    http,
    clock,
    credentials: await dockerCredentials(registry, { env, processes, signal, mask }),
    mask,
    signal,
  });
  const root = await source.resolve(image.pinned);
  if (root === undefined) {
    throw new ActionError("input", `${image.text} is not in the registry, or may not be read`, {
      hint: "Check the name and the digest, and log in to the registry in an earlier step (docker login).",
    });
  }
  return { source, root };
}

async function platformsOf(
  source: ImageSource,
  root: Descriptor,
  chosen: PlatformImage,
): Promise<Record<string, string>> {
  if (!isIndexType(root.mediaType)) {
    return { [platformName(chosen.config)]: chosen.descriptor.digest };
  }
  const document = parseDocument(await source.read(root), source.name, root.mediaType);
  if (document.kind === "manifest") return {};
  return Object.fromEntries(
    document.index.manifests.flatMap(({ platform, digest }) =>
      platform === undefined || platform.os === "unknown" ? [] : [[platformName(platform), digest]],
    ),
  );
}

/** In the words of images, what `uname` says. */
export function platformOf({ system, machine }: { system: string; machine: string }): Platform {
  const machines: Record<string, string> = {
    x86_64: "amd64",
    amd64: "amd64",
    aarch64: "arm64",
    arm64: "arm64",
    i386: "386",
    i686: "386",
    armv7l: "arm",
  };
  return { os: system.toLowerCase(), architecture: machines[machine] ?? machine };
}

/**
 * The program that the image starts, as a path inside it with all links followed.
 * @throws ActionError `repository` when the image names none that is there
 */
export function entrypointOf(
  root: string,
  config: ContainerConfig,
  args: readonly string[],
): { program: string; args: string[] } {
  const entrypoint = config.Entrypoint ?? [];
  // As for a container: given arguments replace the image's Cmd, never its Entrypoint.
  const words = [...entrypoint, ...(args.length > 0 ? args : (config.Cmd ?? []))];
  const [name, ...rest] = words;
  if (name === undefined || name === "") {
    throw new ActionError("repository", "The image names no program to start", {
      hint: "Build it with an entrypoint.",
    });
  }
  const candidates = isAbsolute(name)
    ? [name]
    : name.includes("/")
      ? [join(config.WorkingDir ?? "/", name)]
      : searchPath(config).map((folder) => join(folder, name));
  for (const candidate of candidates) {
    const path = resolveInside(root, candidate);
    if (isProgram(path)) return { program: path.slice(root.length), args: rest };
  }
  throw new ActionError(
    "repository",
    `The image's program ${JSON.stringify(name)} is not in the image, or not executable`,
  );
}

function searchPath({ Env = [] }: ContainerConfig): string[] {
  const path = Env.find((line) => line.startsWith("PATH="))?.slice("PATH=".length);
  return (path ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin").split(":");
}

function isProgram(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && (found.mode & 0o111) !== 0;
}
