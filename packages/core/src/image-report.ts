import * as v from "valibot";
import { ActionError, messageOf } from "./errors.ts";

const layer = v.object({
  digest: v.string(),
  /** Bytes as stored, that is compressed. */
  size: v.number(),
  /** What is in it: `base`, `binary`. */
  what: v.string(),
});

const platform = v.object({
  /** `linux/amd64` */
  platform: v.string(),
  /** Of the manifest. */
  digest: v.string(),
  /** Of the linked binary. */
  binaryBytes: v.number(),
  layers: v.array(layer),
  /** Sum of the layers' sizes: what a pull transfers at most. */
  imageBytes: v.number(),
  /** Milliseconds of `go build`. */
  buildMs: v.number(),
});

/**
 * What build-image made and what it cost. Written by build-image as `image.json` in the artifact
 * `go-cicd-image-<digest prefix>`, read by annotate-deploy.
 */
export const imageReportSchema = v.object({
  version: v.literal(1),
  /** `name@sha256:…` or `oci-layout:<path>@sha256:…`. */
  image: v.string(),
  digest: v.string(),
  /** References it was pushed under. */
  tags: v.array(v.string()),
  commit: v.string(),
  /** Import path of the main package. */
  main: v.string(),
  platforms: v.array(platform),
  totalMs: v.number(),
  /** What went to the registry; null when nothing was pushed. */
  push: v.nullable(
    v.object({
      registry: v.string(),
      /** HTTP requests, authentication included. */
      requests: v.number(),
      uploadedBytes: v.number(),
      /** Bytes of blobs that the registry had already, or took from another repository. */
      reusedBytes: v.number(),
      /** Milliseconds. */
      ms: v.number(),
    }),
  ),
});

export type ImageReport = v.InferOutput<typeof imageReportSchema>;

/** @throws ActionError `integrity` when the text is no report of a version known here */
export function parseImageReport(text: string): ImageReport {
  try {
    return v.parse(imageReportSchema, JSON.parse(text));
  } catch (cause) {
    throw new ActionError("integrity", `The image report cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** Prefix of the artifact's name; the first 12 hexadecimal digits of the digest follow. */
export const IMAGE_ARTIFACT_PREFIX = "go-cicd-image-";
/** The file inside the artifact. */
export const IMAGE_REPORT_FILE = "image.json";
