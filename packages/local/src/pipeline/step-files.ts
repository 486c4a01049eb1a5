import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { IMAGE_REPORT_FILE, parseImageReport } from "@go-cicd/core/image-report.ts";
import { JOB_FOLDER } from "@go-cicd/core/names.ts";
import { readTimeline } from "@go-cicd/core/timeline-file.ts";
import { timelineFolder } from "@go-cicd/core/timeline.ts";

/** What steps of this job wrote below RUNNER_TEMP and is worth a word in the terminal. */
export interface StepFiles {
  /** Platform → bytes of the image last built. */
  imageBytes: Readonly<Record<string, number>>;
  /** What post stages kept of the caches: `saved`, `exists`, `failed`, … */
  saved: readonly { store: string; result: string; bytes: number }[];
}

/** Reads them; what is not there, or of another shape, is left out. */
export function stepFiles(temp: string): StepFiles {
  return { imageBytes: imageBytes(temp), saved: saved(temp) };
}

function imageBytes(temp: string): Record<string, number> {
  const file = join(temp, JOB_FOLDER, "image-report", IMAGE_REPORT_FILE);
  if (!existsSync(file)) return {};
  try {
    const { platforms } = parseImageReport(readFileSync(file, "utf8"));
    return Object.fromEntries(platforms.map((each) => [each.platform, each.imageBytes]));
  } catch {
    return {};
  }
}

function saved(temp: string): StepFiles["saved"] {
  const folder = timelineFolder(temp);
  if (!existsSync(folder)) return [];
  return readTimeline(folder).events.flatMap(({ stage, cache }) =>
    stage === "post" && cache !== undefined ? [cache] : [],
  );
}
