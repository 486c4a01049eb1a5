import * as v from "valibot";
import { imageReportSchema } from "@go-cicd/core/image-report.ts";
import { cleanText } from "../clean-text.ts";
import type { Image } from "./report-model.ts";

/** The image of an image report, or what is wrong with it. */
export function readImage(json: unknown): Image | string {
  const parsed = v.safeParse(imageReportSchema, json);
  if (!parsed.success) return "it does not have the shape of an image report";
  const { image, digest, tags, main, commit, totalMs, push, platforms } = parsed.output;
  return {
    reference: cleanText(image),
    digest,
    tags: tags.map(cleanText),
    main: cleanText(main),
    commit,
    totalMs,
    push,
    platforms: platforms.map(({ platform, layers, imageBytes, binaryBytes, buildMs, ...rest }) => ({
      name: cleanText(platform),
      digest: rest.digest,
      size: imageBytes,
      binarySize: binaryBytes,
      buildMs,
      layers: layers.map(({ what, digest: of, size }) => ({
        name: cleanText(what),
        digest: of,
        size,
      })),
    })),
  };
}
