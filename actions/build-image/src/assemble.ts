import type { ImageReport } from "@go-cicd/core/image-report.ts";
import type { Digest } from "@go-cicd/oci/digest.ts";
import { writeImage } from "@go-cicd/oci/image.ts";
import { type Layer, writeLayer } from "@go-cicd/oci/layer.ts";
import type { LayoutWriter } from "@go-cicd/oci/layout.ts";
import { type Descriptor, type Platform, platformName } from "@go-cicd/oci/spec.ts";
import { baseEntries, CA_BUNDLE, HOME, NONROOT } from "./base.ts";
import type { Binary } from "./compile.ts";

/** Where the program lies in the image. */
const PROGRAMS = "app";

/** One platform's image, with the figures of its report. */
export interface PlatformResult {
  platform: string;
  descriptor: Descriptor;
  configDigest: Digest;
  report: ImageReport["platforms"][number];
}

/** The layer that every platform shares. */
export async function writeBase(layout: LayoutWriter): Promise<Layer> {
  return writeLayer(layout, baseEntries());
}

/** What all platforms of an image have in common. */
export interface Common {
  program: string;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  createdSeconds: number;
}

/** Lays the program over the base and writes config and manifest. */
export async function assemble(
  layout: LayoutWriter,
  base: Layer,
  binary: Binary,
  platform: Platform,
  common: Common,
): Promise<PlatformResult> {
  const { path, size, buildMs } = binary;
  const program = await writeLayer(layout, [
    { type: "folder", name: PROGRAMS, mode: 0o755 },
    { type: "file", name: `${PROGRAMS}/${common.program}`, mode: 0o755, path, size },
  ]);
  const layers = [
    { ...base, what: "base" },
    { ...program, what: "binary" },
  ];
  const image = await writeImage(layout, {
    platform,
    container: {
      User: `${NONROOT}:${NONROOT}`,
      Env: [
        `PATH=/${PROGRAMS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
        `HOME=${HOME}`,
        `SSL_CERT_FILE=${CA_BUNDLE}`,
      ],
      Entrypoint: [`/${PROGRAMS}/${common.program}`],
      WorkingDir: HOME,
      Labels: common.labels,
    },
    layers: layers.map((layer) => ({ ...layer, what: `go-cicd build-image: ${layer.what}` })),
    createdSeconds: common.createdSeconds,
    annotations: common.annotations,
  });
  const name = platformName(platform);
  return {
    platform: name,
    descriptor: image.descriptor,
    configDigest: image.configDigest,
    report: {
      platform: name,
      digest: image.descriptor.digest,
      binaryBytes: size,
      layers: layers.map(({ descriptor, what }) => ({
        digest: descriptor.digest,
        size: descriptor.size,
        what,
      })),
      imageBytes: layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
      buildMs: Math.round(buildMs),
    },
  };
}
