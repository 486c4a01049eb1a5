import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

/** One run of a workflow by act, in host mode and without a network. */
export interface ActRun {
  /** Path of act. */
  act: string;
  /** The user's repository: a real one, with a commit and an origin. */
  repository: string;
  /** Relative to `repository`. */
  workflow: string;
  eventName: string;
  /** The webhook payload. */
  event: Readonly<Record<string, unknown>>;
  /** `owner/name@ref` → folder with its files. */
  actions: Readonly<Record<string, string>>;
  /** Folder for act's own files and HOME; may be shared by several runs. */
  home: string;
  /** Folders of PATH: act runs JavaScript actions by the `node` it finds there. */
  path: readonly string[];
  /** Labels of `runs-on` that this machine stands in for. */
  labels: readonly string[];
  /** The calling environment: act hands it on to every step. */
  inherited?: Readonly<Record<string, string>>;
  /** `--env`: reaches every step, too, and wins over the workflow's. */
  env?: Readonly<Record<string, string>>;
  vars?: Readonly<Record<string, string>>;
  secrets?: Readonly<Record<string, string>>;
  /** Further arguments. */
  args?: readonly string[];
}

/** One step of a run, as act's JSON tells it. */
export interface ActStep {
  job: string;
  /** Name shown: `Main org/go-cicd/build-image@v1`, `Post …`. */
  name: string;
  stage: string;
  result: string;
}

export interface ActResult {
  exitCode: number;
  /** Job → result. A matrix leg is a job of its own: `run-1`. Jobs that never ran are not in it. */
  jobs: Record<string, string>;
  /** In the order they ended. */
  steps: ActStep[];
  /** `job/step id` → outputs. */
  outputs: Record<string, Record<string, string>>;
  /** What steps printed and act said, a line each. */
  log: string[];
  /** act's own output as it came. */
  raw: string;
}

interface ActLine {
  level?: string;
  msg?: string;
  job?: string;
  jobID?: string;
  matrix?: Record<string, unknown>;
  step?: string;
  stepID?: string[];
  stage?: string;
  stepResult?: string;
  jobResult?: string;
  command?: string;
  name?: string;
  arg?: string;
  kvPairs?: Record<string, string>;
}

/** Runs act to its end. */
export async function runAct(run: ActRun): Promise<ActResult> {
  const eventFile = join(run.home, "event.json");
  mkdirSync(dirname(eventFile), { recursive: true });
  writeFileSync(eventFile, JSON.stringify(run.event));
  const child = spawn(run.act, actArguments(run, eventFile), {
    cwd: run.repository,
    env: {
      LANG: "C.UTF-8",
      ...run.inherited,
      HOME: join(run.home, "home"),
      XDG_CACHE_HOME: join(run.home, "cache"),
      XDG_CONFIG_HOME: join(run.home, "config"),
      PATH: run.path.join(":"),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const result: ActResult = { exitCode: -1, jobs: {}, steps: [], outputs: {}, log: [], raw: "" };
  const lines = [child.stdout, child.stderr].map(async (stream) => {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      result.raw += `${line}\n`;
      takeLine(result, line);
    }
  });
  const exited = new Promise<number>((done, failed) => {
    child.once("error", failed);
    child.once("exit", (code) => done(code ?? -1));
  });
  result.exitCode = await exited;
  await Promise.all(lines);
  return result;
}

function actArguments(run: ActRun, eventFile: string): string[] {
  const pairs = (flag: string, values: Readonly<Record<string, string>> = {}): string[] =>
    Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`]);
  return [
    run.eventName,
    ...["-C", run.repository, "-W", run.workflow, "-e", eventFile],
    ...["--json", "--rm", "--no-recurse", "--pull=false", "--action-offline-mode"],
    // act 0.2.89 dies of "concurrent map read and map write" otherwise (nektos/act#6055).
    ...["--concurrent-jobs", "1"],
    ...run.labels.flatMap((label) => ["-P", `${label}=-self-hosted`]),
    ...pairs("--local-repository", run.actions),
    ...["--action-cache-path", join(run.home, "actions"), "--no-cache-server"],
    ...["--env-file", "", "--secret-file", "", "--var-file", "", "--input-file", ""],
    ...["--defaultbranch", "main"],
    ...pairs("--env", run.env),
    ...pairs("--var", run.vars),
    ...pairs("-s", run.secrets),
    ...(run.args ?? []),
  ];
}

function takeLine(result: ActResult, text: string): void {
  let line: ActLine;
  try {
    line = JSON.parse(text) as ActLine;
  } catch {
    result.log.push(text);
    return;
  }
  const id = line.jobID ?? "";
  const job =
    line.matrix === undefined || Object.keys(line.matrix).length === 0
      ? id
      : (line.job ?? id).replace(/^.*\//, "");
  if (line.msg !== undefined) result.log.push(line.msg.replace(/\n$/, ""));
  if (line.jobResult !== undefined) result.jobs[job] = line.jobResult;
  if (line.stepResult !== undefined) {
    const { step = "", stage = "" } = line;
    result.steps.push({ job, name: step, stage, result: line.stepResult });
  }
  if (line.command === "set-output" && line.name !== undefined) {
    const key = `${job}/${line.stepID?.join("/") ?? ""}`;
    (result.outputs[key] ??= {})[line.name] = line.arg ?? "";
  }
}
