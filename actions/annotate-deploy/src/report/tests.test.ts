import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { TestReport } from "@go-cicd/core/test-report.ts";
import { readTestReport, testsOf } from "./tests.ts";

function report(name: "green" | "red", more: Partial<TestReport> = {}): TestReport {
  const path = join(import.meta.dirname, "fixtures", `${name}.json`);
  const read = readTestReport((JSON.parse(readFileSync(path, "utf8")) as { tests: unknown }).tests);
  if (typeof read === "string") throw new Error(read);
  return { ...read, ...more };
}

describe("test reports of a run", () => {
  test("none is nothing known", () => {
    expect(testsOf([])).toBeNull();
  });

  test("a red report beside a newer green one of another plan is not lost", () => {
    const tests = testsOf([report("green", { plan: "b" }), report("red", { plan: "a" })]);
    expect(tests?.verdict).toBe("failed");
    expect(tests?.failures).toHaveLength(4);
    expect(tests?.passed).toBe(report("green").counts.passed + report("red").counts.passed);
  });

  test("a newer report of the same plan takes the place of an older one", () => {
    const old = report("red", { plan: "a" });
    expect(testsOf([report("green", { plan: "a" }), old])?.verdict).toBe("passed");
    expect(testsOf([old, report("green", { plan: "a" })])?.verdict).toBe("failed");
  });

  test("a repeated attempt takes the place of the first one, also when it planned anew", () => {
    const first = report("green", { plan: "a", verdict: "fail", runAttempt: 1 });
    const again = report("green", { plan: "b", runAttempt: 2 });
    expect(testsOf([again, first])?.verdict).toBe("passed");
    const elsewhere = { ...first, cells: first.cells.map((cell) => ({ ...cell, id: "other" })) };
    expect(testsOf([again, elsewhere])?.verdict).toBe("failed");
  });

  test("incomplete is worse than passed", () => {
    const incomplete = report("green", { plan: "b", verdict: "incomplete" });
    expect(testsOf([report("green", { plan: "a" }), incomplete])?.verdict).toBe("incomplete");
  });
});
