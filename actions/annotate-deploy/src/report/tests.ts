import * as v from "valibot";
import { testReportSchema, type Failure, type TestReport } from "@go-cicd/core/test-report.ts";
import { cleanText, shortened } from "../clean-text.ts";
import type { TestFailure, TestPackage, Tests } from "./report-model.ts";

/** Characters of a failure's output that the page shows. */
const MOST_OUTPUT = 20_000;

const SLOW_TESTS = 8;

const VERDICTS = { pass: "passed", fail: "failed", incomplete: "incomplete" } as const;

/** The test report, or what is wrong with it. */
export function readTestReport(json: unknown): TestReport | string {
  const parsed = v.safeParse(testReportSchema, json);
  return parsed.success ? parsed.output : "it does not have the shape of a test report";
}

/**
 * The tests of a run, out of all its test reports, the newest first. Of the same plan, and of the
 * same cells and modules in an earlier attempt, only the newest report counts; others stand beside
 * each other, since one red report among them must not be lost.
 */
export function testsOf(reports: readonly TestReport[]): Tests | null {
  const kept: TestReport[] = [];
  for (const report of reports) {
    const replaced = kept.some(
      (newer) =>
        newer.plan === report.plan ||
        (newer.runAttempt > report.runAttempt && subject(newer) === subject(report)),
    );
    if (!replaced) kept.push(report);
  }
  const [first, ...others] = kept.map(testsOfOne);
  return first === undefined ? null : others.reduce(together, first);
}

function subject({ cells, packages, checks }: TestReport): string {
  const modules = new Set([...packages, ...checks].map(({ module }) => module));
  return JSON.stringify([cells.map(({ id }) => id).sort(), [...modules].sort()]);
}

const WORST = ["failed", "incomplete", "passed"] as const;

function together(one: Tests, other: Tests): Tests {
  return {
    verdict: WORST.find((each) => [one.verdict, other.verdict].includes(each)) ?? "incomplete",
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
    unfinished: one.unfinished + other.unfinished,
    cachedPackages: one.cachedPackages + other.cachedPackages,
    packageCount: one.packageCount + other.packageCount,
    packages: [...one.packages, ...other.packages].sort(byGravity),
    failures: [...one.failures, ...other.failures],
    slowTests: [...one.slowTests, ...other.slowTests]
      .sort((left, right) => right.ms - left.ms)
      .slice(0, SLOW_TESTS),
    checks: [...one.checks, ...other.checks],
    cells: [...one.cells, ...other.cells],
    problems: [...one.problems, ...other.problems],
  };
}

function testsOfOne({ verdict, counts, packages, failures, cells, checks }: TestReport): Tests {
  // One cell needs no name.
  const cellName = (cell: string): string => (cells.length > 1 ? cleanText(cell) : "");
  return {
    verdict: VERDICTS[verdict],
    passed: counts.passed,
    failed: counts.failed,
    skipped: counts.skipped,
    unfinished: counts.incomplete,
    cachedPackages: counts.cachedPackages,
    packageCount: counts.packages,
    packages: packages
      .map((one): TestPackage => ({
        name: cleanText(one.path),
        cell: cellName(one.cell),
        result: one.status,
        ms: one.durationMs,
        tests: one.tests.length,
        cached: one.cached,
      }))
      .sort(byGravity),
    failures: failures.map((failure) => readFailure(failure, cells.length)),
    slowTests: slowTests(packages, cellName),
    checks: checks.map((check) => ({
      name: checkName(check.name, check.module, cellName(check.cell)),
      ok: check.verdict === "pass",
      ms: check.durationMs,
      detail: cleanText(check.detail),
    })),
    cells: cells.map(({ id, verdict: of, shards }) => ({
      name: cleanText(id),
      verdict: VERDICTS[of],
      shards: shards.map(({ durationMs }) => durationMs),
    })),
    problems: cells.flatMap(({ id, shards }) =>
      shards.flatMap(({ shard, reasons }) =>
        reasons.map((reason) =>
          cleanText(shards.length > 1 ? `${id}, shard ${shard}: ${reason}` : `${id}: ${reason}`),
        ),
      ),
    ),
  };
}

function readFailure(failure: Failure, allCells: number): TestFailure {
  const { kind, test, file, line, cells } = failure;
  const where =
    allCells < 2
      ? ""
      : cells.length === allCells
        ? `all ${allCells} cells`
        : cells.length > 3
          ? `${cells.length} of ${allCells} cells`
          : cells.join(", ");
  return {
    kind,
    title: cleanText(test ?? failure.package) || kind,
    package: cleanText(failure.package),
    cell: cleanText(where),
    place: file === null ? "" : cleanText(line === null ? file : `${file}:${line}`),
    message: cleanText(failure.message),
    output: shortened(cleanText(failure.output), MOST_OUTPUT),
    repeat: failure.repeat === null ? "" : cleanText(failure.repeat),
  };
}

/** The slowest tests at the top level: a parent's time holds its subtests'. */
function slowTests(
  packages: TestReport["packages"],
  cellName: (cell: string) => string,
): Tests["slowTests"] {
  return packages
    .filter(({ cached }) => !cached)
    .flatMap(({ path, cell, tests }) =>
      tests
        .filter(({ name, durationMs }) => !name.includes("/") && durationMs > 0)
        .map(({ name, durationMs }) => ({
          name: cleanText(name),
          package: cleanText(path),
          cell: cellName(cell),
          ms: durationMs,
        })),
    )
    .sort((one, other) => other.ms - one.ms)
    .slice(0, SLOW_TESTS);
}

function checkName(name: string, module: string, cell: string): string {
  const of = module === "." || module === "" ? "" : ` in ${cleanText(module)}`;
  return `${name}${of}${cell === "" ? "" : ` (${cell})`}`;
}

/** Failures first, then the slowest. */
function byGravity(one: TestPackage, other: TestPackage): number {
  const good = ({ result }: TestPackage): number => (/^(pass|no-tests)$/.test(result) ? 1 : 0);
  const time = ({ cached, ms }: TestPackage): number => (cached ? 0 : ms);
  return (
    good(one) - good(other) || time(other) - time(one) || one.name.localeCompare(other.name, "en")
  );
}
