import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { recordingLog, type RecordingLog } from "../testing/log.ts";
import { tempFolder } from "../testing/temp.ts";
import type { Summary } from "../summary.ts";
import { stepSummary } from "./summary.ts";

function summaryIn(path: string, budget?: number): { summary: Summary; log: RecordingLog } {
  const log = recordingLog();
  return { summary: stepSummary({ GITHUB_STEP_SUMMARY: path }, log, budget), log };
}

describe("stepSummary", () => {
  it("appends blocks in the order of the calls", async () => {
    const path = join(tempFolder(), "summary.md");
    const { summary } = summaryIn(path);
    const added = await Promise.all([summary.add("# a"), summary.add("# b")]);
    expect(added).toEqual([{ kind: "written" }, { kind: "written" }]);
    expect(readFileSync(path, "utf8")).toBe("# a\n\n# b\n\n");
  });

  it("stays below the runner's limit, says where it cut, and warns once", async () => {
    const path = join(tempFolder(), "summary.md");
    const { summary, log } = summaryIn(path);
    for (let block = 0; block < 40; block += 1) await summary.add("row | row\n".repeat(5_000));
    expect(statSync(path).size).toBeLessThanOrEqual(900 * 1024);
    expect(statSync(path).size).toBeGreaterThan(800 * 1024);
    expect(readFileSync(path, "utf8")).toMatch(/This summary is cut[^\n]*\n\n$/);
    expect(log.messages("warning")).toHaveLength(1);
  });

  it("counts what stands in the file already", async () => {
    const path = join(tempFolder(), "summary.md");
    writeFileSync(path, "x".repeat(900));
    const { summary, log } = summaryIn(path, 1_000);
    expect(await summary.add("y".repeat(500))).toEqual({ kind: "cut" });
    expect(statSync(path).size).toBeLessThanOrEqual(1_000);
    expect(log.messages("warning")).toHaveLength(1);
  });

  it("warns when the file cannot be written, and does not throw", async () => {
    const path = join(tempFolder(), "summary.md");
    mkdirSync(path);
    const { summary, log } = summaryIn(path);
    expect(await summary.add("# a")).toMatchObject({
      kind: "failed",
      detail: expect.stringContaining("EISDIR"),
    });
    expect(await summary.add("# b")).toMatchObject({ kind: "failed" });
    expect(log.messages("warning")).toEqual([
      expect.stringMatching(/could not be written: EISDIR/),
    ]);
  });

  it("says in the debug log that there is no summary outside a runner", async () => {
    const log = recordingLog();
    expect(await stepSummary({}, log).add("# a")).toEqual({ kind: "absent" });
    expect(log.entries).toEqual([{ level: "debug", message: expect.any(String) }]);
  });
});
