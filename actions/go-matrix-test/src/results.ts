import { createHash } from "node:crypto";
import * as v from "valibot";
import {
  resultParts,
  type Failure,
  type PackageResult,
  type TestCounts,
  type Verdict,
} from "@go-cicd/core/test-report.ts";
import { isRed } from "./judgement.ts";
import type { PlanReference } from "./plan.ts";

/** What one shard found: file `results.json` of its artifact. */
export const shardResultsSchema = v.object({
  version: v.literal(1),
  /** `sha256:<hex>` of the plan it ran. */
  plan: v.string(),
  cell: v.string(),
  shard: v.number(),
  attempt: v.number(),
  /** `go1.26.8`, `linux`, `amd64`: what really ran. */
  go: v.string(),
  goos: v.string(),
  goarch: v.string(),
  started: v.number(),
  finished: v.number(),
  verdict: resultParts.verdict,
  reasons: v.array(v.string()),
  packages: v.array(resultParts.packageResult),
  checks: v.array(resultParts.checkResult),
  failures: v.array(resultParts.failure),
});

export type ShardResults = v.InferOutput<typeof shardResultsSchema>;

export const RESULTS_FILE = "results.json";

/** Prefix of the artifacts with the results of one plan. */
export function resultsPrefix({ name }: PlanReference): string {
  return `go-cicd-results-${name.slice(-12)}-`;
}

/** Name of one shard's artifact; a later attempt of the job has one of its own. */
export function resultsName(
  plan: PlanReference,
  { cell, shard, attempt }: { cell: string; shard: number; attempt: number },
): string {
  return `${resultsPrefix(plan)}${cell}-${shard}-${attempt}`;
}

/** The name for other results of the same shard in the same attempt: one for each content. */
export function secondName(name: string, text: string): string {
  return `${name}-again-${createHash("sha256").update(text).digest("hex").slice(0, 8)}`;
}

/** The attempt in an artifact's name, when it is one of this shard. */
export function attemptOf(
  artifact: string,
  plan: PlanReference,
  shard: { cell: string; shard: number },
): number | undefined {
  const prefix = resultsName(plan, { ...shard, attempt: 0 }).slice(0, -1);
  if (!artifact.startsWith(prefix)) return undefined;
  const match = /^(\d+)(?:-again-[0-9a-f]{8})?$/.exec(artifact.slice(prefix.length));
  return match === null ? undefined : Number(match[1]);
}

/** Counts over packages: every run of a test, with its subtests. */
export function countResults(packages: readonly PackageResult[]): TestCounts {
  const counts: TestCounts = {
    ...{ tests: 0, passed: 0, failed: 0, skipped: 0, incomplete: 0 },
    packages: packages.length,
    failedPackages: packages.filter(({ status }) => isRed(status)).length,
    cachedPackages: packages.filter(({ cached }) => cached).length,
  };
  for (const { tests } of packages) {
    counts.tests += tests.length;
    for (const { status } of tests) {
      if (status === "pass") counts.passed += 1;
      else if (status === "fail") counts.failed += 1;
      else if (status === "skip") counts.skipped += 1;
      else counts.incomplete += 1;
    }
  }
  return counts;
}

/** `3 tests failed, 1 test never ended, 2 of 7 packages red`, or what a green run has to say. */
export function describeCounts(
  counts: TestCounts,
  verdict: Verdict,
  failures: readonly Pick<Failure, "kind">[],
): string {
  if (verdict === "pass") {
    const cached = counts.cachedPackages > 0 ? `, ${counts.cachedPackages} cached` : "";
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
    return `${many(counts.passed, "test")} passed${skipped} in ${many(counts.packages, "package")}${cached}`;
  }
  const found = (kind: Failure["kind"], what: string): string[] => {
    const count = failures.filter((failure) => failure.kind === kind).length;
    return count > 0 ? [many(count, what)] : [];
  };
  return [
    ...(counts.failed > 0 ? [`${many(counts.failed, "test")} failed`] : []),
    ...(counts.incomplete > 0 ? [`${many(counts.incomplete, "test")} never ended`] : []),
    counts.failedPackages > 0
      ? `${counts.failedPackages} of ${many(counts.packages, "package")} red`
      : `${many(counts.passed, "test")} passed`,
    ...found("vet", "finding of vet"),
    ...found("fmt", "file to format"),
  ].join(", ");
}

/** `1 test`, `2 files to format`: the first word takes the s. */
export function many(count: number, noun: string): string {
  const [first = "", ...rest] = noun.split(" ");
  return [`${count} ${first}${count === 1 ? "" : "s"}`, ...rest].join(" ");
}
