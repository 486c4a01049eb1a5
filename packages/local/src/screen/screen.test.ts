import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "@jest/globals";
import type { PipelineEvent } from "../pipeline/events.ts";
import { palette } from "./colour.ts";
import { jsonScreen, liveScreen, plainScreen } from "./screen.ts";

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
      "  ✓ run the tests                    1.2 s  passed · 12 passed (before 1 min 5 s)\n",
    );
  });

  it("keeps its columns under the longest title and time there is", () => {
    const long = { title: "after: deploy and roll back", durationMs: 599_000, result: "x" };
    const [one, other] = [shown(finished({ result: "x" })), shown(finished(long))];
    expect(other.trimEnd()).toHaveLength(one.trimEnd().length);
    expect(shown(finished({ result: "" }))).not.toMatch(/ \n/);
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

  it("says how to stop what was left running", () => {
    const text = shown({
      kind: "pipeline-finished",
      at: 0,
      ok: true,
      verdict: "green",
      durationMs: 10,
      beforeMs: undefined,
      serving: { url: "http://127.0.0.1:1", stop: "sh agent.sh stop target" },
      markdown: undefined,
      report: undefined,
    });
    expect(text).toContain("serving at http://127.0.0.1:1\nto stop it: sh agent.sh stop target\n");
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

describe("liveScreen", () => {
  it("breaks a long result between words, under its column", () => {
    let text = "";
    const terminal = { write: (part: string) => void (text += part), columns: () => 80 };
    const screen = liveScreen(terminal, palette(true, {}));
    screen(finished({ result: "linux/amd64 2.9 MB, linux/arm64 2.6 MB · sha256:d78b3e535b07" }));
    screen.stop();
    const lines = stripVTControlCharacters(text).split("\n");
    expect(lines[0]).toMatch(/1\.2 s {2}linux\/amd64 2\.9 MB, linux\/arm64$/);
    expect(lines[1]).toBe(`${" ".repeat(44)}2.6 MB · sha256:d78b3e535b07`);
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
