import { describe, expect, it } from "@jest/globals";
import type { StepResult } from "../contract/step.ts";
import { resultLine } from "./result-line.ts";

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
    ["annotate-deploy", { sinks: '[{"sink":"summary","result":"ok"}]' }, "summary ok"],
    ["annotate-deploy", { sinks: "not JSON" }, "done"],
  ])("says what came of %s with %j", (door, outputs, line) => {
    expect(resultLine(door, "main", result(outputs))).toBe(line);
  });

  it("says no more than the end of a step without outputs", () => {
    expect(resultLine("build-image", "main", result({}, "failure"))).toBe("failure");
  });
});
