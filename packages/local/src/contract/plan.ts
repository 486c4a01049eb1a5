import type { Environment } from "@go-cicd/core/process.ts";
import type { GithubContext, RunnerContext } from "./environment.ts";
import type { JobEvent } from "./job-result.ts";
import type { Clocks } from "./process.ts";
import type { Stage } from "./step.ts";

/** One `uses:` step. Texts may hold expressions. */
export interface StepPlan {
  /** Name in the `steps` context; a number by default. */
  id?: string;
  name?: string;
  /** Folder with action.yml, absolute or relative to the working folder of this process. */
  action: string;
  with?: Readonly<Record<string, string>>;
  env?: Readonly<Record<string, string>>;
  if?: string;
  continueOnError?: boolean;
  /** Milliseconds of `timeout-minutes`. */
  timeoutMs?: number;
  /** `uses: ./folder`: its `pre` never runs. Actions are remote by default. */
  local?: boolean;
}

export interface JobPlan {
  /** `github.job` */
  id: string;
  steps: readonly StepPlan[];
  env?: Readonly<Record<string, string>>;
  /** Name → expression text over `steps`. */
  outputs?: Readonly<Record<string, string>>;
}

export interface JobOptions {
  workspace: string;
  /** RUNNER_TEMP: emptied before the job and, unless `keepTemp`, after it. */
  temp: string;
  keepTemp?: boolean;
  toolCache: string;
  /** Facts of the event; the rest of the context follows from them. */
  github?: Partial<GithubContext>;
  runner?: Partial<RunnerContext>;
  matrix?: Readonly<Record<string, unknown>>;
  strategy?: Readonly<Record<string, unknown>>;
  secrets?: Readonly<Record<string, string>>;
  vars?: Readonly<Record<string, string>>;
  /** Results of earlier jobs: `{ build: { result: "success", outputs: {} } }`. */
  needs?: Readonly<Record<string, unknown>>;
  /** ACTIONS_ variables of the services. */
  services?: Readonly<Record<string, string>>;
  /** The runner's own variables; PATH, HOME and LANG of this process by default. */
  inherited?: Environment;
  /** Further secrets of the job. */
  masks?: readonly string[];
  /** State by step id that an earlier process left, to run a later stage alone. */
  state?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Stages to run; all by default. */
  stages?: readonly Stage[];
  /** The Node 24 binary. */
  node?: string;
  clocks?: Partial<Clocks>;
  /** Cancels the job: the running step ends, posts and `always()` steps still run. */
  signal?: AbortSignal;
  /** Kills whatever runs, and runs nothing further. */
  kill?: AbortSignal;
  /** Progress, live. */
  onEvent?: (event: JobEvent) => void;
}
