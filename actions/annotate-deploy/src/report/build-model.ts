import type { ReleaseRecord } from "@go-cicd/core/record.ts";
import { cacheUses, coldTimes, savings } from "./caches.ts";
import { compare, type PreviousRun } from "./comparison.ts";
import { criticalPath } from "./critical-path.ts";
import { deployHistory } from "./deploys.ts";
import { jobsOf, type JobResults } from "./jobs.ts";
import type { Image, ReportModel, RunFacts, Span, Tests } from "./report-model.ts";
import type { StepEvent } from "./timelines.ts";
import { verdictOf } from "./verdict.ts";

/** Everything that was found of a run. */
export interface Evidence {
  run: RunFacts;
  events: readonly StepEvent[];
  tests: Tests | null;
  images: readonly Image[];
  records: readonly ReleaseRecord[];
  results: JobResults;
  previous: PreviousRun | undefined;
  /** What could not be had and does not change the verdict. */
  notes: readonly string[];
  /** What could not be had or read, without which the run is not known to be good. */
  lost: readonly string[];
}

/** The report's content; the same evidence gives the same content. */
export function buildModel(evidence: Evidence): ReportModel {
  const jobs = jobsOf(evidence.events, evidence.results);
  const path = criticalPath(jobs);
  const own = jobs.filter(({ reused }) => !reused);
  const [first] = path;
  const last = path.at(-1);
  const span: Span | null =
    first === undefined || last === undefined
      ? null
      : {
          start: first.start,
          end: last.end,
          busyMs: own.reduce((sum, { start, end }) => sum + end - start, 0),
          gapMs: path
            .filter(({ kind }) => kind === "gap")
            .reduce((sum, { start, end }) => sum + end - start, 0),
        };
  const { previous } = evidence;
  const cold = coldTimes(jobs, previous?.cold ?? null);
  const deploys = deployHistory(evidence.records);
  const tests = evidence.tests;
  return {
    version: 1,
    run: evidence.run,
    verdict: verdictOf({ jobs, tests, deploys }, evidence.results, evidence.lost),
    span,
    jobs,
    criticalPath: path,
    caches: cacheUses(jobs),
    savings: savings(jobs, cold),
    tests,
    images: [...evidence.images],
    deploys,
    comparison: previous === undefined ? null : compare(jobs, span, previous),
    cold,
    notes: [...new Set([...evidence.lost, ...evidence.notes])],
  };
}
