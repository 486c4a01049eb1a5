import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ImageReport } from "@go-cicd/core/image-report.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import type { TimelineEvent } from "@go-cicd/core/timeline.ts";
import { expect, it } from "@jest/globals";
import { stepFiles } from "./step-files.ts";

function temp(files: Record<string, string>): string {
  const folder = tempFolder();
  for (const name of ["timeline", "image-report"]) {
    mkdirSync(join(folder, "go-cicd", name), { recursive: true });
  }
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, "go-cicd", name), text);
  }
  return folder;
}

it("reads the image's sizes and what post stages kept", () => {
  const report: ImageReport = {
    version: 1,
    image: "x@sha256:1",
    digest: "sha256:1",
    tags: [],
    commit: "",
    main: "x",
    platforms: [
      {
        platform: "linux/amd64",
        digest: "sha256:2",
        binaryBytes: 9,
        layers: [],
        imageBytes: 7,
        buildMs: 1,
      },
    ],
    totalMs: 1,
    push: null,
  };
  const event = (stage: "main" | "post", result: string): string => {
    const cache = { store: "build", result, bytes: 5 };
    const of: TimelineEvent = {
      ...{ v: 1, door: "setup-go-cached", stage, job: "ci", leg: "", attempt: 1 },
      ...{ phase: "p", start: 1, end: 2, ok: true, counters: {}, cache },
    };
    return JSON.stringify(of);
  };
  const folder = temp({
    "image-report/image.json": JSON.stringify(report),
    "timeline/setup-go-cached-1.jsonl": [event("main", "hit"), event("post", "saved")].join("\n"),
  });
  expect(stepFiles(folder)).toEqual({
    imageBytes: { "linux/amd64": 7 },
    saved: [{ store: "build", result: "saved", bytes: 5 }],
  });
});

it("has nothing to say of files that are missing or damaged", () => {
  const nothing = { imageBytes: {}, saved: [] };
  expect(stepFiles(join(tempFolder(), "none"))).toEqual(nothing);
  const damaged = { "image-report/image.json": "{", "timeline/setup-go-cached-1.jsonl": "{" };
  expect(stepFiles(temp(damaged))).toEqual(nothing);
});
