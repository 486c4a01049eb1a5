import { limitAnnotations, type Annotation, type AnnotationLevel } from "./annotations.ts";
import { CommandScanner } from "./commands.ts";
import { stageEnvironment, type EnvironmentParts } from "./environment.ts";
import { createFileCommands, readFileCommands } from "./file-commands.ts";
import type { Masker } from "./mask.ts";
import { runNode, RUNNER_CLOCKS, type Clocks } from "./process.ts";

export type Stage = "pre" | "main" | "post";

export interface StepOptions extends Omit<EnvironmentParts, "fileCommands"> {
  /** The file of the stage, absolute. */
  file: string;
  /** The Node 24 binary. */
  node?: string;
  masker: Masker;
  /** Milliseconds of the step's `timeout-minutes`. */
  timeoutMs?: number | undefined;
  /** Cancels the step as the runner would. */
  signal?: AbortSignal | undefined;
  /** Kills the process at once. */
  kill?: AbortSignal | undefined;
  clocks?: Partial<Clocks> | undefined;
  /** Each line of the log as a reader of the run would see it, live. */
  onLine?: (line: string, stream: "stdout" | "stderr" | "runner") => void;
  onDebug?: (message: string) => void;
}

/** What one stage of one step did. */
export interface StepResult {
  conclusion: "success" | "failure" | "cancelled";
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  timedOut: boolean;
  /** Bytes as the process wrote them, decoded; the last 8 MiB of each stream. */
  stdout: string;
  stderr: string;
  /** Lines as shown: masked, commands obeyed. The last 20,000. */
  log: string[];
  outputs: Record<string, string>;
  /** Values for later steps. */
  env: Record<string, string>;
  /** Folders for PATH, in the order they were added. */
  path: string[];
  /** For later stages of this step. */
  state: Record<string, string>;
  /** Masked. Empty when it was too large to be uploaded. */
  summary: string;
  annotations: Annotation[];
  /** Annotations over the limit of ten a level. */
  dropped: Record<AnnotationLevel, number>;
  /** Every secret known when the stage had ended. */
  masks: string[];
  matchers: string[];
  /** A child of the process still held its output after the wait for it. */
  pipesHeld: boolean;
  durationMs: number;
}

/** A stage whose process was never started. */
export const NOT_STARTED: StepResult = {
  conclusion: "failure",
  exitCode: null,
  signal: null,
  timedOut: false,
  stdout: "",
  stderr: "",
  log: [],
  outputs: {},
  env: {},
  path: [],
  state: {},
  summary: "",
  annotations: [],
  dropped: { error: 0, warning: 0, notice: 0 },
  masks: [],
  matchers: [],
  pipesHeld: false,
  durationMs: 0,
};

const KEPT_BYTES = 8 * 1024 * 1024;
const KEPT_LINES = 20_000;

/**
 * Runs one stage of an action as the runner does: `node <file>` in the workspace, both streams
 * scanned line by line, file commands read after the end, also after a failure.
 */
export async function runStep(options: StepOptions): Promise<StepResult> {
  const clocks = { ...RUNNER_CLOCKS, ...options.clocks };
  const fileCommands = createFileCommands(options.runner.temp);
  const env = stageEnvironment({ ...options, fileCommands });
  const log: string[] = [];
  let source: "stdout" | "stderr" | "runner" = "runner";
  const show = (line: string): void => {
    log.push(line);
    if (log.length > 2 * KEPT_LINES) log.splice(0, log.length - KEPT_LINES);
    options.onLine?.(line, source);
  };
  const scanner = new CommandScanner({
    masker: options.masker,
    workspace: options.github.workspace,
    allowUnsecureCommands: env["ACTIONS_ALLOW_UNSECURE_COMMANDS"],
    show,
    ...(options.onDebug === undefined ? {} : { debug: options.onDebug }),
  });
  const kept = { stdout: new Tail(), stderr: new Tail() };
  const exit = await runNode({
    node: options.node ?? process.execPath,
    file: options.file,
    cwd: options.github.workspace,
    env,
    onLine: (stream, line) => {
      source = stream;
      scanner.line(line);
    },
    onData: (stream, chunk) => kept[stream].add(chunk),
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    kill: options.kill,
    clocks,
  });
  source = "runner";

  const spoken = scanner.spoken;
  const written = readFileCommands(fileCommands);
  const complain = (message: string): void => {
    const masked = options.masker.mask(message);
    spoken.annotations.push({ level: "error", message: masked });
    show(`##[error]${masked}`);
  };
  const failures = [...spoken.failures, ...written.failures];
  for (const message of [...failures, ...written.errors]) complain(message);
  if (exit.problem !== undefined) complain(`The action could not be started: ${exit.problem}`);
  if (exit.ended === "timed-out") {
    const minutes = (options.timeoutMs ?? 0) / 60_000;
    complain(`The action '${options.github.action}' has timed out after ${minutes} minutes.`);
  }
  const failed = failures.length > 0 || exit.ended !== "exited" || exit.exitCode !== 0;
  const { kept: annotations, dropped } = limitAnnotations(spoken.annotations);
  return {
    conclusion: exit.ended === "cancelled" ? "cancelled" : failed ? "failure" : "success",
    exitCode: exit.exitCode,
    signal: exit.signal,
    timedOut: exit.ended === "timed-out",
    stdout: kept.stdout.text(),
    stderr: kept.stderr.text(),
    log: log.slice(-KEPT_LINES),
    outputs: { ...spoken.outputs, ...written.outputs },
    env: { ...spoken.env, ...written.env },
    path: [...spoken.path, ...written.path],
    state: { ...spoken.state, ...written.state },
    summary: written.summary
      .split("\n")
      .map((line) => options.masker.mask(line))
      .join("\n"),
    annotations,
    dropped,
    masks: [...options.masker.values],
    matchers: spoken.matchers,
    pipesHeld: exit.pipesHeld,
    durationMs: exit.durationMs,
  };
}

/** The last bytes of a stream. */
class Tail {
  #chunks: Buffer[] = [];
  #bytes = 0;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > 2 * KEPT_BYTES) {
      const whole = Buffer.concat(this.#chunks).subarray(-KEPT_BYTES);
      this.#chunks = [whole];
      this.#bytes = whole.length;
    }
  }

  text(): string {
    return Buffer.concat(this.#chunks).subarray(-KEPT_BYTES).toString("utf8");
  }
}
