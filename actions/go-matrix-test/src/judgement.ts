import type { Exit } from "@go-cicd/core/process.ts";
import type { FailureKind, PackageStatus, TestStatus, Verdict } from "@go-cicd/core/test-report.ts";
import type { PackageRun, TestRun, TestStream } from "./test-stream.ts";
import type { Transcript } from "./transcript.ts";

/** A test as it is reported. */
interface JudgedTest {
  name: string;
  status: TestStatus;
  seconds: number;
}

/** One reason why a package is red. */
export interface Finding {
  kind: FailureKind;
  /** Null for the package as a whole. */
  test: string | null;
  /** What to say where the transcript has no better words. */
  summary: string;
  output: Transcript | undefined;
  /** For `build`: the import path as in the stream's builds. */
  build: string | null;
}

export interface JudgedPackage {
  path: string;
  status: PackageStatus;
  cached: boolean;
  seconds: number;
  shuffleSeed: string | null;
  tests: JudgedTest[];
  findings: Finding[];
}

/** What a whole `go test` came to. */
export interface Judgement {
  verdict: Verdict;
  packages: JudgedPackage[];
  /** Why the run as a whole is red, beyond its packages. */
  reasons: string[];
}

export interface Expectation {
  /** Import paths that were to be tested. */
  planned: readonly string[];
  /** The race detector was on. */
  race: boolean;
}

/**
 * The verdict from three witnesses: the events, the exit code, and what was planned. Green needs
 * all three; what is missing, cut or contradictory is `incomplete`, which is red.
 */
export function judge(
  stream: TestStream,
  exit: Pick<Exit, "kind"> & { code?: number; signal?: string; afterMs?: number },
  { planned, race }: Expectation,
): Judgement {
  const packages = planned.map((path) => judgePackage(path, stream.packages.get(path), race));
  const reasons: string[] = [];

  const expected = new Set(planned);
  for (const run of stream.packages.values()) {
    if (expected.has(run.path)) continue;
    const name = run.path === "" ? "events without a package" : `package ${run.path}`;
    reasons.push(`${name} came in the stream and was not planned`);
    packages.push(judgePackage(run.path, run, race));
  }
  if (stream.damaged > 0) {
    reasons.push(`${stream.damaged} lines of the test stream are cut or mixed up`);
  }
  const blamed = new Set(
    [...stream.packages.values()].map((run) => run.end?.failedBuild).filter((id) => id != null),
  );
  for (const [id, build] of stream.builds) {
    if (build.failed && !blamed.has(id)) {
      reasons.push(`${id} failed to build and no package reported it`);
    }
  }
  const red = packages.some(({ status }) => isRed(status));
  switch (exit.kind) {
    case "exited":
      if (
        exit.code === 0 &&
        packages.some(({ status }) => status === "fail" || status === "build-failed")
      ) {
        reasons.push("go test exited with 0 although packages failed");
      }
      if (exit.code !== 0 && !red) {
        reasons.push(
          `go test exited with ${exit.code ?? "no code"} although every planned package passed`,
        );
      }
      break;
    case "signalled":
      reasons.push(`go test was ended by ${exit.signal ?? "a signal"}`);
      break;
    case "timed-out":
      reasons.push(`go test was ended after ${(exit.afterMs ?? 0) / 1000} s`);
      break;
    case "cancelled":
      reasons.push("go test was cancelled");
      break;
    case "not-found":
      reasons.push("go is not on PATH");
      break;
  }
  const failed = packages.some(({ status }) => status === "fail" || status === "build-failed");
  return {
    verdict: failed ? "fail" : red || reasons.length > 0 ? "incomplete" : "pass",
    packages,
    reasons,
  };
}

export function isRed(status: PackageStatus): boolean {
  return status !== "pass" && status !== "no-tests";
}

/** The verdict on one package, which may have ended while the others still run. */
export function judgePackage(
  path: string,
  run: PackageRun | undefined,
  race: boolean,
): JudgedPackage {
  if (run === undefined) {
    const summary = `${path} was planned and never ran`;
    return {
      ...{ path, status: "incomplete", cached: false, seconds: 0, shuffleSeed: null, tests: [] },
      findings: [{ kind: "incomplete", test: null, summary, output: undefined, build: null }],
    };
  }
  const findings = findingsOf(run, race);
  const status = statusOf(run, findings);
  const unfinished = status === "pass" ? "pass" : "incomplete";
  return {
    path,
    status,
    cached: run.cached && run.end?.action === "pass",
    seconds: run.end?.seconds ?? 0,
    shuffleSeed: run.shuffleSeed,
    tests: run.tests.map((test) => ({
      name: test.name,
      seconds: test.seconds,
      status:
        test.status === "running" ? unfinished : test.status === "bench" ? "pass" : test.status,
    })),
    findings,
  };
}

function statusOf(run: PackageRun, findings: readonly Finding[]): PackageStatus {
  if (findings.some(({ kind }) => kind === "build")) return "build-failed";
  if (run.end?.action === "fail") return "fail";
  if (run.tests.some(({ status }) => status === "fail")) return "fail";
  if (findings.some(({ kind }) => kind === "race")) return "fail";
  if (findings.length > 0) return "incomplete";
  return run.end?.action === "skip" ? "no-tests" : "pass";
}

/** Everything that speaks against a package, gravest first; empty for a green one. */
function findingsOf(run: PackageRun, race: boolean): Finding[] {
  const { end, path } = run;
  const whole = (kind: FailureKind, summary: string, build: string | null = null): Finding => {
    return { kind, test: null, summary, output: run.output, build };
  };
  if (end?.action === "fail" && (end.failedBuild !== null || run.notBuilt)) {
    return [whole("build", `${path} did not build`, end.failedBuild)];
  }

  const findings: Finding[] = [];
  for (const test of run.tests) {
    const finding = testFinding(run, test);
    if (finding !== undefined) findings.push(finding);
  }
  // A parent that failed because of its subtests has nothing to say of its own.
  const own = findings.filter(
    ({ test, kind, output }) =>
      kind !== "test" ||
      (output?.located.length ?? 0) > 0 ||
      !findings.some((other) => other.test?.startsWith(`${test ?? ""}/`) === true),
  );
  if (run.output.timedOut)
    own.push(whole("timeout", `${path}: ${run.output.panic ?? "timed out"}`));
  else if (run.output.panic !== null && end?.action === "fail") {
    own.push(whole("panic", `${path}: ${run.output.panic}`));
  }
  // Race text may stand on a test that passed, or behind the last test (golang/go #58634).
  if (race && run.race && !own.some(({ kind }) => kind === "race")) {
    own.push(whole("race", `${path}: the race detector found a data race`));
  }
  if (end === null) {
    const last = run.tests.at(-1)?.name;
    const where = last === undefined ? "before its first test" : `; ${last} was the last test`;
    own.push(whole("incomplete", `${path} started and gave no result${where}`));
  } else if (end.action === "skip" && run.tests.length > 0) {
    own.push(whole("incomplete", `${path} ran tests and says that it has none`));
  }
  for (const what of run.contradictions) own.push(whole("incomplete", `${path}: ${what}`));
  if (end?.action === "fail" && own.length === 0) {
    // TestMain, os.Exit, a crash: the package failed and no test did.
    const why = run.finished ? "failed after its tests" : "failed outside its tests";
    own.push(whole("test", `${path} ${why}`));
  }
  return own;
}

function testFinding(run: PackageRun, test: TestRun): Finding | undefined {
  const { output } = test;
  const finding = (kind: FailureKind, summary: string): Finding => {
    return { kind, test: test.name, summary, output, build: null };
  };
  if (test.status === "running") {
    // Benchmarks without a log have no end of their own (cmd/test2json).
    if (test.name.startsWith("Benchmark") && run.end?.action === "pass") return undefined;
    if (output?.timedOut === true)
      return finding("timeout", `${test.name} was running when the time was up`);
    if (output?.panic != null) return finding("panic", `${test.name}: ${output.panic}`);
    return finding("incomplete", `${test.name} started and never ended`);
  }
  if (test.status !== "fail") return undefined;
  if (output?.timedOut === true)
    return finding("timeout", `${test.name} was running when the time was up`);
  if (output?.race === true) return finding("race", `${test.name}: data race`);
  if (output?.panic != null) {
    // No bare FAIL line: the process ended here (golang/go #45508).
    const rest = run.finished ? "" : " (tests behind it did not run)";
    return finding("panic", `${test.name}: ${output.panic}${rest}`);
  }
  return finding("test", `${test.name} failed`);
}
