import { describe, expect, it } from "@jest/globals";
import type { StepResult } from "../contract/step.ts";
import { resultLine } from "./result-line.ts";
import type { StepFiles } from "./step-files.ts";

const NO_FILES: StepFiles = { imageBytes: {}, saved: [] };

function result(outputs: Record<string, string>, conclusion: "success" | "failure" = "success") {
  return { outputs, conclusion } as unknown as StepResult;
}

describe("resultLine", () => {
  it.each([
    [
      "setup-go-cached",
      {
        "go-version": "1.26.8",
        "modules-hit": "true",
        "build-hit": "false",
        "restored-bytes": "2500000",
      },
      "go 1.26.8 · modules hit · build cache not exact · 2.5 MB restored",
    ],
    [
      "setup-go-cached",
      {
        "go-version": "1.26.8",
        "modules-hit": "false",
        "build-hit": "false",
        "restored-bytes": "0",
      },
      "go 1.26.8 · caches empty",
    ],
    ["go-matrix-test", { matrix: '{"include":[{},{}]}' }, "2 jobs"],
    [
      "go-matrix-test",
      { verdict: "fail", passed: "3", failed: "1", skipped: "0", cached: "2" },
      "fail · 3 passed · 1 failed · 2 packages cached",
    ],
    [
      "deploy-with-rollback",
      { result: "rolled-back", reason: "crash", release: "b", "previous-release": "a" },
      "rolled-back (crash) · a serves again",
    ],
    [
      "go-matrix-test",
      { verdict: "pass", tests: "0", packages: "1" },
      "pass · no tests in 1 package",
    ],
    [
      "deploy-with-rollback",
      { result: "deployed", reason: "ok", release: "b", url: "http://127.0.0.1:1" },
      "deployed, healthy at http://127.0.0.1:1 · b",
    ],
    [
      "annotate-deploy",
      { sinks: '[{"sink":"summary","result":"ok"},{"sink":"webhook","result":"skipped"}]' },
      "summary ok",
    ],
    ["annotate-deploy", { sinks: "not JSON" }, "done"],
  ])("says what came of %s with %j", (door, outputs, line) => {
    expect(resultLine(door, "main", result(outputs), NO_FILES)).toBe(line);
  });

  it("says no more than the end of a step without outputs", () => {
    expect(resultLine("build-image", "main", result({}, "failure"), NO_FILES)).toBe("failure");
  });

  it("says how large the image is for each platform", () => {
    const outputs = {
      digest: `sha256:${"a".repeat(64)}`,
      digests: '{"linux/amd64":"x","linux/arm64":"y"}',
    };
    const files = { ...NO_FILES, imageBytes: { "linux/amd64": 4_100_000 } };
    expect(resultLine("build-image", "main", result(outputs), files)).toBe(
      "linux/amd64 4.1 MB, linux/arm64 · sha256:aaaaaaaaaaaa",
    );
  });

  it.each([
    [["saved", "saved"], "4.0 MB saved"],
    [["saved", "exists"], "2.0 MB saved"],
    [["exists"], "nothing new to save"],
    [["saved", "failed"], "not saved: store 1"],
    [[], ""],
  ])("says what post kept of caches that are %j", (results, line) => {
    const saved = results.map((each, index) => ({
      store: `store ${index}`,
      result: each,
      bytes: 2_000_000,
    }));
    const files = { ...NO_FILES, saved };
    expect(resultLine("setup-go-cached", "post", result({}), files)).toBe(line);
  });
});
