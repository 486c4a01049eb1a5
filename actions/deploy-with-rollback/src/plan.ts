import { resolve } from "node:path";
import type { JobContext } from "@go-cicd/core/context.ts";
import { ActionError } from "@go-cicd/core/errors.ts";
import { invalidInputs } from "@go-cicd/core/inputs.ts";
import { spanProblem } from "./health.ts";
import { pinnedImage, type PinnedImage } from "./image.ts";
import type { Inputs } from "./inputs.ts";
import { isReleaseId, type HealthContract } from "./release.ts";

/** What all modes need to know. */
export interface TargetPlan {
  kind: "deploy" | "rollback" | "recover";
  /** Absolute. */
  folder: string;
  /** `local:<folder>` */
  target: string;
  environment: string;
  service: string;
  /** Milliseconds without a sign of life after which the host heals itself. */
  deadManMs: number;
  keep: number;
}

export interface DeployPlan extends TargetPlan {
  image: PinnedImage;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  health: HealthContract;
  stableMs: number;
}

export interface RollbackPlan extends TargetPlan {
  releaseTo: string | undefined;
}

const TARGET_PREFIX = "local:";

/**
 * The target of any mode.
 * @throws ActionError `input`
 */
export function targetPlan(inputs: Inputs, context: JobContext): TargetPlan {
  const problems = targetProblems(inputs);
  if (problems.length > 0) throw invalidInputs(problems);
  const base = resolve(context.workspace, inputs.workingDirectory);
  const folder = resolve(base, inputs.target.slice(TARGET_PREFIX.length));
  return {
    kind: inputs.mode,
    folder,
    target: `${TARGET_PREFIX}${folder}`,
    environment: inputs.environment,
    service: inputs.service ?? context.repository.split("/").at(-1) ?? "service",
    deadManMs: inputs.deadManTimeout,
    keep: inputs.keep,
  };
}

/** @throws ActionError `input` that names all problems between the inputs at once */
export function deployPlan(inputs: Inputs, context: JobContext): DeployPlan {
  const env = environmentOf(inputs.env);
  const problems = [...targetProblems(inputs), ...env.problems, ...healthProblems(inputs)];
  let image: PinnedImage | undefined;
  if (inputs.image === undefined) problems.push("image is required to deploy");
  else {
    try {
      image = pinnedImage(inputs.image, resolve(context.workspace, inputs.workingDirectory));
    } catch (error) {
      if (!(error instanceof ActionError)) throw error;
      problems.push([error.message, error.hint].filter((line) => line !== undefined).join(". "));
    }
  }
  const { port, healthPath: path } = inputs;
  if (port === undefined) problems.push("port is required to deploy");
  if (path === undefined) {
    problems.push(
      "health-path is required to deploy: without a health check nothing is known to be well",
    );
  }
  if (problems.length > 0 || image === undefined || port === undefined || path === undefined) {
    throw invalidInputs(problems);
  }
  const { version, versionPath } = inputs;
  return {
    ...targetPlan(inputs, context),
    image,
    args: inputs.args,
    env: env.values,
    stableMs: inputs.stableFor,
    health: {
      port,
      path,
      statuses: inputs.healthStatus,
      waitMs: inputs.waitTimeout,
      tryMs: inputs.healthTimeout,
      intervalMs: inputs.healthInterval,
      stopMs: inputs.stopTimeout,
      successes: inputs.healthSuccesses,
      version: version === undefined ? undefined : { path: versionPath, text: version },
    },
  };
}

/** @throws ActionError `input` */
export function rollbackPlan(inputs: Inputs, context: JobContext): RollbackPlan {
  const { releaseTo } = inputs;
  if (releaseTo !== undefined && !isReleaseId(releaseTo)) {
    throw invalidInputs([`release-to is not the id of a release: ${JSON.stringify(releaseTo)}`]);
  }
  return { ...targetPlan(inputs, context), releaseTo };
}

function targetProblems({
  target,
  deadManTimeout,
  healthTimeout,
  healthInterval,
}: Inputs): string[] {
  const problems: string[] = [];
  if (!target.startsWith(TARGET_PREFIX) || target.length === TARGET_PREFIX.length) {
    problems.push(`target must be local:<folder>, not ${JSON.stringify(target)}`);
  }
  // Each look at the service is a sign of life.
  if (deadManTimeout < 2_000 + healthTimeout + healthInterval) {
    problems.push(
      "dead-man-timeout must be at least 2 s longer than health-timeout and health-interval together",
    );
  }
  return problems;
}

function healthProblems(inputs: Inputs): string[] {
  const problems: string[] = [];
  const paths = { "health-path": inputs.healthPath, "version-path": inputs.versionPath };
  for (const [name, path] of Object.entries(paths)) {
    // RFC 3986: what a request target may not hold has to be percent-encoded.
    if (path !== undefined && !/^\/[\x21-\x7e]*$/.test(path)) {
      problems.push(`${name} must begin with / and hold no spaces: ${JSON.stringify(path)}`);
    }
  }
  if (inputs.healthStatus.length === 0) problems.push("health-status names no status");
  for (const span of inputs.healthStatus) {
    const problem = spanProblem(span);
    if (problem !== undefined) problems.push(`health-status ${problem}`);
  }
  for (const name of ["healthTimeout", "healthInterval", "waitTimeout", "stopTimeout"] as const) {
    if (inputs[name] > 0) continue;
    const written = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    problems.push(`${written} must be more than nothing`);
  }
  return problems;
}

/** Values may be secrets: a problem names the line, never what stands in it. */
function environmentOf(lines: readonly string[]): {
  values: Record<string, string>;
  problems: string[];
} {
  const values: Record<string, string> = {};
  const problems: string[] = [];
  for (const [at, line] of lines.entries()) {
    const equals = line.indexOf("=");
    const name = line.slice(0, Math.max(0, equals));
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      problems.push(`env: line ${at + 1} is not NAME=value`);
    else values[name] = line.slice(equals + 1);
  }
  return { values, problems };
}
