import { describe, expect, test } from "@jest/globals";
import type { Failure, TestReport } from "@go-cicd/core/test-report.ts";
import { annotationsOf } from "./annotations.ts";
import { mergeResults } from "./merge.ts";
import type { Plan } from "./plan.ts";
import type { ShardResults } from "./results.ts";
import { reportMarkdown } from "./summary.ts";

const planned = (path: string) => ({ module: ".", path, dir: path, tests: 1, estimate: 1 });
const shard = (number: number, ...paths: string[]) => ({
  ...{ shard: number, estimate: paths.length, checks: ["vet" as const] },
  packages: paths.map(planned),
});
const PLAN: Plan = {
  ...{ version: 1, repository: "acme/orders", commit: "c", folder: ".", patterns: ["./..."] },
  flags: { race: false, tags: [], testFlags: [], timeoutMs: 1000 },
  modules: [{ folder: ".", alone: false }],
  cells: [
    { id: "a", go: "1.25", os: "ubuntu-latest", goos: "", shards: [shard(1, "p"), shard(2, "q")] },
    { id: "b", go: "1.26", os: "ubuntu-latest", goos: "", shards: [shard(1, "p", "q")] },
  ],
};
const HASH = "ab".repeat(32);
const REFERENCE = { name: "go-cicd-plan-abababababab", sha256: HASH, attempt: 2 };
const RUN = { repository: "acme/orders", commit: "c", runId: "1", runAttempt: 3, now: 5000 };

function results(
  cell: string,
  number: number,
  paths: string[],
  changes: Partial<ShardResults> = {},
): ShardResults {
  return {
    ...{ version: 1, plan: `sha256:${HASH}`, cell, shard: number, attempt: 2 },
    ...{ go: "go1.26.8", goos: "linux", goarch: "amd64", started: 1000, finished: 2000 },
    ...{ verdict: "pass", reasons: [], failures: [] },
    packages: paths.map((path) => ({
      ...{ path, module: ".", cell, shard: number, status: "pass", cached: false, durationMs: 5 },
      tests: [{ name: "TestA", status: "pass", durationMs: 1 }],
    })),
    checks: [
      ...[{ name: "vet" as const, module: ".", cell, shard: number, verdict: "pass" as const }],
    ].map((row) => ({ ...row, durationMs: 1, detail: "" })),
    ...changes,
  };
}

function failure(changes: Partial<Failure> = {}): Failure {
  return {
    ...{ kind: "test", cells: ["a"], package: "p", test: "TestA", message: "no" },
    ...{ file: "p/a_test.go", line: 3, column: null, repeat: "go test ./p", output: "" },
    ...changes,
  };
}

const ALL = [results("a", 1, ["p"]), results("a", 2, ["q"]), results("b", 1, ["p", "q"])];
const merge = (all: ShardResults[]): TestReport =>
  mergeResults({ plan: PLAN, reference: REFERENCE }, { results: all, troubles: [] }, RUN);
const reasonsOf = (report: TestReport): string[] =>
  report.cells.flatMap(({ shards }) => shards.flatMap(({ reasons }) => reasons));

describe("the merged report", () => {
  test("of whole and green shards is green, and counts all", () => {
    const report = merge(ALL);
    expect(report.verdict).toBe("pass");
    expect(report.counts).toMatchObject({ tests: 4, passed: 4, packages: 4, failedPackages: 0 });
    expect(report.times).toEqual({ started: 1000, finished: 2000 });
  });

  test("misses every shard by name", () => {
    for (const missing of ALL) {
      const report = merge(ALL.filter((one) => one !== missing));
      expect(report.verdict).toBe("incomplete");
      expect(reasonsOf(report).join()).toContain(
        `shard ${missing.shard} of ${missing.cell} has no results`,
      );
    }
  });

  test("takes the newest attempt, and none from before the plan", () => {
    const red = results("b", 1, ["p", "q"], { attempt: 2, verdict: "fail", failures: [failure()] });
    const later = results("b", 1, ["p", "q"], { attempt: 3 });
    expect(merge([...ALL.slice(0, 2), red, later]).verdict).toBe("pass");
    expect(
      merge([...ALL.slice(0, 2), { ...red, attempt: 3 }, { ...later, attempt: 2 }]).verdict,
    ).toBe("fail");
    expect(merge([...ALL.slice(0, 2), { ...later, attempt: 1 }]).verdict).toBe("incomplete");
  });

  test.each<[string, Partial<ShardResults>, string]>([
    ["of another plan", { plan: "sha256:00" }, "ran another plan"],
    ["without a planned package", { packages: [] }, "has no result for p"],
    ["without a planned check", { checks: [] }, "has no result of vet"],
    [
      "that says pass and holds a failure",
      { failures: [failure()] },
      "says pass and holds failures",
    ],
    ["with a reason of its own", { reasons: ["cut"] }, "cut"],
  ])("is red for results %s", (_what, changes, reason) => {
    const report = merge([results("a", 1, ["p"], changes), ...ALL.slice(1)]);
    expect(report.verdict).toBe("incomplete");
    expect(reasonsOf(report).join()).toContain(reason);
  });

  test("says a failure of several cells once", () => {
    const failing = (cell: string, number: number, paths: string[]): ShardResults =>
      results(cell, number, paths, { verdict: "fail", failures: [failure({ cells: [cell] })] });
    const report = merge([
      failing("a", 1, ["p"]),
      results("a", 2, ["q"]),
      failing("b", 1, ["p", "q"]),
    ]);
    expect(report.failures).toHaveLength(1);
    expect(report.failures[0]?.cells).toEqual(["a", "b"]);
    expect(annotationsOf(report)[0]?.message).toContain("Fails on 2 of 2: a, b");
  });
});

describe("annotations", () => {
  const many = (count: number): Failure[] =>
    Array.from({ length: count }, (_, index) => failure({ test: `Test${index}`, line: index + 1 }));

  test("leave room for the verdict among the runner's ten", () => {
    const report = { ...merge(ALL), failures: many(30) };
    const rows = annotationsOf(report);
    expect(rows).toHaveLength(9);
    expect(rows.at(-1)?.message).toBe("and 22 more, see the summary of this job");
    expect(annotationsOf({ ...report, failures: many(9) })).toHaveLength(9);
  });

  test("of one place are one", () => {
    const report = { ...merge(ALL), failures: [failure(), failure({ test: "TestB" })] };
    const rows = annotationsOf(report);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.place).toEqual({
      title: "Test failed: TestA (p)",
      file: "p/a_test.go",
      line: 3,
    });
  });

  test("fit into the runner's 4096 characters", () => {
    const report = { ...merge(ALL), failures: [failure({ message: "x".repeat(9000) })] };
    const [row] = annotationsOf(report);
    expect(row?.message.length).toBeLessThanOrEqual(4096);
    expect(row?.message).toContain("Repeat: go test ./p");
  });
});

describe("the summary", () => {
  test("shows failures first and never a test that passed", () => {
    const text = reportMarkdown({
      ...merge(ALL),
      verdict: "fail",
      failures: [failure({ test: "TestRed" })],
    });
    expect(text.indexOf("TestRed")).toBeLessThan(text.indexOf("### Shards"));
    expect(text).not.toContain("TestA");
  });

  test("survives 5,000 failures and 100,000 tests within its budget", () => {
    const output = "`````\n<script>\n".repeat(2000);
    const failures = Array.from({ length: 5000 }, (_, index) =>
      failure({ test: `Test${index}`, line: index, output, message: "m".repeat(1000) }),
    );
    const [first] = merge(ALL).packages;
    const tests = Array.from({ length: 100_000 }, (_, index) => ({
      ...{ name: `TestPassed${index}`, status: "pass" as const, durationMs: 1 },
    }));
    const packages = first === undefined ? [] : [{ ...first, tests }];
    const text = reportMarkdown({ ...merge(ALL), verdict: "fail", failures, packages });
    expect(Buffer.byteLength(text)).toBeLessThan(750 * 1024);
    expect(text).not.toContain("TestPassed");
    expect(text).toContain("and 4");
    // Every fence that is opened is closed again, and nothing escapes from it.
    const outside = text.replace(/^(`{3,})text\n[\s\S]*?^\1$/gm, "");
    expect(outside).not.toContain("<script>");
    expect(outside).not.toContain("```");
  });
});
