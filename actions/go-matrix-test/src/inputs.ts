import {
  duration,
  flag,
  integer,
  invalidInputs,
  list,
  oneOf,
  text,
  type InputsOf,
} from "@go-cicd/core/inputs.ts";
import { testFlagProblem } from "./test-flags.ts";

/** GitHub starts at most this many jobs of one matrix. */
const MAX_JOBS = 256;

const CHECKS = ["fmt", "vet"] as const;
export type CheckName = (typeof CHECKS)[number];

export const inputs = {
  mode: oneOf(["all", "plan", "run", "report"], {
    description:
      "`plan` writes the matrix, `run` tests one shard of it, `report` merges the results of all; `all` does the three in one job",
    default: "all",
  }),
  "go-versions": list({
    description:
      "Go versions of the matrix (`mode: plan`); each becomes `matrix.go`. Absent: one cell whose version the repository's files decide",
    commas: true,
  }),
  os: list({
    description:
      "Runner labels of the matrix (`mode: plan`); each becomes `matrix.os`. Packages are listed for the system that the label names. Absent: `ubuntu-latest`, or its like for the system that plans",
    commas: true,
  }),
  shards: integer({
    description: "Shards per cell; there are never more shards than packages",
    default: "1",
    min: 1,
    max: MAX_JOBS,
  }),
  packages: list({
    description:
      "Packages to test, relative to `working-directory` (`./...`, `./cmd/...`); every module in reach is tested",
    default: "./...",
  }),
  plan: text({
    description:
      "The `plan` output of `mode: plan`. A run without it plans for itself, a report without it takes the only plan of the run",
  }),
  cell: text({ description: "Cell to run, from `matrix.cell`. Not needed when there is one" }),
  shard: integer({
    description:
      "Shard to run, from `matrix.shard`; they count from 1. Not needed when there is one",
    min: 1,
    max: MAX_JOBS,
  }),
  race: flag({ description: "Run with the race detector", default: "false" }),
  tags: list({ description: "Build tags", commas: true }),
  "test-flags": list({
    description: "More flags for `go test`, one a line, such as `-short` or `-run=^TestStore`",
  }),
  timeout: duration({
    description: "Time one package's tests may take, as `go test -timeout`",
    default: "10m",
  }),
  checks: list({
    description: "Checks beside the tests: `fmt`, `vet`, or `none`",
    commas: true,
    default: "fmt,vet",
  }),
  "working-directory": text({
    description: "Folder to look for modules in, relative to the workspace",
    default: ".",
  }),
} as const;

export const outputs = {
  matrix:
    "The matrix, for `fromJSON` in `strategy.matrix`: `{include: [{id, cell, go, os, shard, shards, estimate}]}`",
  plan: "The plan, for the input `plan` of runs and report",
  verdict: "`pass`, `fail` or `incomplete`; everything but `pass` is red",
  tests: "Tests and subtests that ran",
  passed: "Tests that passed",
  failed: "Tests that failed or never ended",
  skipped: "Tests that were skipped",
  packages: "Packages that were tested or compiled",
  "failed-packages": "Packages that are red",
  cached: "Packages whose result came from Go's test cache",
  report: "Path of the merged results as JSON",
} as const;

export type Inputs = InputsOf<typeof inputs>;
export type Outputs = typeof outputs;

/** What lists may hold, checked at once. @throws ActionError `input` */
export function checkInputs(given: Inputs): CheckName[] {
  const problems: string[] = [];
  for (const version of given.goVersions) {
    if (!/^[0-9A-Za-z][\w.-]*$/.test(version)) {
      problems.push(
        `go-versions: ${JSON.stringify(version)} is not a version such as 1.26 or stable`,
      );
    }
  }
  for (const label of given.os) {
    if (!/^[\w][\w.-]*$/.test(label)) {
      problems.push(`os: ${JSON.stringify(label)} is not a runner label such as ubuntu-latest`);
    }
  }
  for (const pattern of given.packages) {
    if (pattern.startsWith("-")) {
      problems.push(`packages: ${JSON.stringify(pattern)} is a flag; flags go to test-flags`);
    } else if (pattern.startsWith("/") || pattern.split("/").includes("..")) {
      problems.push(
        `packages: ${JSON.stringify(pattern)} leaves the working directory; give patterns such as ./cmd/...`,
      );
    } else if (/[\s\0]/.test(pattern)) {
      problems.push(`packages: ${JSON.stringify(pattern)} holds a blank; give one pattern a line`);
    }
  }
  for (const tag of given.tags) {
    if (!/^[\w.]+$/.test(tag)) {
      problems.push(`tags: ${JSON.stringify(tag)} is not a build tag (letters, digits, _ and .)`);
    }
  }
  for (const test of given.testFlags) {
    const problem = testFlagProblem(test);
    if (problem !== undefined) problems.push(`test-flags: ${test}: ${problem}`);
  }
  const checks = given.checks.filter((name) => name !== "none");
  for (const name of checks) {
    if (!CHECKS.some((known) => known === name)) {
      problems.push(`checks: ${JSON.stringify(name)} is none of ${CHECKS.join(", ")}, none`);
    }
  }
  const jobs = Math.max(1, given.goVersions.length) * Math.max(1, given.os.length) * given.shards;
  if (given.mode === "plan" && jobs > MAX_JOBS) {
    problems.push(
      `shards: ${jobs} jobs are too many, GitHub takes ${MAX_JOBS} (versions × os × shards)`,
    );
  }
  if (given.mode === "all" && given.goVersions.length > 1) {
    problems.push("go-versions: several versions need `mode: plan` and a matrix of jobs");
  }
  if (given.timeout < 1000) problems.push("timeout: must be at least 1s");
  if (problems.length > 0) throw invalidInputs(problems);
  return CHECKS.filter((name) => checks.includes(name));
}
