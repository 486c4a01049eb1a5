import { describe, expect, test } from "@jest/globals";
import { isAccepted, spanProblem, Stability, Startup, type Sighting } from "./health.ts";
import type { HealthContract } from "./release.ts";

const contract: HealthContract = {
  port: 8080,
  path: "/healthz",
  statuses: ["200-299"],
  waitMs: 1000,
  tryMs: 100,
  intervalMs: 100,
  stopMs: 1000,
  successes: 3,
  version: undefined,
};

const seen = (answer: number | "refused" | "timeout" | "error", body = ""): Sighting => ({
  kind: "running",
  pid: "1",
  answer,
  body,
});

describe("while it starts", () => {
  test("a release is healthy after enough good answers in a row", () => {
    const startup = new Startup(contract, 0);
    const answers = [200, 200, 500, 200, 204, 299].map((status, at) =>
      startup.see(seen(status), at * 100),
    );
    expect(answers.map(({ kind }) => kind)).toEqual([
      "wait",
      "wait",
      "wait",
      "wait",
      "wait",
      "healthy",
    ]);
  });

  test.each<[string, Sighting, string, string]>([
    ["refuses connections", seen("refused"), "health-timeout", "refused"],
    ["does not answer", seen("timeout"), "health-timeout", "timeout"],
    [
      "answers badly",
      seen(503, "no\n  database"),
      "health-status",
      '503 (accepted: 200-299), saying "no database"',
    ],
  ])("one that %s has its whole time, and no more", (_, sighting, reason, detail) => {
    const startup = new Startup(contract, 0);
    expect(startup.see(sighting, 999).kind).toBe("wait");
    const verdict = startup.see(sighting, 1000);
    expect(verdict).toMatchObject({ kind: "failed", reason });
    expect(verdict).toHaveProperty("detail", expect.stringContaining(detail));
  });

  test.each([
    ["2", "exit status 2"],
    ["137", "ended by signal 9"],
    ["gone", "not known"],
  ])("an end (%s) is a verdict at once", (exit, words) => {
    expect(new Startup(contract, 0).see({ kind: "ended", exit }, 1)).toEqual({
      kind: "failed",
      reason: "crash",
      detail: expect.stringContaining(words) as unknown as string,
    });
  });
});

describe("once it was healthy", () => {
  test("a bad status ends it at once", () => {
    expect(new Stability(contract).see(seen(500))).toMatchObject({ reason: "unstable" });
  });

  test("silence must come twice in a row", () => {
    const stability = new Stability(contract);
    const answers = [seen("timeout"), seen(200), seen("refused"), seen("timeout")];
    expect(answers.map((each) => stability.see(each).kind)).toEqual([
      "wait",
      "wait",
      "wait",
      "failed",
    ]);
  });
});

test.each([
  [["200"], 200, true],
  [["200"], 201, false],
  [["200-299", "404"], 404, true],
  [["200-299"], 300, false],
])("of %j, %i is accepted: %s", (spans, status, accepted) => {
  expect(isAccepted(spans, status)).toBe(accepted);
});

test.each(["2xx", "20", "600", "200-", "299-200", "200 300"])(
  "%j is no span of statuses",
  (span) => {
    expect(spanProblem(span)).toBeDefined();
  },
);
