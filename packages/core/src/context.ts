import { readFileSync } from "node:fs";
import type { Environment } from "./process.ts";

/** What the runner says about the job, read once from its environment. */
export interface JobContext {
  workspace: string;
  temp: string;
  toolCache: string;
  eventName: string;
  /** The webhook payload; an empty object when there is none. */
  event: Readonly<Record<string, unknown>>;
  ref: string;
  sha: string;
  /** `owner/name` */
  repository: string;
  serverUrl: string;
  apiUrl: string;
  workflow: string;
  job: string;
  runId: string;
  runAttempt: number;
  runNumber: string;
  actor: string;
  /** `Linux`, `macOS`, `Windows` */
  os: string;
  /** `X64`, `ARM64`, … */
  arch: string;
  debug: boolean;
  /** Name of the default branch where the event tells it. */
  defaultBranch: string | undefined;
  /** A pull request whose head lives in another repository. */
  fromFork: boolean;
  /** A push (or schedule, dispatch) on the default branch. */
  onDefaultBranch: boolean;
}

/** Reads the runner's variables; what is missing outside a runner gets a harmless value. */
export function jobContext(env: Environment, cwd: string): JobContext {
  const event = readEvent(env["GITHUB_EVENT_PATH"]);
  const repository = env["GITHUB_REPOSITORY"] ?? "";
  const eventName = env["GITHUB_EVENT_NAME"] ?? "";
  const ref = env["GITHUB_REF"] ?? "";
  const defaultBranch = text(at(event, "repository", "default_branch"));
  const head = text(at(event, "pull_request", "head", "repo", "full_name"));
  const pullRequest = at(event, "pull_request") !== undefined;
  return {
    workspace: env["GITHUB_WORKSPACE"] ?? cwd,
    temp: env["RUNNER_TEMP"] ?? "",
    toolCache: env["RUNNER_TOOL_CACHE"] ?? "",
    eventName,
    event,
    ref,
    sha: env["GITHUB_SHA"] ?? "",
    repository,
    serverUrl: env["GITHUB_SERVER_URL"] ?? "https://github.com",
    apiUrl: env["GITHUB_API_URL"] ?? "https://api.github.com",
    workflow: env["GITHUB_WORKFLOW"] ?? "",
    job: env["GITHUB_JOB"] ?? "",
    runId: env["GITHUB_RUN_ID"] ?? "",
    runAttempt: Number(env["GITHUB_RUN_ATTEMPT"] ?? "1"),
    runNumber: env["GITHUB_RUN_NUMBER"] ?? "",
    actor: env["GITHUB_ACTOR"] ?? "",
    os:
      env["RUNNER_OS"] ??
      { darwin: "macOS", win32: "Windows" }[process.platform as string] ??
      "Linux",
    arch: env["RUNNER_ARCH"] ?? process.arch.toUpperCase(),
    debug: env["RUNNER_DEBUG"] === "1",
    defaultBranch,
    // A deleted fork leaves `head.repo` null: then it is not known to be ours.
    fromFork: pullRequest && head !== repository,
    onDefaultBranch:
      !pullRequest && defaultBranch !== undefined && ref === `refs/heads/${defaultBranch}`,
  };
}

/** The value below `value` at `path`, or undefined. */
export function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) =>
      typeof inner === "object" && inner !== null
        ? (inner as Record<string, unknown>)[name]
        : undefined,
    value,
  );
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function readEvent(path: string | undefined): Readonly<Record<string, unknown>> {
  if (path === undefined || path === "") return {};
  try {
    const event: unknown = JSON.parse(readFileSync(path, "utf8"));
    return typeof event === "object" && event !== null ? (event as Record<string, unknown>) : {};
  } catch {
    // The runner always writes this file; outside a runner there may be none.
    return {};
  }
}
