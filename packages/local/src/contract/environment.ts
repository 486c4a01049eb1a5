import { delimiter } from "node:path";
import type { Environment } from "@go-cicd/core/process.ts";

/** The `github` context. Fields that an event does not have are empty strings. */
export interface GithubContext {
  action: string;
  action_path: string;
  action_ref: string;
  action_repository: string;
  actor: string;
  actor_id: string;
  api_url: string;
  base_ref: string;
  event: Readonly<Record<string, unknown>>;
  event_name: string;
  event_path: string;
  graphql_url: string;
  head_ref: string;
  job: string;
  ref: string;
  ref_name: string;
  ref_protected: string;
  ref_type: string;
  repository: string;
  repository_id: string;
  repository_owner: string;
  repository_owner_id: string;
  retention_days: string;
  run_attempt: string;
  run_id: string;
  run_number: string;
  server_url: string;
  sha: string;
  /** Never a variable of its own: actions get it by input only. */
  token: string;
  triggering_actor: string;
  workflow: string;
  workflow_ref: string;
  workflow_sha: string;
  workspace: string;
}

/** Context fields that become `GITHUB_<NAME>`; `token` and `event` are not among them. */
const GITHUB_VARIABLES = [
  "action",
  "action_path",
  "action_ref",
  "action_repository",
  "actor",
  "actor_id",
  "api_url",
  "base_ref",
  "event_name",
  "event_path",
  "graphql_url",
  "head_ref",
  "job",
  "ref",
  "ref_name",
  "ref_protected",
  "ref_type",
  "repository",
  "repository_id",
  "repository_owner",
  "repository_owner_id",
  "retention_days",
  "run_attempt",
  "run_id",
  "run_number",
  "server_url",
  "sha",
  "triggering_actor",
  "workflow",
  "workflow_ref",
  "workflow_sha",
  "workspace",
] as const satisfies readonly (keyof GithubContext)[];

/** A context for the given facts; what is not given follows from them or is a plain example. */
export function githubContext(facts: Partial<GithubContext>): GithubContext {
  const ref = facts.ref ?? "refs/heads/main";
  const repository = facts.repository ?? "acme/orders";
  const sha = facts.sha ?? "0".repeat(40);
  const workflow = facts.workflow ?? "ci";
  return {
    action: "__self",
    action_path: "",
    action_ref: "",
    action_repository: "",
    actor: "octocat",
    actor_id: "1",
    api_url: "https://api.github.com",
    base_ref: "",
    event: {},
    event_name: "push",
    event_path: "",
    graphql_url: "https://api.github.com/graphql",
    head_ref: "",
    job: "job",
    ref,
    ref_name: ref.replace(/^refs\/(heads|tags|pull)\//, ""),
    ref_protected: "false",
    ref_type: ref.startsWith("refs/tags/") ? "tag" : "branch",
    repository,
    repository_id: "1",
    repository_owner: repository.split("/")[0] ?? "",
    repository_owner_id: "1",
    retention_days: "90",
    run_attempt: "1",
    run_id: "1",
    run_number: "1",
    server_url: "https://github.com",
    sha,
    token: "",
    triggering_actor: facts.actor ?? "octocat",
    workflow,
    workflow_ref: `${repository}/.github/workflows/${workflow}.yml@${ref}`,
    workflow_sha: sha,
    workspace: "",
    ...facts,
  };
}

/** The `runner` context. */
export interface RunnerContext {
  os: string;
  arch: string;
  name: string;
  environment: "github-hosted" | "self-hosted";
  temp: string;
  tool_cache: string;
  workspace: string;
  /** `1` with step debugging, else empty. */
  debug: string;
}

/** This machine as a runner. */
export function runnerContext(
  facts: Pick<RunnerContext, "temp" | "tool_cache" | "workspace"> & Partial<RunnerContext>,
): RunnerContext {
  const systems: Partial<Record<NodeJS.Platform, string>> = { darwin: "macOS", win32: "Windows" };
  return {
    os: systems[process.platform] ?? "Linux",
    arch: process.arch.toUpperCase(),
    name: "local",
    environment: "self-hosted",
    debug: "",
    ...facts,
  };
}

/** All that makes the environment of one stage. */
export interface EnvironmentParts {
  /** The runner's own variables: nothing but PATH, HOME and LANG unless more is wanted. */
  inherited: Environment;
  /** Job `env`, then values of GITHUB_ENV, then step `env`: later wins. */
  env: Readonly<Record<string, string>>;
  state: Readonly<Record<string, string>>;
  inputs: Readonly<Record<string, string>>;
  /** Folders that steps added, the one that comes first in PATH first. */
  path: readonly string[];
  github: GithubContext;
  runner: RunnerContext;
  /** ACTIONS_ variables of the services. */
  services: Readonly<Record<string, string>>;
  /** Variables that name this stage's files. */
  fileCommands: Readonly<Record<string, string>>;
  /** Marks the job's processes for the clean-up. */
  trackingId: string;
}

/** PATH, HOME and LANG of this process: what a hosted runner would have too. */
export function inheritedEnvironment(env: Environment = process.env): Environment {
  return Object.fromEntries(["PATH", "HOME", "LANG"].map((name) => [name, env[name]]));
}

/**
 * The exact environment of a stage. Contexts are written last, so `env:` and GITHUB_ENV cannot
 * override `GITHUB_*` and `RUNNER_*`.
 */
export function stageEnvironment(parts: EnvironmentParts): Record<string, string> {
  const env: Record<string, string> = {};
  const put = (name: string, value: string | undefined): void => {
    if (value !== undefined) env[name] = value;
  };
  for (const [name, value] of Object.entries(parts.inherited)) put(name, value);
  for (const [name, value] of Object.entries(parts.env)) put(name, value);
  for (const [name, value] of Object.entries(parts.state)) put(`STATE_${name}`, value);
  for (const [name, value] of Object.entries(parts.inputs)) put(inputVariable(name), value);
  const path = [...parts.path, env["PATH"] ?? ""].filter((each) => each !== "");
  env["PATH"] = path.join(delimiter);
  for (const name of GITHUB_VARIABLES) put(`GITHUB_${name.toUpperCase()}`, parts.github[name]);
  for (const [name, value] of Object.entries(parts.runner) as [string, string][]) {
    if (name !== "debug" || value === "1") put(`RUNNER_${name.toUpperCase()}`, value);
  }
  put("RUNNER_TRACKING_ID", parts.trackingId);
  for (const [name, value] of Object.entries(parts.fileCommands)) put(name, value);
  for (const [name, value] of Object.entries(parts.services)) put(name, value);
  env["GITHUB_ACTIONS"] = "true";
  env["CI"] ??= "true";
  delete env["NODE_ICU_DATA"];
  return env;
}

/** `go-version` → `INPUT_GO-VERSION`: upper case, and only blanks become underscores. */
export function inputVariable(name: string): string {
  return `INPUT_${name.replaceAll(" ", "_").toUpperCase()}`;
}
