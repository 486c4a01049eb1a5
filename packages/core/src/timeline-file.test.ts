import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { tempFolder } from "./testing/temp.ts";
import { parseTimeline, readTimeline } from "./timeline-file.ts";
import type { TimelineEvent } from "./timeline.ts";

function event(phase: string, start: number): TimelineEvent {
  return {
    v: 1,
    door: "build-image",
    stage: "main",
    job: "ci",
    leg: "",
    attempt: 1,
    phase,
    start,
    end: start + 5,
    ok: true,
    counters: { files: 3 },
    cache: { store: "modules", result: "hit", bytes: 10 },
  };
}

describe("parseTimeline", () => {
  it("reads every line, and counts what a kill left of the last one", () => {
    const text = `${JSON.stringify(event("a", 1))}\n${JSON.stringify(event("b", 2))}\n{"v":1,"do`;
    expect(parseTimeline(text)).toEqual({ events: [event("a", 1), event("b", 2)], damaged: 1 });
  });

  it.each(["null", "[]", '"x"', '{"v":2}', JSON.stringify({ ...event("a", 1), start: "1" })])(
    "does not take %s for an event",
    (line) => {
      expect(parseTimeline(`${line}\n`)).toEqual({ events: [], damaged: 1 });
    },
  );
});

describe("readTimeline", () => {
  it("merges the files of a folder by start", () => {
    const folder = tempFolder();
    writeFileSync(join(folder, "b-1.jsonl"), `${JSON.stringify(event("first", 1))}\n`);
    writeFileSync(
      join(folder, "a-1.jsonl"),
      `${JSON.stringify(event("third", 3))}\n${JSON.stringify(event("second", 2))}\n`,
    );
    writeFileSync(join(folder, "notes.txt"), "not a timeline");
    expect(readTimeline(folder).events.map(({ phase }) => phase)).toEqual([
      "first",
      "second",
      "third",
    ]);
  });

  it("is empty without the folder", () => {
    expect(readTimeline(join(tempFolder(), "none"))).toEqual({ events: [], damaged: 0 });
  });

  it("says what it cannot read", () => {
    const folder = tempFolder();
    mkdirSync(join(folder, "x.jsonl"));
    expect(() => readTimeline(folder)).toThrow(/EISDIR/);
  });
});
