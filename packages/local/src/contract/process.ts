import { spawn, type ChildProcess } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import type { Readable } from "node:stream";

/** Waits of the runner, in milliseconds; shortened in tests only. */
export interface Clocks {
  /** From SIGINT to SIGTERM (runner ProcessInvoker). */
  interruptMs: number;
  /** From SIGTERM to SIGKILL. */
  terminateMs: number;
  /** How long a child that still holds the pipes is waited for. */
  pipesMs: number;
  /** How long steps may run on after the job was cancelled. */
  cancelledJobMs: number;
}

export const RUNNER_CLOCKS: Clocks = {
  interruptMs: 7_500,
  terminateMs: 2_500,
  pipesMs: 5_000,
  cancelledJobMs: 300_000,
};

export interface NodeProcess {
  node: string;
  file: string;
  cwd: string;
  env: Readonly<Record<string, string>>;
  onLine: (stream: "stdout" | "stderr", line: string) => void;
  onData?: (stream: "stdout" | "stderr", chunk: Buffer) => void;
  /** Milliseconds of `timeout-minutes`; none by default. */
  timeoutMs?: number | undefined;
  /** Cancels with the runner's signals and waits. */
  signal?: AbortSignal | undefined;
  /** Kills at once. */
  kill?: AbortSignal | undefined;
  clocks: Clocks;
}

export interface NodeExit {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  ended: "exited" | "cancelled" | "timed-out" | "not-started";
  /** Why the process could not be started (`E2BIG`, `ENOENT`), for `not-started`. */
  problem: string | undefined;
  /** A child still held stdout or stderr when the wait for it was over. */
  pipesHeld: boolean;
  durationMs: number;
}

/**
 * Runs one stage's process: no flags, standard input at its end, two pipes instead of a terminal.
 * A session of its own keeps a terminal's Ctrl-C away from it, as on a runner; signals go to the
 * process alone, never to its children.
 */
export async function runNode(options: NodeProcess): Promise<NodeExit> {
  const started = performance.now();
  const exit: NodeExit = {
    exitCode: null,
    signal: null,
    ended: "exited",
    problem: undefined,
    pipesHeld: false,
    durationMs: 0,
  };
  let child: ChildProcess;
  try {
    child = spawn(options.node, [options.file], {
      cwd: options.cwd,
      env: options.env,
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
  } catch (error) {
    // E2BIG is thrown, not emitted: one string of the environment is longer than 128 KiB.
    return { ...exit, ended: "not-started", problem: (error as Error).message };
  }
  child.stdin?.on("error", () => undefined);
  child.stdin?.end();
  const streams = (["stdout", "stderr"] as const).map((name) => readLines(child, name, options));

  const timers = new Set<NodeJS.Timeout>();
  const after = (ms: number, work: () => void): void => void timers.add(setTimeout(work, ms));
  const stop = (why: "cancelled" | "timed-out"): void => {
    if (exit.ended !== "exited") return;
    exit.ended = why;
    child.kill("SIGINT");
    after(options.clocks.interruptMs, () => {
      child.kill("SIGTERM");
      after(options.clocks.terminateMs, () => child.kill("SIGKILL"));
    });
  };
  const cancel = (): void => stop("cancelled");
  const kill = (): void => {
    if (exit.ended === "exited") exit.ended = "cancelled";
    child.kill("SIGKILL");
  };
  if (options.timeoutMs !== undefined) after(options.timeoutMs, () => stop("timed-out"));
  const unsubscribe = [onAbort(options.signal, cancel), onAbort(options.kill, kill)];

  await new Promise<void>((resolve) => {
    child.once("error", (error) => {
      // Also emitted when a signal could not be sent: then the process has been started.
      if (child.pid !== undefined) return;
      exit.ended = "not-started";
      exit.problem = error.message;
      resolve();
    });
    child.once("exit", (code, signal) => {
      exit.exitCode = code;
      exit.signal = signal;
      resolve();
    });
  });
  for (const timer of timers) clearTimeout(timer);
  for (const each of unsubscribe) each();
  exit.durationMs = performance.now() - started;
  if (exit.ended === "not-started") return exit;

  const drained = Promise.all(streams.map((stream) => stream.done)).then(() => true);
  const waited = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), options.clocks.pipesMs);
    void drained.then(() => clearTimeout(timer));
  });
  exit.pipesHeld = !(await Promise.race([drained, waited]));
  if (exit.pipesHeld) for (const stream of streams) stream.abandon();
  return exit;
}

/** Calls `work` when the signal aborts, or has; returns the way to stop listening. */
export function onAbort(signal: AbortSignal | undefined, work: () => void): () => void {
  if (signal === undefined) return () => undefined;
  if (signal.aborted) queueMicrotask(work);
  else signal.addEventListener("abort", work, { once: true });
  return () => signal.removeEventListener("abort", work);
}

/** A line without an end is cut here, so that no output can fill the memory. */
const LINE_LIMIT = 4 * 1024 * 1024;

/** Lines end at `\n`, `\r\n` or `\r`, as .NET's reader splits them. */
function readLines(
  child: ChildProcess,
  name: "stdout" | "stderr",
  options: NodeProcess,
): { done: Promise<void>; abandon: () => void } {
  const stream = child[name] as Readable;
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let afterReturn = false;
  const take = (text: string): void => {
    // A `\n` right after a `\r` at the end of the chunk before belongs to that line's end.
    const fresh = afterReturn && text.startsWith("\n") ? text.slice(1) : text;
    if (text !== "") afterReturn = text.endsWith("\r");
    const lines = fresh.split(/\r\n|\r|\n/);
    const [first = "", ...others] = lines;
    rest += first;
    for (const line of others) {
      options.onLine(name, rest);
      rest = line;
    }
    if (rest.length > LINE_LIMIT) {
      options.onLine(name, rest);
      rest = "";
    }
  };
  const flush = (): void => {
    take(decoder.end());
    if (rest !== "") options.onLine(name, rest);
    rest = "";
  };
  stream.on("data", (chunk: Buffer) => {
    options.onData?.(name, chunk);
    take(decoder.write(chunk));
  });
  const done = new Promise<void>((resolve) => {
    stream.once("close", () => {
      flush();
      resolve();
    });
    stream.once("error", () => resolve());
  });
  return { done, abandon: () => void stream.destroy() };
}
