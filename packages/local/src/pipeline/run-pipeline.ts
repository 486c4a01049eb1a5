import { existsSync, mkdirSync, rmSync } from "node:fs";
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import type { Environment, Processes } from "@go-cicd/core/process.ts";
import type { Annotation } from "../contract/annotations.ts";
import { runJob } from "../contract/job.ts";
import type { JobEvent, JobResult } from "../contract/job-result.ts";
import type { Slot } from "../machine/home.ts";
import { checkOut, commitAll, type Checkout } from "../machine/source.ts";
import type { Services } from "../services/server.ts";
import { cacheScopes } from "../services/scopes.ts";
import { breakHealth } from "./broken-release.ts";
import type { Listener, StepState } from "./events.ts";
import type { History } from "./history.ts";
import type { PipelineJob } from "./jobs.ts";
import { resultLine } from "./result-line.ts";
import { stepFiles } from "./step-files.ts";

/** Everything a pipeline runs with. */
export interface PipelineOptions {
  /** Folder of the user's repository; only read. */
  source: string;
  /** `source` is examples/orders: a repository of its own, whatever surrounds it. */
  example: boolean;
  slot: Slot;
  toolCache: string;
  services: Services;
  processes: Processes;
  env: Environment;
  history: History | undefined;
  listen: Listener;
  /** First Ctrl-C. */
  cancel: AbortSignal;
  /** Second one. */
  kill: AbortSignal;
}

/** What a pipeline came to. */
export interface PipelineResult {
  ok: boolean;
  jobs: Record<string, JobResult>;
  /** `job/step/stage` → milliseconds. */
  steps: Record<string, number>;
}

const BRANCH = "main";

/** Runs the jobs one after the other, each on a fresh checkout with a fresh home. */
export async function runPipeline(
  jobs: readonly PipelineJob[],
  options: PipelineOptions,
): Promise<PipelineResult> {
  const results: Record<string, JobResult> = {};
  const steps: Record<string, number> = {};
  const runId = String(Date.now());
  let ok = true;
  for (const job of jobs) {
    const { id } = job.plan;
    const green = job.needs === "always" || job.needs.every((need) => passed(results[need]));
    if (!green || (options.cancel.aborted && job.needs !== "always")) continue;
    if (options.cancel.aborted) break;
    options.listen({ kind: "job-started", at: Date.now(), job: id, title: job.title });
    const checkout = await prepare(job, options);
    const result = await runJob(
      job.plan,
      jobOptions(job, options, results, checkout, runId, steps),
    );
    results[id] = result;
    const good = passed(result) && asExpected(id, result);
    ok &&= good;
    options.listen({ kind: "job-finished", at: Date.now(), job: id, ok: good });
  }
  return { ok: ok && !options.cancel.aborted, jobs: results, steps };
}

function passed(result: JobResult | undefined): boolean {
  return result?.result === "success";
}

/** The broken release must have been rolled back; anything else is red. */
function asExpected(job: string, result: JobResult): boolean {
  return job !== "broken" || result.outputs["result"] === "rolled-back";
}

async function prepare(job: PipelineJob, options: PipelineOptions): Promise<Checkout> {
  const { slot, processes, env } = options;
  rmSync(slot.home, { recursive: true, force: true });
  mkdirSync(slot.home, { recursive: true });
  const tools = { processes, env };
  const checkout = await checkOut(options.source, slot.workspace, tools, {
    alone: options.example,
  });
  if (job.source === "release") return checkout;
  breakHealth(slot.workspace);
  return { ...checkout, sha: await commitAll(slot.workspace, tools) };
}

function jobOptions(
  job: PipelineJob,
  options: PipelineOptions,
  results: Readonly<Record<string, JobResult>>,
  checkout: Checkout,
  runId: string,
  steps: Record<string, number>,
): Parameters<typeof runJob>[1] {
  const { slot, services } = options;
  const name = basename(options.source)
    .toLowerCase()
    .replace(/[^a-z0-9._-]/g, "-");
  const repository = options.example ? "acme/orders" : `local/${name}`;
  const repositoryId = String(
    Number.parseInt(createHash("sha256").update(options.source).digest("hex").slice(0, 8), 16),
  );
  const ref = `refs/heads/${BRANCH}`;
  return {
    workspace: slot.workspace,
    temp: slot.temp,
    toolCache: options.toolCache,
    github: {
      repository,
      repository_id: repositoryId,
      ref,
      sha: checkout.sha,
      run_id: runId,
      run_number: String((options.history?.runs ?? 0) + 1),
      workflow: "go-cicd",
      event_name: "push",
      event: {
        ref,
        after: checkout.sha,
        repository: { full_name: repository, default_branch: BRANCH },
      },
    },
    needs: Object.fromEntries(
      Object.entries(results).map(([id, { result, outputs }]) => [id, { result, outputs }]),
    ),
    services: services.environment({
      runId,
      jobId: `${runId}-${job.plan.id}`,
      repositoryId,
      scopes: cacheScopes({ eventName: "push", ref, defaultBranch: BRANCH }),
    }),
    inherited: inheritedByJobs(options.env, slot.home),
    signal: options.cancel,
    kill: options.kill,
    onEvent: (event) => forward(event, job, options, steps),
  };
}

/**
 * What a job sees of this machine: where programs are and how the network is reached. The home is
 * fresh, so the user's own settings of the go command are pointed at by name.
 */
function inheritedByJobs(env: Environment, home: string): Environment {
  const kept = Object.entries(env).filter(([name]) => MACHINE_VARIABLES.has(name.toUpperCase()));
  const settings =
    env["GOENV"] ?? join(env["XDG_CONFIG_HOME"] ?? join(homedir(), ".config"), "go/env");
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    ...(existsSync(settings) ? { GOENV: settings } : {}),
  };
}

const MACHINE_VARIABLES = new Set([
  ...["PATH", "LANG", "TMPDIR", "SYSTEMROOT"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"],
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"],
  ...["GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOINSECURE", "GOAUTH"],
]);

function forward(
  event: JobEvent,
  job: PipelineJob,
  options: PipelineOptions,
  steps: Record<string, number>,
): void {
  const { id } = job.plan;
  if (event.kind === "stage-started") {
    const { step, name } = event.of;
    options.listen({ kind: "step-started", at: event.at, job: id, step, title: title(name) });
  } else if (event.kind === "line") {
    options.listen({
      kind: "step-line",
      at: event.at,
      job: id,
      step: event.of.step,
      line: event.line,
    });
  } else if (event.kind === "stage-finished") {
    const { of, result } = event;
    const plan = job.plan.steps.find((each) => each.id === of.step);
    const door = basename(plan?.action ?? "");
    const key = `${id}/${of.step}/${of.stage}`;
    steps[key] = result.durationMs;
    options.listen({
      kind: "step-finished",
      at: event.at,
      job: id,
      step: of.step,
      title: title(of.name),
      door,
      stage: of.stage,
      state: stateOf(
        result.conclusion,
        plan?.continueOnError === true && result.outputs["result"] === "rolled-back",
      ),
      result: resultLine(door, of.stage, result, stepFiles(options.slot.temp)),
      problems: result.annotations.filter(({ level }) => level === "error").map(problem),
      durationMs: result.durationMs,
      beforeMs: options.history?.steps[key],
    });
  }
}

/** An annotation's message, with the place in the sources that it stands on. */
function problem({ message, file, line }: Annotation): string {
  if (file === undefined) return message;
  return `${file}${line === undefined ? "" : `:${line}`}: ${message}`;
}

/** `Post set up Go` → `after: set up Go` */
function title(name: string): string {
  return name.replace(/^Post /, "after: ");
}

function stateOf(conclusion: "success" | "failure" | "cancelled", expected: boolean): StepState {
  if (conclusion === "success") return "passed";
  if (conclusion === "cancelled") return "cancelled";
  return expected ? "expected" : "failed";
}
