import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runJob } from "./job.ts";
import type { Survivor } from "./orphans.ts";
import type { JobOptions, StepPlan } from "./plan.ts";
import type { StepResult } from "./step.ts";

/** One action by itself. Input values are plain text: nothing in them is evaluated. */
export interface ActionRun extends Omit<JobOptions, "state" | "temp" | "toolCache"> {
  /** Folder with action.yml, absolute or relative to the working folder of this process. */
  action: string;
  inputs?: Readonly<Record<string, string>>;
  env?: Readonly<Record<string, string>>;
  /** A fresh folder by default, removed at the end. */
  temp?: string;
  /** A folder below `temp` by default. */
  toolCache?: string;
  /** The webhook payload. */
  event?: Readonly<Record<string, unknown>>;
  /** State that an earlier stage left, to run a later one alone. */
  state?: Readonly<Record<string, string>>;
  timeoutMs?: number;
  /** `uses: ./folder` */
  local?: boolean;
}

/** What main did, with the other stages beside it. */
export interface ActionResult extends StepResult {
  pre: StepResult | undefined;
  post: StepResult | undefined;
  /** Of the whole job: posts count. */
  result: "success" | "failure" | "cancelled";
  survivors: Survivor[];
}

/**
 * Runs an action's stages as a job of one step.
 * @throws Error when no stage ran at all.
 */
export async function runAction(run: ActionRun): Promise<ActionResult> {
  const { action, inputs, env, event, state, timeoutMs, local, temp: given, ...options } = run;
  const temp = given ?? mkdtempSync(join(tmpdir(), "runner-temp-"));
  const step: StepPlan = {
    id: "step",
    action,
    with: verbatim(inputs ?? {}),
    env: verbatim(env ?? {}),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(local === undefined ? {} : { local }),
  };
  const job = await runJob(
    { id: options.github?.job ?? "job", steps: [step] },
    {
      ...options,
      temp,
      toolCache: options.toolCache ?? join(temp, "_tool"),
      github: { ...options.github, ...(event === undefined ? {} : { event }) },
      ...(state === undefined ? {} : { state: { step: state } }),
    },
  );
  if (given === undefined) rmSync(temp, { recursive: true, force: true });
  const of = (stage: string): StepResult | undefined =>
    job.stages.find((each) => each.of.stage === stage)?.result;
  const main = of("main") ?? of("post") ?? of("pre");
  if (main === undefined) throw new Error(`no stage of ${action} ran`);
  const { result, survivors } = job;
  return { ...main, pre: of("pre"), post: of("post"), result, survivors };
}

/** Texts that evaluate to themselves. */
function verbatim(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, text.replaceAll("${{", "${{ '${{' }}")]),
  );
}
