import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { ActionError, isSystemError } from "@go-cicd/core/errors.ts";
import { invalidInputs } from "@go-cicd/core/inputs.ts";
import { JOB_FOLDER } from "@go-cicd/core/names.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import {
  parseReference,
  PLAN_PREFIX,
  planReference,
  planSchema,
  planText,
  type Plan,
  type PlanReference,
} from "./plan.ts";

/** A plan with the reference that it is known by. */
export interface KnownPlan {
  plan: Plan;
  reference: PlanReference;
}

/** Where the steps of this job keep what they hand to each other. */
export function jobFolder(ports: Ports): string {
  const { temp } = ports.context;
  if (temp === "") {
    throw new ActionError("environment", "RUNNER_TEMP is not set", {
      hint: "Run this on a GitHub runner, or set RUNNER_TEMP to a folder of the job.",
    });
  }
  const folder = join(temp, JOB_FOLDER, "tests");
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Writes the plan for later steps of this job. */
export function keepPlan(plan: Plan, ports: Ports): KnownPlan {
  const text = planText(plan);
  const reference = planReference(text, ports.context.runAttempt);
  const folder = jobFolder(ports);
  writeFileSync(join(folder, `${reference.name}.json`), text);
  writeFileSync(join(folder, "last-plan"), JSON.stringify(reference));
  return { plan, reference };
}

/**
 * Uploads the plan for other jobs. A name that exists holds the same bytes, since it is made of
 * their hash.
 */
export async function sharePlan({ plan, reference }: KnownPlan, ports: Ports): Promise<boolean> {
  const folder = mkdtempSync(join(jobFolder(ports), "plan-"));
  const file = join(folder, "plan.json");
  writeFileSync(file, planText(plan));
  const result = await ports.artifacts.upload(reference.name, [file], folder);
  if (result.kind !== "unavailable") return true;
  ports.log.warning(
    `The plan is not uploaded (${result.detail}): only later steps of this job can use it`,
  );
  return false;
}

/**
 * Says in which attempt everything was planned anew: a report without the input `plan` must not
 * take results of earlier ones. The plan itself has no attempt in it.
 */
export async function markAttempt({ plan, reference }: KnownPlan, ports: Ports): Promise<void> {
  if (reference.attempt <= 1) return;
  const folder = mkdtempSync(join(jobFolder(ports), "plan-"));
  const file = join(folder, "plan.json");
  writeFileSync(file, planText(plan));
  await ports.artifacts.upload(`${reference.name}-${reference.attempt}`, [file], folder);
}

/**
 * The plan of the input, from this job's folder or from the run's artifacts; its hash is checked.
 * @throws ActionError `input` for no reference, `integrity` for other bytes, `network`.
 */
export async function findPlan(given: string, ports: Ports): Promise<KnownPlan> {
  const reference = parseReference(given);
  if (reference === undefined) {
    throw invalidInputs([
      `plan must be the output \`plan\` of a step with \`mode: plan\`, not ${JSON.stringify(given)}`,
    ]);
  }
  const local = readIfThere(join(jobFolder(ports), `${reference.name}.json`));
  return decodePlan(local ?? (await downloadPlan(reference.name, ports)), reference);
}

/**
 * The plan that a report without the input means: the last one of this job, else the only one of
 * the run.
 * @throws ActionError `input` when there is none, or more than one.
 */
export async function findOnlyPlan(ports: Ports): Promise<KnownPlan> {
  const last = readIfThere(join(jobFolder(ports), "last-plan"));
  if (last !== undefined) {
    const reference = JSON.parse(last) as PlanReference;
    const text = readIfThere(join(jobFolder(ports), `${reference.name}.json`));
    if (text !== undefined) return decodePlan(text, reference);
  }
  const list = await ports.artifacts.list(PLAN_PREFIX);
  const marks = (list.kind === "listed" ? list.artifacts : []).flatMap((artifact) => {
    const match = /^(go-cicd-plan-[0-9a-f]{12})(?:-(\d{1,6}))?$/.exec(artifact.name);
    return match === null ? [] : [{ name: match[1] ?? "", attempt: Number(match[2] ?? 1) }];
  });
  const names = [...new Set(marks.map((mark) => mark.name))];
  const [name] = names;
  if (name === undefined || names.length > 1) {
    const why =
      names.length > 1
        ? `the run has ${names.length} plans`
        : list.kind === "listed"
          ? "the run has no plan"
          : list.detail;
    throw invalidInputs([`plan is required here: ${why}`]);
  }
  const text = await downloadPlan(name, ports);
  const reference = planReference(text, Math.max(...marks.map(({ attempt }) => attempt)));
  if (reference.name !== name) throw altered(name);
  return decodePlan(text, reference);
}

async function downloadPlan(name: string, ports: Ports): Promise<string> {
  const list = await ports.artifacts.list(name);
  if (list.kind === "unavailable") {
    throw new ActionError("network", `The plan ${name} cannot be fetched: ${list.detail}`);
  }
  const artifact = list.artifacts.find((candidate) => candidate.name === name);
  if (artifact === undefined) {
    throw new ActionError("input", `This run has no plan ${name}`, {
      hint: "Run a step with `mode: plan` in a job that this one needs, in the same workflow run.",
    });
  }
  const folder = mkdtempSync(join(jobFolder(ports), "fetched-"));
  const result = await ports.artifacts.download(artifact, folder);
  if (result.kind === "unavailable") {
    throw new ActionError("network", `The plan ${name} cannot be fetched: ${result.detail}`);
  }
  if (result.kind === "mismatch") throw altered(name);
  const text = readIfThere(join(folder, "plan.json"));
  if (text === undefined) throw altered(name);
  return text;
}

function decodePlan(text: string, reference: PlanReference): KnownPlan {
  if (planReference(text, 0).sha256 !== reference.sha256) throw altered(reference.name);
  const plan = v.safeParse(planSchema, JSON.parse(text));
  if (!plan.success) {
    throw new ActionError("integrity", `The plan ${reference.name} has a form that is not known`, {
      hint: "Use the same version of go-matrix-test in every job of the run.",
    });
  }
  return { plan: plan.output, reference };
}

function altered(name: string): ActionError {
  return new ActionError("integrity", `The plan ${name} is not what its hash says`, {
    hint: "Something altered the artifact. Run the whole workflow again.",
  });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw error;
  }
}
