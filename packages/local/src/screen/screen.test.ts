import { describe, expect, it } from "@jest/globals";
import type { PipelineEvent } from "../pipeline/events.ts";
import { palette } from "./colour.ts";
import { jsonScreen, plainScreen } from "./screen.ts";

type StepFinished = PipelineEvent & { kind: "step-finished" };

function finished(changes: Partial<StepFinished>): StepFinished {
  return {
    kind: "step-finished",
    at: 0,
    job: "ci",
    step: "test",
    title: "run the tests",
    door: "go-matrix-test",
    stage: "main",
    state: "passed",
    result: "passed · 12 passed",
    problems: [],
    durationMs: 1_234,
    beforeMs: undefined,
    ...changes,
  };
}

function shown(...events: PipelineEvent[]): string {
  let text = "";
  const terminal = { write: (part: string) => void (text += part), columns: () => 80 };
  const screen = plainScreen(terminal, palette(false, {}));
  for (const event of events) screen(event);
  return text;
}

describe("plainScreen", () => {
  it("shows a step with its time, its result and the time before", () => {
    expect(shown(finished({ beforeMs: 65_000 }))).toBe(
      "  ✓ run the tests               1.2 s  passed · 12 passed (before 1 min 5 s)\n",
    );
  });

  it("shows what is wrong with a red step, or the end of its log", () => {
    const red = { state: "failed", problems: ["a_test.go:7: want 1\ngot 2"] } as const;
    expect(shown(finished(red))).toContain("      a_test.go:7: want 1\n      got 2\n");
    const text = shown(
      { kind: "step-started", at: 0, job: "ci", step: "test", title: "t" },
      { kind: "step-line", at: 0, job: "ci", step: "test", line: "panic: boom" },
      finished({ state: "failed" }),
    );
    expect(text).toContain("      panic: boom\n");
  });

  it("lets no text from outside steer the terminal", () => {
    const text = shown(finished({ result: "\u001b[2J\u001b]0;title\u0007ok\r\u0008" }));
    expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  });

  it("ends with the path of the report", () => {
    const text = shown({
      kind: "pipeline-finished",
      at: 0,
      ok: true,
      verdict: "green",
      durationMs: 10,
      beforeMs: undefined,
      serving: undefined,
      markdown: "/r/summary.md",
      report: "/r/index.html",
    });
    expect(text.trimEnd().split("\n").at(-1)).toBe("/r/index.html");
  });
});

it("jsonScreen writes one object a line", () => {
  let text = "";
  jsonScreen({ write: (part) => void (text += part), columns: () => 80 })(
    finished({ result: "a\nb" }),
  );
  expect(text.trimEnd().split("\n")).toHaveLength(1);
  expect(JSON.parse(text)).toMatchObject({ kind: "step-finished" });
});

describe("palette", () => {
  it.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: "1" }, false],
    [true, { CI: "true" }, false],
    [true, { TERM: "dumb" }, false],
  ])("on a terminal: %s with %j: colours %s", (terminal, env, colours) => {
    expect(palette(terminal, env).good("x") !== "x").toBe(colours);
  });
});
