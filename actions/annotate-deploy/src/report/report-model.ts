/**
 * What the report says, free of how it looks. It is written as `report-data` beside the page and
 * read again as the next run's `previous`. Times are epoch milliseconds, lengths milliseconds,
 * sizes bytes.
 */
export interface ReportModel {
  version: 1;
  run: RunFacts;
  verdict: Verdict;
  /** From the first phase to the last one, or null when there are no phases. */
  span: Span | null;
  jobs: Job[];
  criticalPath: PathSegment[];
  caches: CacheUse[];
  savings: Saving[];
  tests: Tests | null;
  images: Image[];
  deploys: DeployEntry[];
  comparison: Comparison | null;
  /** Times of jobs in the latest run that found their caches empty, to tell what they save. */
  cold: ColdTimes | null;
  /** What is missing, damaged or not to be had, in full sentences. */
  notes: string[];
}

export interface RunFacts {
  repository: string;
  commit: string;
  ref: string;
  workflow: string;
  event: string;
  runId: string;
  attempt: number;
  url: string;
  generated: number;
}

export type VerdictKind = "passed" | "rolled-back" | "failed" | "incomplete";

export interface Verdict {
  kind: VerdictKind;
  /** Why it is not (only) passed, the gravest first. */
  reasons: string[];
}

export interface Span {
  start: number;
  end: number;
  /** Sum of the lengths of all jobs: what the machines were paid for. */
  busyMs: number;
  /** Time of the critical path in which no phase ran. */
  gapMs: number;
}

export interface Job {
  key: string;
  name: string;
  /** The matrix leg as `go 1.26, linux`, or empty. */
  leg: string;
  attempt: number;
  /** Finished in an earlier attempt of the run and not repeated. */
  reused: boolean;
  start: number;
  end: number;
  onPath: boolean;
  /** What `needs` said of it: `success`, `failure`, `cancelled`, `skipped`. */
  result: string | null;
  steps: Step[];
}

export interface Step {
  key: string;
  door: string;
  title: string;
  stage: "main" | "post";
  start: number;
  end: number;
  ok: boolean;
  /** A post step that had not said anything when the report was made. */
  pending: boolean;
  onPath: boolean;
  phases: PhaseEntry[];
}

export interface PhaseEntry {
  name: string;
  start: number;
  end: number;
  ok: boolean;
  onPath: boolean;
  /** How many other phases of the step went on around it the whole time. */
  depth: number;
  counters: Readonly<Record<string, number>>;
  cache: { store: string; result: string; bytes: number } | null;
}

export interface PathSegment {
  kind: "phase" | "gap";
  /** `ci › Test › run packages`, or what the gap lies between. */
  label: string;
  start: number;
  end: number;
}

export interface CacheUse {
  job: string;
  store: string;
  stage: "main" | "post";
  result: string;
  bytes: number;
  ms: number;
}

/** A job whose caches were found, against the same job when they were empty. */
export interface Saving {
  job: string;
  nowMs: number;
  coldMs: number;
}

type TestVerdict = "passed" | "failed" | "incomplete";

export interface Tests {
  verdict: TestVerdict;
  passed: number;
  failed: number;
  skipped: number;
  /** Started and never ended. */
  unfinished: number;
  /** Packages whose result came out of Go's test cache. */
  cachedPackages: number;
  packageCount: number;
  /** Failures first, then the slowest. */
  packages: TestPackage[];
  /** The gravest first. */
  failures: TestFailure[];
  slowTests: { name: string; package: string; cell: string; ms: number }[];
  checks: TestCheck[];
  /** Cells of the matrix, with the time of each of their shards. */
  cells: { name: string; verdict: TestVerdict; shards: number[] }[];
  /** Why a shard as a whole is red. */
  problems: string[];
}

export interface TestPackage {
  name: string;
  /** The cell it ran in (`go1.26 linux`), or empty when there is only one. */
  cell: string;
  /** `pass`, `fail`, `no-tests`, `build-failed`, `incomplete` */
  result: string;
  ms: number;
  tests: number;
  cached: boolean;
}

export interface TestFailure {
  /** `build`, `race`, `panic`, `timeout`, `test`, `vet`, `fmt`, … */
  kind: string;
  title: string;
  package: string;
  /** The cells it was seen in, or empty when there is only one. */
  cell: string;
  /** `internal/store/store_test.go:41`, or empty. */
  place: string;
  message: string;
  output: string;
  /** Command that repeats it, or empty. */
  repeat: string;
}

interface TestCheck {
  name: string;
  ok: boolean;
  ms: number;
  detail: string;
}

export interface Image {
  reference: string;
  digest: string;
  tags: string[];
  /** Import path of the main package. */
  main: string;
  commit: string;
  totalMs: number;
  /** What went to a registry, or null. */
  push: { registry: string; uploadedBytes: number; reusedBytes: number; ms: number } | null;
  platforms: ImagePlatform[];
}

export interface ImagePlatform {
  name: string;
  digest: string;
  /** All compressed layers together. */
  size: number;
  binarySize: number;
  buildMs: number;
  layers: { name: string; digest: string; size: number }[];
}

export interface DeployEntry {
  release: string;
  service: string;
  environment: string;
  target: string;
  commit: string;
  image: string;
  kind: string;
  result: string;
  reason: string;
  detail: string;
  previousRelease: string | null;
  serving: string | null;
  started: number;
  finished: number;
  detectMs: number | null;
  restoreMs: number | null;
  steps: { name: string; start: number; end: number; ok: boolean; detail: string }[];
}

export interface Comparison {
  /** Of the earlier run. */
  generated: number;
  commit: string;
  totalNow: number;
  totalBefore: number;
  rows: { key: string; label: string; now: number | null; before: number | null }[];
}

export interface ColdTimes {
  /** Step key → milliseconds. */
  steps: Record<string, number>;
}
