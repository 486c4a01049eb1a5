import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { testClock } from "../testing/clock.ts";
import { recordingLog, type RecordingLog } from "../testing/log.ts";
import { memoryState, type MemoryState } from "../testing/ports.ts";
import { tempFolder } from "../testing/temp.ts";
import { readTimeline } from "../timeline-file.ts";
import { timelineFolder } from "../timeline.ts";
import { matrixLeg } from "./ports.ts";
import { fileTimeline, type StepTimeline } from "./timeline.ts";

const clock = testClock({ start: 1_000 });

function timelineOf(
  temp: string,
  { stage = "main", state = memoryState() }: { stage?: "main" | "post"; state?: MemoryState } = {},
): { timeline: StepTimeline; log: RecordingLog } {
  const log = recordingLog();
  const step = { door: "build-image", stage, job: "ci", leg: "", attempt: 1 };
  return { timeline: fileTimeline({ temp, step, clock, state, log }), log };
}

describe("fileTimeline", () => {
  it("writes a phase when it is over, with what it counted", async () => {
    const temp = tempFolder();
    const { timeline } = timelineOf(temp);
    const answer = await timeline.phase("compile", async (phase) => {
      phase.count("packages", 7);
      phase.cache("build", "prefix", 99);
      await clock.sleep(250);
      return 42;
    });
    expect(answer).toBe(42);
    const { events } = readTimeline(timelineFolder(temp));
    expect(events).toEqual([
      expect.objectContaining({
        v: 1,
        door: "build-image",
        stage: "main",
        phase: "compile",
        ok: true,
        counters: { packages: 7 },
        cache: { store: "build", result: "prefix", bytes: 99 },
      }),
    ]);
    expect((events[0]?.end ?? 0) - (events[0]?.start ?? 0)).toBe(250);
  });

  it("writes a phase that throws, before its error goes on", async () => {
    const temp = tempFolder();
    const { timeline } = timelineOf(temp);
    await expect(
      timeline.phase("push", () => Promise.reject(new Error("refused"))),
    ).rejects.toThrow("refused");
    expect(readTimeline(timelineFolder(temp)).events).toMatchObject([{ phase: "push", ok: false }]);
  });

  it("gives two steps of one door two files, and main and post of a step one", async () => {
    const temp = tempFolder();
    const state = memoryState();
    const touch = (timeline: StepTimeline): Promise<void> =>
      timeline.phase("x", () => Promise.resolve());
    await touch(timelineOf(temp, { state }).timeline);
    await touch(timelineOf(temp).timeline);
    const post = timelineOf(temp, { stage: "post", state }).timeline;
    await touch(post);
    expect(readdirSync(timelineFolder(temp)).sort()).toEqual([
      "build-image-1.jsonl",
      "build-image-2.jsonl",
    ]);
    expect(
      readFileSync(post.file() ?? "", "utf8")
        .trim()
        .split("\n"),
    ).toHaveLength(2);
  });

  it("has no file while nothing happened", () => {
    const temp = tempFolder();
    expect(timelineOf(temp).timeline.file()).toBeUndefined();
    expect(existsSync(timelineFolder(temp))).toBe(false);
  });

  it("times without a file where there is no RUNNER_TEMP", async () => {
    const { timeline, log } = timelineOf("");
    await expect(timeline.phase("x", () => Promise.resolve(1))).resolves.toBe(1);
    expect(log.entries).toEqual([]);
  });

  it("warns once when it cannot write, and the work goes on", async () => {
    const temp = tempFolder();
    writeFileSync(join(temp, "go-cicd"), "a file where the folder should be");
    const { timeline, log } = timelineOf(temp);
    await expect(timeline.phase("x", () => Promise.resolve(1))).resolves.toBe(1);
    await timeline.phase("y", () => Promise.resolve());
    expect(log.messages("warning")).toHaveLength(1);
  });
});

describe("matrixLeg", () => {
  it.each([
    [undefined, ""],
    ["", ""],
    ["null", ""],
    ["no json", ""],
    ['{\n  "go": "1.25",\n  "os": "linux"\n}', '{"go":"1.25","os":"linux"}'],
  ])("of %j is %j", (text, leg) => {
    expect(matrixLeg(text)).toBe(leg);
  });
});
