import { join } from "node:path";
import { JOB_FOLDER } from "./names.ts";

/** A number worth showing beside a phase: bytes, requests, files, compile actions. */
export type Counters = Readonly<Record<string, number>>;

/** One line of `$RUNNER_TEMP/go-cicd/timeline/<door>-<n>.jsonl`. */
export interface TimelineEvent {
  v: 1;
  door: string;
  /** `main` or `post` */
  stage: "main" | "post";
  job: string;
  /** The matrix leg as compact JSON, or an empty string. */
  leg: string;
  attempt: number;
  /** What was done, in the words of the report: `restore modules`. */
  phase: string;
  /** Epoch milliseconds. */
  start: number;
  end: number;
  ok: boolean;
  counters: Counters;
  /** Result of a cache: its store and what came of it (`hit`, `prefix`, `miss`, …). */
  cache?: { store: string; result: string; bytes: number };
}

/** What a phase may tell about itself while it runs. */
export interface Phase {
  count(name: string, value: number): void;
  cache(store: string, result: string, bytes: number): void;
}

export interface Timeline {
  /** Times `work`; the event is on disk before the result is handed on, also when it throws. */
  phase<T>(name: string, work: (phase: Phase) => Promise<T>): Promise<T>;
}

/** Where the steps of a job keep their timelines; `temp` is RUNNER_TEMP. */
export function timelineFolder(temp: string): string {
  return join(temp, JOB_FOLDER, "timeline");
}
