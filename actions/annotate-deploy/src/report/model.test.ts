import { describe, expect, test } from "@jest/globals";
import { coldTimes, savings } from "./caches.ts";
import { fixtureModel, FIXTURES } from "./fixtures/load.ts";
import { jobsOf, legLabel } from "./jobs.ts";
import type { StepEvent } from "./timelines.ts";
import { verdictOf } from "./verdict.ts";

describe("verdicts", () => {
  test.each([
    ["green", "passed", []],
    ["cold", "passed", []],
    [
      "rolled-back",
      "rolled-back",
      [/^Release 20261123T010041-b70e11c0ffee of orders was rolled back \(health-status\)\.$/],
    ],
    ["red", "failed", [/^1 build, 6 tests and 1 check failed\.$/]],
    ["partial", "incomplete", [/answered 503/, /Tests ran, and there is no test report/]],
    ["empty", "incomplete", [/Nothing of this run could be found/]],
  ] as const)("%s is %s", (name, kind, reasons) => {
    const { verdict } = fixtureModel(name);
    expect(verdict.kind).toBe(kind);
    expect(verdict.reasons).toHaveLength(reasons.length);
    reasons.forEach((reason, index) => expect(verdict.reasons[index]).toMatch(reason));
  });

  test("lost evidence turns green into incomplete, and never red into anything better", () => {
    const green = fixtureModel("green");
    const red = fixtureModel("red");
    expect(verdictOf(green, {}, ["A record is damaged."]).kind).toBe("incomplete");
    expect(verdictOf(red, {}, ["A record is damaged."]).kind).toBe("failed");
  });

  test("a job that needs calls red is red, unless its record has told why", () => {
    const green = fixtureModel("green");
    expect(verdictOf(green, { lint: "failure" }).reasons).toEqual(["Job lint failed."]);
    expect(verdictOf(green, { lint: "cancelled" }).kind).toBe("incomplete");
    expect(verdictOf(green, { lint: "skipped" }).kind).toBe("passed");
    expect(verdictOf(fixtureModel("rolled-back"), { broken: "failure" }).kind).toBe("rolled-back");
  });

  test("a later good deploy mends an earlier one of the same place, and of no other", () => {
    const { deploys, ...model } = fixtureModel("rolled-back");
    const [good, bad] = deploys;
    if (good === undefined || bad === undefined) throw new Error("two deploys");
    expect(verdictOf({ ...model, deploys: [bad, good] }, {}).kind).toBe("passed");
    const elsewhere = { ...good, environment: "staging" };
    expect(verdictOf({ ...model, deploys: [bad, elsewhere] }, {}).kind).toBe("rolled-back");
  });
});

describe("the model", () => {
  test.each(FIXTURES)("%s: the path sums up to the whole, and survives JSON", (name) => {
    const model = fixtureModel(name);
    const sum = model.criticalPath.reduce((all, { start, end }) => all + end - start, 0);
    expect(sum).toBe(model.span === null ? 0 : model.span.end - model.span.start);
    expect(JSON.parse(JSON.stringify(model))).toEqual(model);
  });

  test("savings are told against the run that found its caches empty, and kept for later runs", () => {
    const cold = fixtureModel("cold");
    expect(cold.savings).toEqual([]);
    expect(Object.keys(cold.cold?.steps ?? {})).toContain("ci | setup-go-cached | 1 | main");
    const warm = fixtureModel("green");
    expect(warm.cold).toEqual(cold.cold);
    const [ci] = warm.savings;
    expect(ci?.job).toBe("ci");
    expect((ci?.coldMs ?? 0) - (ci?.nowMs ?? 0)).toBeGreaterThan(50_000);
  });

  test("a job that found nothing is cold, also when a later job of its run found something", () => {
    const { jobs } = fixtureModel("rolled-back");
    const [ci] = fixtureModel("cold").jobs;
    const broken = jobs.find(({ name }) => name === "broken");
    if (ci === undefined || broken === undefined) throw new Error("two jobs");
    const cold = coldTimes([ci, broken], null);
    expect(Object.keys(cold?.steps ?? {}).every((key) => key.startsWith("ci | "))).toBe(true);
    expect(savings(jobs, cold).map(({ job }) => job)).toEqual(["ci"]);
  });

  test("now and before are held together step by step, with what is new", () => {
    const { comparison } = fixtureModel("rolled-back");
    const row = (label: string): unknown => comparison?.rows.find((one) => one.label === label);
    expect(row("ci › Set up Go")).toMatchObject({ before: 8_897, now: 1_192 });
    expect(row("broken › Deploy")).toMatchObject({ before: null });
    expect(comparison?.totalBefore).toBeGreaterThan(comparison?.totalNow ?? 0);
  });

  test("failures come first among the packages, then the slowest; cached ones have no time", () => {
    const { tests } = fixtureModel("red");
    const results = tests?.packages.map(({ result }) => result) ?? [];
    expect(results.lastIndexOf("fail")).toBeLessThan(results.indexOf("pass"));
    expect(tests?.packages.at(-1)?.cached).toBe(true);
  });

  test("a set-up that had something to save is pending until its post step has told", () => {
    const posts = (name: "partial" | "green"): boolean[] =>
      fixtureModel(name)
        .jobs.flatMap(({ steps }) => steps)
        .filter(({ stage }) => stage === "post")
        .map(({ pending }) => pending);
    expect(posts("partial")).toEqual([true]);
    expect(posts("green")).toEqual([false]);
  });
});

describe("jobs", () => {
  const event = (more: Partial<StepEvent>): StepEvent => ({
    v: 1,
    door: "go-matrix-test",
    stage: "main",
    job: "ci",
    leg: "",
    attempt: 1,
    phase: "go test",
    start: 0,
    end: 10,
    ok: true,
    counters: {},
    n: 1,
    ...more,
  });

  test("legs of a matrix and steps of one door are told apart", () => {
    const jobs = jobsOf([
      event({ leg: '{"go":"1.25"}' }),
      event({ leg: '{"go":"1.26"}', n: 1 }),
      event({ leg: '{"go":"1.26"}', n: 2, start: 20, end: 30 }),
    ]);
    expect(jobs.map(({ leg, steps }) => [leg, steps.map(({ title }) => title)])).toEqual([
      ["1.25", ["Test"]],
      ["1.26", ["Test", "Test (2)"]],
    ]);
  });

  test("of several attempts the latest counts, and what was not repeated is reused", () => {
    const jobs = jobsOf([
      event({}),
      event({ job: "deploy", ok: false }),
      event({ job: "deploy", attempt: 2, start: 900, end: 950 }),
    ]);
    expect(jobs.map(({ name, reused, steps }) => [name, reused, steps[0]?.ok])).toEqual([
      ["ci", true, true],
      ["deploy", false, true],
    ]);
  });

  test("phases that others go on around are one deeper", () => {
    const [job] = jobsOf([
      event({ phase: "deploy", start: 0, end: 100 }),
      event({ phase: "health", start: 10, end: 90 }),
      event({ phase: "request", start: 20, end: 30 }),
      event({ phase: "roll back", start: 95, end: 99 }),
      event({ phase: "after", start: 100, end: 120 }),
    ]);
    expect(job?.steps[0]?.phases.map(({ name, depth }) => [name, depth])).toEqual([
      ["deploy", 0],
      ["health", 1],
      ["request", 2],
      ["roll back", 1],
      ["after", 0],
    ]);
  });

  test.each([
    ["", ""],
    ["null", ""],
    ["{}", ""],
    ['{"go":"1.26","os":"linux"}', "1.26, linux"],
    ['{"cell":{"go":1}}', '{"go":1}'],
    ["not json", "not json"],
  ])("leg %j is shown as %j", (leg, label) => {
    expect(legLabel(leg)).toBe(label);
  });
});
