/** A service that was left running: where it answers, and the command that ends it. */
export interface Serving {
  url: string;
  stop: string;
}

/** What happens while a pipeline runs; times are epoch milliseconds, durations milliseconds. */
export type PipelineEvent =
  | {
      kind: "pipeline-started";
      at: number;
      project: string;
      sha: string;
      /** Files that differ from the commit. */
      changed: number;
      /** Earlier runs of this repository whose caches are at hand. */
      runs: number;
    }
  | { kind: "note"; at: number; text: string }
  | { kind: "job-started"; at: number; job: string; title: string }
  | { kind: "step-started"; at: number; job: string; step: string; title: string }
  | { kind: "step-line"; at: number; job: string; step: string; line: string }
  | {
      kind: "step-finished";
      at: number;
      job: string;
      step: string;
      title: string;
      door: string;
      stage: "pre" | "main" | "post";
      state: StepState;
      /** One line: what came of it. */
      result: string;
      /** Messages of a red step. */
      problems: readonly string[];
      durationMs: number;
      /** The same step in the run before, when there was one. */
      beforeMs: number | undefined;
    }
  | { kind: "job-finished"; at: number; job: string; ok: boolean }
  | {
      kind: "pipeline-finished";
      at: number;
      ok: boolean;
      verdict: string;
      durationMs: number;
      beforeMs: number | undefined;
      serving: Serving | undefined;
      markdown: string | undefined;
      report: string | undefined;
    };

/**
 * `expected` is a failure that the pipeline is there to show: the broken release that is rolled
 * back.
 */
export type StepState = "passed" | "failed" | "expected" | "cancelled";

export type Listener = (event: PipelineEvent) => void;
