import { transcript, type Transcript, type TranscriptWriter } from "./transcript.ts";
import { lineSplitter, type LineEnd } from "./stream-lines.ts";

/** One run of a test; `-count` and `-cpu` make several runs of one name. */
export interface TestRun {
  name: string;
  /** `running` at the end of the stream: it never ended. */
  status: "running" | "pass" | "fail" | "skip" | "bench";
  seconds: number;
  /** Kept for what did not pass. */
  output: Transcript | undefined;
}

/** What the stream said about one package. */
export interface PackageRun {
  path: string;
  tests: TestRun[];
  end: { action: "pass" | "fail" | "skip"; seconds: number; failedBuild: string | null } | null;
  cached: boolean;
  /** `[build failed]` or `[setup failed]` in the package's own last line. */
  notBuilt: boolean;
  /** A bare `PASS` or `FAIL`: all tests that were to run have run. */
  finished: boolean;
  shuffleSeed: string | null;
  /** Events that cannot follow each other. */
  contradictions: string[];
  output: Transcript;
  /** Some transcript of the package, also of a passing test, holds a report of the race detector. */
  race: boolean;
}

/** What the compiler (or loader, or vet) said about one package: Go 1.24 and later. */
interface Build {
  output: TranscriptWriter;
  failed: boolean;
}

export interface TestStream {
  packages: ReadonlyMap<string, PackageRun>;
  /** By import path as in `FailedBuild`: `example.com/m [example.com/m.test]`. */
  builds: ReadonlyMap<string, Build>;
  /** Lines that began as events and are none: the stream was cut or mixed up. */
  damaged: number;
  events: number;
  /** Lines that never were events: `go: downloading …`, text of older compilers. */
  text: Transcript;
}

export interface StreamReader {
  push(chunk: Uint8Array): void;
  end(): TestStream;
}

/** Characters of failed tests' output that are kept in all; beyond it each keeps a little. */
const KEEP_IN_ALL = 24 * 1024 * 1024;
const KEEP_AT_LEAST = 2 * 1024;
const CONTRADICTIONS = 20;

interface LiveTest extends TestRun {
  output: Transcript | undefined;
  /**
   * What it printed so far. Most tests pass and are forgotten, so nothing is read in their output
   * before they fail or print much.
   */
  printed: Printed[];
  size: number;
  writer: TranscriptWriter | undefined;
  race: boolean;
}
interface Printed {
  text: string;
  type: string | undefined;
}
/** Characters of a running test that are held unread. */
const UNREAD = 16 * 1024;
const RACE = "WARNING: DATA RACE\n";
interface LivePackage extends PackageRun {
  output: TranscriptWriter;
  tests: LiveTest[];
  /** Newest run of each name. */
  byName: Map<string, LiveTest>;
}

interface Event {
  Action?: unknown;
  Package?: unknown;
  ImportPath?: unknown;
  Test?: unknown;
  Elapsed?: unknown;
  Output?: unknown;
  OutputType?: unknown;
  FailedBuild?: unknown;
}

/**
 * Reads the stream of `go test -json` (cmd/test2json). Tests are told apart by package, name and
 * occurrence; unknown actions are ignored (golang/go adds some: `attr` in 1.25, `artifacts` in
 * 1.26); nothing is thrown for what a stream may hold. `onPackage` is called as packages end.
 */
export function testStream(onPackage: (run: PackageRun) => void = () => undefined): StreamReader {
  const packages = new Map<string, LivePackage>();
  const builds = new Map<string, Build>();
  const text = transcript();
  let damaged = 0;
  let events = 0;
  let kept = 0;

  const packageOf = (path: string): LivePackage => {
    let run = packages.get(path);
    if (run === undefined) {
      run = {
        path,
        tests: [],
        byName: new Map(),
        end: null,
        cached: false,
        notBuilt: false,
        finished: false,
        shuffleSeed: null,
        contradictions: [],
        output: transcript(),
        race: false,
      };
      packages.set(path, run);
    }
    return run;
  };
  const startTest = (run: LivePackage, name: string): LiveTest => {
    const test: LiveTest = {
      name,
      status: "running",
      seconds: 0,
      output: undefined,
      printed: [],
      size: 0,
      writer: undefined,
      race: false,
    };
    run.tests.push(test);
    run.byName.set(name, test);
    return test;
  };
  const contradict = (run: LivePackage, what: string): void => {
    if (run.contradictions.length < CONTRADICTIONS) run.contradictions.push(what);
  };
  const print = (test: LiveTest, text: string, type: string | undefined): void => {
    if (text.endsWith(RACE)) test.race = true;
    if (test.writer !== undefined) {
      test.writer.add(text, type);
      return;
    }
    test.printed.push({ text, type });
    test.size += text.length;
    if (test.size > UNREAD) read(test);
  };
  /** Keeps what a failed test printed within the budget, forgets what a passed one did. */
  const settle = (run: LivePackage, test: LiveTest): void => {
    if (test.race) run.race = true;
    if (test.status === "pass" || test.status === "skip" || test.status === "bench") {
      test.writer = undefined;
      test.printed = [];
      return;
    }
    const writer = read(test);
    test.output = writer;
    if (writer.race) run.race = true;
    if (kept > KEEP_IN_ALL) writer.shrink(KEEP_AT_LEAST);
    kept += writer.text.length;
  };

  function testEvent(run: LivePackage, name: string, action: string, event: Event): void {
    const known = run.byName.get(name);
    switch (action) {
      case "run":
        if (run.end !== null) contradict(run, `${name} started after the package had ended`);
        if (known?.status === "running") {
          contradict(run, `${name} started again before it had ended`);
        }
        startTest(run, name);
        return;
      case "pause":
      case "cont":
        if (known === undefined) startTest(run, name);
        return;
      case "output": {
        // Output may come after the end of its test (multigres #1380); it belongs there.
        const test = known ?? startTest(run, name);
        const passed = test.status !== "running" && test.status !== "fail";
        if (passed) run.output.add(string(event.Output));
        else print(test, string(event.Output), outputType(event));
        return;
      }
      case "pass":
      case "fail":
      case "skip":
      case "bench": {
        let test = known;
        if (test === undefined || test.status !== "running") {
          // A failure is never talked away by a second end; a second end is a contradiction.
          if (test !== undefined) contradict(run, `${name} ended twice`);
          test = startTest(run, name);
        }
        test.status = action;
        test.seconds = number(event.Elapsed);
        settle(run, test);
        return;
      }
      default:
    }
  }

  function packageEvent(run: LivePackage, action: string, event: Event): void {
    switch (action) {
      case "output":
        packageOutput(run, string(event.Output), outputType(event));
        return;
      case "pass":
      case "fail":
      case "skip":
        if (run.end !== null) {
          contradict(run, "the package ended twice");
          if (run.end.action === "fail") return;
        }
        run.end = {
          action,
          seconds: number(event.Elapsed),
          failedBuild: typeof event.FailedBuild === "string" ? event.FailedBuild : null,
        };
        if (run.output.race) run.race = true;
        onPackage(run);
        return;
      default:
    }
  }

  function take(event: Event): void {
    const action = string(event.Action);
    events += 1;
    if (action === "build-output" || action === "build-fail") {
      const path = string(event.ImportPath);
      let build = builds.get(path);
      if (build === undefined) {
        build = { output: transcript(), failed: false };
        builds.set(path, build);
      }
      if (action === "build-fail") build.failed = true;
      else build.output.add(string(event.Output));
      return;
    }
    const path = string(event.Package);
    const run = packageOf(path);
    const name = string(event.Test);
    if (name !== "") testEvent(run, name, action, event);
    else packageEvent(run, action, event);
  }

  function line(content: string, end: LineEnd): void {
    if (content === "") return;
    if (content.startsWith("{")) {
      const event = end === "too-long" ? undefined : parse(content);
      if (event !== undefined) take(event);
      else damaged += 1;
      return;
    }
    // The tail of an event that was torn in two; words of the go command do not end like this.
    if (content.endsWith("}")) damaged += 1;
    text.add(`${content}\n`);
  }

  const lines = lineSplitter(line);
  return {
    push: (chunk) => {
      lines.push(chunk);
    },
    end: () => {
      lines.end();
      for (const run of packages.values()) {
        for (const test of run.tests) if (test.status === "running") settle(run, test);
        if (run.output.race) run.race = true;
      }
      return { packages, builds, damaged, events, text };
    },
  };
}

/** The transcript of a test, with everything that it printed so far. */
function read(test: LiveTest): TranscriptWriter {
  const writer = test.writer ?? transcript();
  for (const { text, type } of test.printed) writer.add(text, type);
  test.printed = [];
  test.writer = writer;
  return writer;
}

/** Only the package's own output counts: a test may print any of these words. */
function packageOutput(run: LivePackage, output: string, type: string | undefined): void {
  run.output.add(output, type);
  if (output === "PASS\n" || output === "FAIL\n") run.finished = true;
  else if (output.startsWith(`FAIL\t${run.path} [`)) run.notBuilt = / failed\]\n$/.test(output);
  else if (output.startsWith(`ok  \t${run.path}\t(cached)`)) run.cached = true;
  else if (output.startsWith("-test.shuffle ")) run.shuffleSeed = output.slice(14).trim();
}

function parse(content: string): Event | undefined {
  try {
    const event: unknown = JSON.parse(content);
    if (typeof event !== "object" || event === null) return undefined;
    return typeof (event as Event).Action === "string" ? event : undefined;
  } catch {
    return undefined;
  }
}

function outputType(event: Event): string | undefined {
  return typeof event.OutputType === "string" ? event.OutputType : undefined;
}

function string(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : 0;
}
