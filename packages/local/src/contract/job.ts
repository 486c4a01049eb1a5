import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ActionError, messageOf } from "@go-cicd/core/errors.ts";
import { readActionManifest, type ActionManifest } from "./action-yml.ts";
import {
  githubContext,
  inheritedEnvironment,
  runnerContext,
  type GithubContext,
  type RunnerContext,
} from "./environment.ts";
import { holds, interpolate, type Contexts, type Status } from "./expressions.ts";
import { Masker } from "./mask.ts";
import type { JobEvent, JobResult, StageName, StepOutcome } from "./job-result.ts";
import { endOrphans } from "./orphans.ts";
import type { JobOptions, JobPlan, StepPlan } from "./plan.ts";
import { onAbort, RUNNER_CLOCKS, type Clocks } from "./process.ts";
import { NOT_STARTED, runStep, type Stage, type StepResult } from "./step.ts";
import { emptyFolder } from "./temp-folder.ts";

interface PlannedStep {
  plan: StepPlan;
  id: string;
  name: string;
  manifest: ActionManifest;
  state: Record<string, string>;
}

/**
 * Runs a job's steps in order: all `pre` first, then `main` by `main`, then each `post` in reverse
 * order, also after a failure or a cancellation.
 * @throws ActionError `input` or `repository` when the plan itself is wrong; a step that fails is a
 * result.
 */
export async function runJob(plan: JobPlan, options: JobOptions): Promise<JobResult> {
  return new Job(plan, options).run();
}

class Job {
  readonly #plan: JobPlan;
  readonly #options: JobOptions;
  readonly #clocks: Clocks;
  readonly #masker: Masker;
  readonly #github: GithubContext;
  readonly #runner: RunnerContext;
  readonly #trackingId = `github_${randomUUID()}`;
  /** Job `env`, then what steps wrote to GITHUB_ENV. */
  readonly #env: Record<string, string>;
  /** First one comes first in PATH. */
  #path: string[] = [];
  #status: Status = "success";
  readonly #result: JobResult;
  readonly #posts: PlannedStep[] = [];
  readonly #killed = new AbortController();
  readonly #cancelled = new AbortController();

  constructor(plan: JobPlan, options: JobOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#clocks = { ...RUNNER_CLOCKS, ...options.clocks };
    const temp = resolve(options.temp);
    const workspace = resolve(options.workspace);
    this.#github = githubContext({
      job: plan.id,
      event_path: join(temp, "_github_workflow", "event.json"),
      ...options.github,
      workspace,
    });
    this.#runner = runnerContext({
      temp,
      tool_cache: resolve(options.toolCache),
      workspace: dirname(workspace),
      ...options.runner,
    });
    const { ACTIONS_RUNTIME_TOKEN: runtime, ACTIONS_ID_TOKEN_REQUEST_TOKEN: identity } =
      options.services ?? {};
    this.#masker = new Masker([
      ...Object.values(options.secrets ?? {}),
      ...(options.masks ?? []),
      ...[runtime, identity, this.#github.token].filter((each) => each !== undefined),
    ]);
    this.#env = {};
    this.#result = {
      job: plan.id,
      result: "success",
      outputs: {},
      steps: {},
      stages: [],
      annotations: [],
      survivors: [],
    };
  }

  async run(): Promise<JobResult> {
    const steps = this.#plannedSteps();
    emptyFolder(this.#runner.temp, this.#github.workspace);
    mkdirSync(dirname(this.#github.event_path), { recursive: true });
    writeFileSync(this.#github.event_path, JSON.stringify(this.#github.event));
    for (const [name, text] of Object.entries(this.#plan.env ?? {})) {
      this.#env[name] = interpolate(text, this.#contexts());
    }
    this.#emit({ kind: "job-started", job: this.#plan.id, at: Date.now() });
    const settle = this.#listenForCancellation();
    try {
      if (this.#wants("pre")) await this.#runPres(steps);
      for (const step of steps) await this.#runMain(step);
      for (const step of this.#posts.reverse()) await this.#runPost(step);
    } finally {
      settle();
      this.#result.survivors = await endOrphans(this.#trackingId);
    }
    if (this.#result.survivors.length > 0) {
      const { survivors } = this.#result;
      this.#emit({ kind: "survivors", at: Date.now(), survivors });
    }
    this.#result.result = this.#status;
    this.#collectOutputs();
    if (this.#options.keepTemp !== true) emptyFolder(this.#runner.temp, this.#github.workspace);
    this.#emit({ kind: "job-finished", at: Date.now(), result: this.#result });
    return this.#result;
  }

  #plannedSteps(): PlannedStep[] {
    const seen = new Set<string>();
    return this.#plan.steps.map((plan, index) => {
      const id = plan.id ?? `${index + 1}`;
      if (seen.has(id)) throw new ActionError("input", `two steps are called ${id}`);
      seen.add(id);
      const manifest = readActionManifest(plan.action);
      const name = plan.name ?? `Run ${manifest.name}`;
      return { plan, id, name, manifest, state: { ...this.#options.state?.[id] } };
    });
  }

  #wants(stage: Stage): boolean {
    return this.#options.stages?.includes(stage) ?? true;
  }

  /** Cancels as asked, and kills what still runs when the time after a cancellation is over. */
  #listenForCancellation(): () => void {
    let timer: NodeJS.Timeout | undefined;
    const stops = [
      onAbort(this.#options.signal, () => {
        this.#status = "cancelled";
        this.#cancelled.abort();
        timer = setTimeout(() => this.#killed.abort(), this.#clocks.cancelledJobMs);
      }),
      onAbort(this.#options.kill, () => {
        this.#status = "cancelled";
        this.#killed.abort();
      }),
    ];
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }

  async #runPres(steps: readonly PlannedStep[]): Promise<void> {
    for (const step of steps) {
      const { pre, preIf } = step.manifest;
      if (pre === undefined) continue;
      if (step.plan.local === true) {
        const message = `\`pre\` execution is not supported for local action from '${step.plan.action}'`;
        this.#result.annotations.push({ level: "warning", message });
        continue;
      }
      this.#registerPost(step);
      const result = await this.#runStage(step, "pre", `Pre ${step.name}`, pre, preIf);
      if (result !== undefined && result.conclusion !== "success") this.#fail(result.conclusion);
    }
  }

  #registerPost(step: PlannedStep): void {
    if (step.manifest.post !== undefined && !this.#posts.includes(step)) this.#posts.push(step);
  }

  async #runMain(step: PlannedStep): Promise<void> {
    const outcome: StepOutcome = { outputs: {}, outcome: "skipped", conclusion: "skipped" };
    this.#result.steps[step.id] = outcome;
    if (!this.#wants("main")) {
      this.#registerPost(step);
      return;
    }
    // The post is registered before main runs, so that it runs after a crash, too.
    const condition = step.plan.if ?? "success()";
    const register = (): void => this.#registerPost(step);
    const { main } = step.manifest;
    const result = await this.#runStage(step, "main", step.name, main, condition, register);
    if (result === undefined) return;
    outcome.outputs = result.outputs;
    outcome.outcome = result.conclusion;
    const forgiven = step.plan.continueOnError === true && result.conclusion === "failure";
    outcome.conclusion = forgiven ? "success" : result.conclusion;
    if (outcome.conclusion !== "success") this.#fail(result.conclusion);
  }

  async #runPost(step: PlannedStep): Promise<void> {
    const { post, postIf } = step.manifest;
    if (post === undefined || !this.#wants("post")) return;
    const result = await this.#runStage(step, "post", `Post ${step.name}`, post, postIf);
    if (result !== undefined && result.conclusion !== "success") this.#fail(result.conclusion);
  }

  #fail(conclusion: StepResult["conclusion"]): void {
    if (this.#status !== "cancelled" && conclusion !== "success") this.#status = "failure";
  }

  /** Runs one stage, or nothing when its condition does not hold. */
  async #runStage(
    step: PlannedStep,
    stage: Stage,
    name: string,
    file: string,
    condition: string,
    onStart: () => void = () => undefined,
  ): Promise<StepResult | undefined> {
    const of: StageName = { step: step.id, stage, name };
    const contexts = this.#contexts();
    const wanted = (): boolean => holds(condition, contexts, this.#status);
    const start = Date.now();
    const problem = this.#killed.signal.aborted ? undefined : attempt(wanted);
    if (problem?.ok === false) return this.#broken(of, start, problem.error);
    if (problem?.value !== true) {
      this.#emit({ kind: "stage-skipped", at: start, of });
      return undefined;
    }
    onStart();
    this.#emit({ kind: "stage-started", at: start, of });
    const say = (line: string, stream: "stdout" | "stderr" | "runner"): void =>
      this.#emit({ kind: "line", at: Date.now(), of, line: this.#masker.mask(line), stream });

    const texts = attempt(() => {
      const env = evaluateAll(step.plan.env ?? {}, contexts, this.#status);
      const withEnv = { ...contexts, env: { ...this.#env, ...env } };
      return { env, inputs: this.#inputs(step, withEnv, say) };
    });
    if (!texts.ok) return this.#broken(of, start, texts.error);

    // A step whose condition holds after the cancellation, too, is left to run.
    const cancel = new AbortController();
    const stopListening = onAbort(this.#cancelled.signal, () => {
      if (!wanted()) cancel.abort();
    });
    const result = await runStep({
      file,
      ...(this.#options.node === undefined ? {} : { node: this.#options.node }),
      inherited: this.#options.inherited ?? inheritedEnvironment(),
      env: { ...this.#env, ...texts.value.env },
      state: step.state,
      inputs: texts.value.inputs,
      path: this.#path,
      github: { ...this.#github, action: step.plan.id ?? "__self" },
      runner: this.#runner,
      services: this.#options.services ?? {},
      trackingId: this.#trackingId,
      masker: this.#masker,
      timeoutMs: stage === "main" ? step.plan.timeoutMs : undefined,
      signal: cancel.signal,
      kill: this.#killed.signal,
      clocks: this.#clocks,
      onLine: say,
    });
    stopListening();
    Object.assign(this.#env, result.env);
    for (const folder of result.path) {
      this.#path = [folder, ...this.#path.filter((each) => each !== folder)];
    }
    Object.assign(step.state, result.state);
    return this.#finished(of, start, result);
  }

  #inputs(
    step: PlannedStep,
    contexts: Contexts,
    say: (line: string, stream: "runner") => void,
  ): Record<string, string> {
    const given = evaluateAll(step.plan.with ?? {}, contexts, this.#status);
    const inputs = { ...given };
    const declared = new Map(step.manifest.inputs.map((each) => [each.name.toLowerCase(), each]));
    const names = new Set(Object.keys(given).map((name) => name.toLowerCase()));
    for (const input of step.manifest.inputs) {
      if (names.has(input.name.toLowerCase())) continue;
      inputs[input.name] = interpolate(input.default, contexts, this.#status);
    }
    const unexpected = Object.keys(given).filter((name) => !declared.has(name.toLowerCase()));
    const warn = (message: string): void => {
      this.#result.annotations.push({ level: "warning", message });
      say(`##[warning]${message}`, "runner");
    };
    if (unexpected.length > 0) {
      const valid = step.manifest.inputs.map(({ name }) => name).join("', '");
      warn(`Unexpected input(s) '${unexpected.join("', '")}', valid inputs are ['${valid}']`);
    }
    for (const name of Object.keys(given)) {
      const message = declared.get(name.toLowerCase())?.deprecationMessage;
      if (message !== undefined) {
        warn(`Input '${name}' has been deprecated with message: ${message}`);
      }
    }
    return inputs;
  }

  /** A stage whose texts cannot be evaluated fails before its process starts. */
  #broken(of: StageName, start: number, error: unknown): StepResult {
    const message = this.#masker.mask(messageOf(error));
    this.#emit({ kind: "stage-started", at: start, of });
    this.#emit({
      kind: "line",
      at: Date.now(),
      of,
      line: `##[error]${message}`,
      stream: "runner",
    });
    return this.#finished(of, start, {
      ...NOT_STARTED,
      annotations: [{ level: "error", message }],
      log: [`##[error]${message}`],
    });
  }

  #finished(of: StageName, start: number, result: StepResult): StepResult {
    const end = Date.now();
    this.#result.stages.push({ of, start, end, result });
    this.#emit({ kind: "stage-finished", at: end, of, result });
    return result;
  }

  #contexts(): Contexts {
    const { matrix, strategy, secrets, vars, needs } = this.#options;
    const { debug, ...runner } = this.#runner;
    return {
      github: this.#github,
      runner: debug === "1" ? { ...runner, debug } : runner,
      env: { ...this.#env },
      job: { status: this.#status },
      steps: structuredClone(this.#result.steps),
      matrix: matrix ?? null,
      strategy: strategy ?? {
        "fail-fast": true,
        "job-index": 0,
        "job-total": 1,
        "max-parallel": 1,
      },
      secrets: { GITHUB_TOKEN: this.#github.token, ...secrets },
      vars: vars ?? {},
      needs: needs ?? {},
      inputs: this.#github.event["inputs"] ?? {},
    };
  }

  #collectOutputs(): void {
    for (const [name, text] of Object.entries(this.#plan.outputs ?? {})) {
      const value = attempt(() => interpolate(text, this.#contexts(), this.#status));
      const note = (level: "warning" | "error", message: string): void =>
        void this.#result.annotations.push({ level, message });
      if (!value.ok) note("error", this.#masker.mask(messageOf(value.error)));
      else if (this.#masker.holdsSecret(value.value)) {
        note("warning", `Skip output '${name}' since it may contain secret.`);
      } else this.#result.outputs[name] = value.value;
    }
  }

  #emit(event: JobEvent): void {
    this.#options.onEvent?.(event);
  }
}

function evaluateAll(
  texts: Readonly<Record<string, string>>,
  contexts: Contexts,
  status: Status,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, interpolate(text, contexts, status)]),
  );
}

type Attempt<T> = { ok: true; value: T } | { ok: false; error: unknown };

function attempt<T>(work: () => T): Attempt<T> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    return { ok: false, error };
  }
}
