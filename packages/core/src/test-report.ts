import * as v from "valibot";

/**
 * `pass`: everything that was planned ran to its end and nothing failed. `incomplete`: evidence is
 * missing, cut or contradictory; it is as red as `fail`.
 */
const verdict = v.picklist(["pass", "fail", "incomplete"]);

const testStatus = v.picklist(["pass", "fail", "skip", "incomplete"]);

const packageStatus = v.picklist([
  "pass",
  "fail",
  /** No test files, or nothing that runs on this platform. */
  "no-tests",
  /** Did not compile, could not be loaded, or `go vet` of the test run refused it. */
  "build-failed",
  "incomplete",
]);

/** What a failure is, from the gravest to the least; annotations are ranked by this order. */
export const FAILURE_KINDS = [
  "build",
  "race",
  "panic",
  "timeout",
  "incomplete",
  "test",
  "vet",
  "fmt",
] as const;

const failure = v.object({
  kind: v.picklist(FAILURE_KINDS),
  /** Cells in which it was seen. */
  cells: v.array(v.string()),
  /** Import path, or the module's folder for checks; empty for a whole shard. */
  package: v.string(),
  /** Full name of the test with its subtests, or null for a whole package. */
  test: v.nullable(v.string()),
  message: v.string(),
  /** Relative to the workspace, with forward slashes; a file that existed when it was written. */
  file: v.nullable(v.string()),
  line: v.nullable(v.number()),
  column: v.nullable(v.number()),
  /** Command that repeats it, from the workspace. */
  repeat: v.nullable(v.string()),
  /** Head and tail of what was printed. */
  output: v.string(),
});

const packageResult = v.object({
  /** Import path. */
  path: v.string(),
  /** Folder of the module, relative to the workspace; `.` for the workspace itself. */
  module: v.string(),
  cell: v.string(),
  shard: v.number(),
  status: packageStatus,
  /** The result came from Go's test cache: `durationMs` is then no timing. */
  cached: v.boolean(),
  durationMs: v.number(),
  tests: v.array(v.object({ name: v.string(), status: testStatus, durationMs: v.number() })),
});

const checkResult = v.object({
  name: v.picklist(["fmt", "vet"]),
  module: v.string(),
  cell: v.string(),
  shard: v.number(),
  verdict,
  durationMs: v.number(),
  /** One sentence. */
  detail: v.string(),
});

const shardResult = v.object({
  shard: v.number(),
  verdict,
  /** Run attempt of the workflow that the results are from; 0 when there are none. */
  attempt: v.number(),
  /** Relative cost that was planned, and what it took. */
  estimate: v.number(),
  durationMs: v.number(),
  /** Why the shard as a whole is red: one sentence each. */
  reasons: v.array(v.string()),
});

const counts = v.object({
  /** Test functions, examples, fuzz targets and their subtests, each run counted. */
  tests: v.number(),
  passed: v.number(),
  failed: v.number(),
  skipped: v.number(),
  /** Tests that started and never ended. */
  incomplete: v.number(),
  packages: v.number(),
  failedPackages: v.number(),
  cachedPackages: v.number(),
});

/**
 * The merged results of a test matrix: file `tests.json` of the artifact `go-cicd-test-report`.
 * Written by go-matrix-test, read by annotate-deploy.
 */
export const testReportSchema = v.object({
  version: v.literal(1),
  verdict,
  /** `sha256:<hex>` of the plan. */
  plan: v.string(),
  repository: v.string(),
  commit: v.string(),
  runId: v.string(),
  runAttempt: v.number(),
  times: v.object({
    /** Epoch milliseconds. */
    started: v.number(),
    finished: v.number(),
  }),
  counts,
  cells: v.array(
    v.object({
      id: v.string(),
      go: v.string(),
      os: v.string(),
      verdict,
      shards: v.array(shardResult),
    }),
  ),
  checks: v.array(checkResult),
  packages: v.array(packageResult),
  /** Gravest first, the same failure of several cells once. */
  failures: v.array(failure),
});

export type TestReport = v.InferOutput<typeof testReportSchema>;
export type Verdict = v.InferOutput<typeof verdict>;
export type TestStatus = v.InferOutput<typeof testStatus>;
export type PackageStatus = v.InferOutput<typeof packageStatus>;
export type PackageResult = v.InferOutput<typeof packageResult>;
export type CheckResult = v.InferOutput<typeof checkResult>;
export type ShardResult = v.InferOutput<typeof shardResult>;
export type TestCounts = v.InferOutput<typeof counts>;
export type Failure = v.InferOutput<typeof failure>;
export type FailureKind = Failure["kind"];

/** Parts that a shard's own results share with the merged report. */
export const resultParts = { verdict, packageResult, checkResult, failure };

/** Name of the artifact (a later report of one run gets a suffix) and of its file. */
export const TEST_REPORT_ARTIFACT = "go-cicd-test-report";
export const TEST_REPORT_FILE = "tests.json";

/** The worst of several verdicts: `fail` before `incomplete` before `pass`; `pass` for none. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes("fail")) return "fail";
  return verdicts.includes("incomplete") ? "incomplete" : "pass";
}
