import type { Annotation } from "./annotations.ts";
import type { Status } from "./expressions.ts";
import type { Survivor } from "./orphans.ts";
import type { Stage, StepResult } from "./step.ts";

/** Which stage of which step. */
export interface StageName {
  /** Id of the step. */
  step: string;
  stage: Stage;
  /** As shown: `Post Set up Go`. */
  name: string;
}

/** Times are epoch milliseconds. */
export type JobEvent =
  | { kind: "job-started"; job: string; at: number }
  | { kind: "stage-started"; at: number; of: StageName }
  | {
      kind: "line";
      at: number;
      of: StageName;
      line: string;
      stream: "stdout" | "stderr" | "runner";
    }
  | { kind: "stage-skipped"; at: number; of: StageName }
  | { kind: "stage-finished"; at: number; of: StageName; result: StepResult }
  | { kind: "survivors"; at: number; survivors: readonly Survivor[] }
  | { kind: "job-finished"; at: number; result: JobResult };

/** One stage that ran. */
export interface StageRecord {
  of: StageName;
  /** Epoch milliseconds. */
  start: number;
  end: number;
  result: StepResult;
}

/** An entry of the `steps` context. */
export interface StepOutcome {
  outputs: Record<string, string>;
  /** Before `continue-on-error`. */
  outcome: "success" | "failure" | "cancelled" | "skipped";
  conclusion: "success" | "failure" | "cancelled" | "skipped";
}

export interface JobResult {
  job: string;
  result: Status;
  /** Without those that hold a secret. */
  outputs: Record<string, string>;
  steps: Record<string, StepOutcome>;
  /** In the order they ran. */
  stages: StageRecord[];
  /** Words of the runner itself, such as dropped outputs. */
  annotations: Annotation[];
  /** Processes that outlived the job, and were ended. */
  survivors: Survivor[];
}
