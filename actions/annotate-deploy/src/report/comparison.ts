import { readFileSync } from "node:fs";
import * as v from "valibot";
import { at } from "@go-cicd/core/context.ts";
import { ActionError, isSystemError } from "@go-cicd/core/errors.ts";
import { jobLabel, stepTimes } from "./caches.ts";
import type { Comparison, Job, Span } from "./report-model.ts";

/** What this run needs to know of the one before. */
const previousSchema = v.object({
  version: v.literal(1),
  run: v.object({ generated: v.number(), commit: v.string() }),
  span: v.nullable(v.object({ start: v.number(), end: v.number() })),
  jobs: v.array(
    v.object({
      name: v.string(),
      leg: v.string(),
      steps: v.array(
        v.object({
          key: v.string(),
          title: v.string(),
          start: v.number(),
          end: v.number(),
          pending: v.boolean(),
        }),
      ),
    }),
  ),
  cold: v.nullable(v.object({ steps: v.record(v.string(), v.number()) })),
});

export type PreviousRun = v.InferOutput<typeof previousSchema>;

/**
 * The data of an earlier run, or undefined when there is none at this path: the first run has no
 * earlier one. A file that is there and is something else is said in words.
 */
export function readPrevious(path: string): PreviousRun | undefined | string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return undefined;
    const code = at(error, "code");
    if (typeof code !== "string") throw error;
    throw new ActionError("input", `Input previous: ${path} cannot be read (${code})`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return `The data of the previous run (${path}) is not JSON: nothing is compared.`;
  }
  const parsed = v.safeParse(previousSchema, json);
  return parsed.success
    ? parsed.output
    : `The data of the previous run (${path}) has another shape: nothing is compared.`;
}

/** Time per step now and before; steps of only one of the runs have a hole. */
export function compare(
  jobs: readonly Job[],
  span: Span | null,
  previous: PreviousRun,
): Comparison {
  const now = stepTimes(jobs);
  const label = (job: { name: string; leg: string }, title: string): string =>
    `${jobLabel(job)} › ${title}`;
  const labels = new Map<string, string>();
  const before: Record<string, number> = {};
  for (const job of jobs) {
    for (const step of job.steps) {
      if (!step.pending) labels.set(step.key, label(job, step.title));
    }
  }
  for (const job of previous.jobs) {
    for (const step of job.steps) {
      if (step.pending) continue;
      before[step.key] = step.end - step.start;
      if (!labels.has(step.key)) labels.set(step.key, label(job, step.title));
    }
  }
  return {
    generated: previous.run.generated,
    commit: previous.run.commit,
    totalNow: span === null ? 0 : span.end - span.start,
    totalBefore: previous.span === null ? 0 : previous.span.end - previous.span.start,
    rows: [...labels].map(([key, text]) => ({
      key,
      label: text,
      now: now[key] ?? null,
      before: before[key] ?? null,
    })),
  };
}
