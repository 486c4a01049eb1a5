import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { criticalPath } from "./critical-path.ts";
import { jobsOf } from "./jobs.ts";
import type { StepEvent } from "./timelines.ts";

function event(
  job: string,
  phase: string,
  start: number,
  end: number,
  more: Partial<StepEvent> = {},
): StepEvent {
  return {
    v: 1,
    door: "go-matrix-test",
    stage: "main",
    job,
    leg: "",
    attempt: 1,
    phase,
    start,
    end,
    ok: true,
    counters: {},
    n: 1,
    ...more,
  };
}

const lines = (events: StepEvent[]): string[] =>
  criticalPath(jobsOf(events)).map(
    ({ kind, label, start, end }) => `${start}–${end} ${kind} ${label}`,
  );

describe("critical path", () => {
  test("goes back from the job that ended last, through the one it waited for", () => {
    expect(
      lines([
        event("lint", "vet", 0, 30),
        event("test", "go test", 0, 50),
        event("deploy", "switch", 60, 80),
        event("docs", "build", 55, 70),
      ]),
    ).toEqual([
      "0–50 phase test › Test › go test",
      "50–60 gap between test and deploy",
      "60–80 phase deploy › Test › switch",
    ]);
  });

  test("of phases side by side the one that ended last counts, from where the next one begins", () => {
    expect(
      lines([event("a", "left", 0, 60), event("a", "right", 50, 100), event("a", "short", 55, 58)]),
    ).toEqual(["0–50 phase a › Test › left", "50–100 phase a › Test › right"]);
  });

  test("a phase around others stands for them", () => {
    expect(lines([event("a", "deploy", 0, 100), event("a", "health", 20, 90)])).toEqual([
      "0–100 phase a › Test › deploy",
    ]);
  });

  test("what was taken over from an earlier attempt is no part of it", () => {
    expect(
      lines([
        event("ci", "go test", 0, 50),
        event("deploy", "switch", 9_000, 9_100, { attempt: 2 }),
      ]),
    ).toEqual(["9000–9100 phase deploy › Test › switch"]);
  });

  test("segments have no holes, do not overlap, and sum up to the whole, whatever the phases are", () => {
    const phase = fc.record({
      job: fc.constantFrom("a", "b", "c", "d"),
      n: fc.integer({ min: 1, max: 3 }),
      start: fc.integer({ min: 0, max: 500 }),
      length: fc.integer({ min: 0, max: 120 }),
    });
    fc.assert(
      fc.property(fc.array(phase, { minLength: 1, maxLength: 40 }), (phases) => {
        const events = phases.map(({ job, n, start, length }, index) =>
          event(job, String(index), start, start + length, { n }),
        );
        const path = criticalPath(jobsOf(events));
        const start = Math.min(...events.map((one) => one.start));
        const end = Math.max(...events.map((one) => one.end));
        expect(path.reduce((sum, segment) => sum + segment.end - segment.start, 0)).toBe(
          end - start,
        );
        let edge = start;
        for (const segment of path) {
          expect(segment.start).toBe(edge);
          expect(segment.end).toBeGreaterThan(segment.start);
          edge = segment.end;
        }
        expect(edge).toBe(end);
      }),
    );
  });

  test("a gap is only where no phase of its job was at work", () => {
    const phase = fc.record({
      start: fc.integer({ min: 0, max: 300 }),
      length: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(phase, { minLength: 1, maxLength: 20 }), (phases) => {
        const events = phases.map(({ start, length }, index) =>
          event("a", String(index), start, start + length),
        );
        for (const segment of criticalPath(jobsOf(events))) {
          if (segment.kind === "phase") continue;
          const busy = events.filter((one) => one.start < segment.end && one.end > segment.start);
          expect(busy).toEqual([]);
        }
      }),
    );
  });
});
