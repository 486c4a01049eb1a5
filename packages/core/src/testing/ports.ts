import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { jobContext, type JobContext } from "../context.ts";
import type { Ports } from "../ports.ts";
import type { Environment } from "../process.ts";
import type { State } from "../state.ts";
import type { Summary, SummaryResult } from "../summary.ts";
import type { Phase, Timeline, TimelineEvent } from "../timeline.ts";
import { memoryArtifacts, type MemoryArtifacts } from "./artifacts.ts";
import { testClock, type TestClock } from "./clock.ts";
import { scriptedHttp, type ScriptedHttp } from "./http.ts";
import { recordingLog, type RecordingLog } from "./log.ts";
import { scriptedProcesses, type ScriptedProcesses } from "./processes.ts";
import { memoryStore, type MemoryStore } from "./store.ts";
import { tempFolder } from "./temp.ts";

export interface MemoryState extends State {
  readonly saved: Map<string, string>;
}

/** Values go through JSON, as they do between main and post. */
export function memoryState(): MemoryState {
  const saved = new Map<string, string>();
  return {
    saved,
    save: (name, value) => {
      saved.set(name, JSON.stringify(value));
    },
    load: (name) => {
      const text = saved.get(name);
      return text === undefined ? undefined : (JSON.parse(text) as unknown);
    },
  };
}

export interface RecordingSummary extends Summary {
  readonly blocks: string[];
  /** What every block comes to from now on; only what is written is kept. */
  result: SummaryResult;
}

export function recordingSummary(): RecordingSummary {
  const blocks: string[] = [];
  const summary: RecordingSummary = {
    blocks,
    result: { kind: "written" },
    add: (markdown) => {
      if (summary.result.kind === "written") blocks.push(markdown);
      return Promise.resolve(summary.result);
    },
  };
  return summary;
}

type RecordedPhase = Pick<TimelineEvent, "phase" | "start" | "end" | "ok" | "counters" | "cache">;

export interface RecordingTimeline extends Timeline {
  readonly phases: RecordedPhase[];
}

export function recordingTimeline(now: () => number): RecordingTimeline {
  const phases: RecordedPhase[] = [];
  return {
    phases,
    phase: async (name, work) => {
      const counters: Record<string, number> = {};
      const event: RecordedPhase = { phase: name, start: now(), end: 0, ok: false, counters };
      const phase: Phase = {
        count: (counter, value) => {
          counters[counter] = value;
        },
        cache: (store, result, bytes) => {
          event.cache = { store, result, bytes };
        },
      };
      try {
        const result = await work(phase);
        event.ok = true;
        return result;
      } finally {
        event.end = now();
        phases.push(event);
      }
    },
  };
}

/** The ports of `fakePorts`, with what tests want to look at. */
export interface FakePorts extends Ports {
  log: RecordingLog;
  processes: ScriptedProcesses;
  http: ScriptedHttp;
  store: MemoryStore;
  artifacts: MemoryArtifacts;
  state: MemoryState;
  summary: RecordingSummary;
  timeline: RecordingTimeline;
  clock: TestClock;
  /** Holds all folders of these ports. */
  root: string;
  /** What `exportVariable` and `addPath` were given. */
  exported: Record<string, string>;
  paths: string[];
  /** Cancels the step, as SIGINT does. */
  cancel(): void;
}

type Overrides = Partial<Omit<Ports, "context" | "env">> & {
  context?: Partial<JobContext>;
  env?: Environment;
};

/** Ports whose overridden members keep the type they were given. */
export type PortsWith<O extends Overrides> = Omit<FakePorts, Exclude<keyof O, "context" | "env">> &
  Omit<O, "context" | "env">;

/**
 * Whole ports for a use case under test: real temporary folders as workspace, RUNNER_TEMP and tool
 * cache, everything else a fake that keeps what was done to it. Anything can be replaced:
 * `fakePorts({ processes: realProcesses(), context: { eventName: "push" } })`.
 */
export function fakePorts(): FakePorts;
export function fakePorts<O extends Overrides>(overrides: O): PortsWith<O>;
export function fakePorts(overrides: Overrides = {}): FakePorts {
  const { context = {}, env = {}, ...rest } = overrides;
  const root = tempFolder();
  const folder = (name: string): string => {
    mkdirSync(join(root, name));
    return join(root, name);
  };
  const home = folder("home");
  const environment: Record<string, string | undefined> = {
    PATH: process.env["PATH"],
    HOME: home,
    LANG: "C.UTF-8",
    GITHUB_ACTIONS: "true",
    GITHUB_WORKSPACE: folder("workspace"),
    RUNNER_TEMP: folder("temp"),
    RUNNER_TOOL_CACHE: folder("tools"),
    GITHUB_REPOSITORY: "acme/orders",
    GITHUB_REF: "refs/heads/main",
    GITHUB_SHA: "0123456789abcdef0123456789abcdef01234567",
    GITHUB_EVENT_NAME: "push",
    GITHUB_JOB: "ci",
    GITHUB_WORKFLOW: "ci",
    GITHUB_RUN_ID: "1000",
    GITHUB_RUN_NUMBER: "7",
    GITHUB_RUN_ATTEMPT: "1",
    GITHUB_ACTOR: "octocat",
    RUNNER_OS: "Linux",
    RUNNER_ARCH: "X64",
    ...env,
  };
  const abort = new AbortController();
  const clock = testClock();
  const exported: Record<string, string> = {};
  const paths: string[] = [];
  const ports: FakePorts = {
    root,
    exported,
    paths,
    cancel: () => {
      abort.abort(new Error("cancelled"));
    },
    env: environment,
    context: {
      ...jobContext(environment, root),
      defaultBranch: "main",
      onDefaultBranch: true,
      ...context,
    },
    log: recordingLog(),
    processes: scriptedProcesses(),
    http: scriptedHttp(),
    store: memoryStore(),
    artifacts: memoryArtifacts(folder("artifacts")),
    state: memoryState(),
    summary: recordingSummary(),
    timeline: recordingTimeline(() => (rest.clock ?? clock).now()),
    clock,
    config: () => undefined,
    exportVariable: (name, value) => {
      exported[name] = value;
      environment[name] = value;
    },
    addPath: (entry) => {
      paths.unshift(entry);
      environment["PATH"] = `${entry}:${environment["PATH"] ?? ""}`;
    },
    signal: abort.signal,
  };
  return { ...ports, ...rest } as FakePorts;
}
