import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import type { Command, Exit, Processes } from "../process.ts";
import { messageOf } from "../errors.ts";
import { tailBuffer } from "../tail-buffer.ts";

const KEEP_BYTES = 1024 * 1024;
const GRACE_MS = 5_000;
/**
 * How long the streams of a process that has ended may stay open. A grandchild that inherited the
 * pipe (a daemon, a `&` job) would otherwise hold the step for ever; the runner itself waits 5 s.
 */
const DRAIN_MS = 2_000;

/**
 * Leaders of the groups that are still ours. A step that ends in a hurry (a defect, a cancelled
 * step that does not come to its end) must leave none of them behind.
 */
const running = new Set<ChildProcess>();
let hooked = false;

function endAllOnExit(): void {
  if (hooked) return;
  hooked = true;
  process.once("exit", () => {
    for (const child of running) signalGroup(child, "SIGKILL");
  });
}

/** Real child processes. Each leads a process group (on Windows: a process tree). */
export function realProcesses(): Processes {
  return { run };
}

function run(command: Command): Promise<Exit> {
  const started = performance.now();
  const keep = command.keepBytes ?? KEEP_BYTES;
  const stdout = tailBuffer(keep);
  const stderr = tailBuffer(keep);
  const said = (): Pick<Exit, "stdout" | "stderr" | "durationMs"> => ({
    stdout: stdout.text(),
    stderr: stderr.text(),
    durationMs: Math.round(performance.now() - started),
  });
  if (command.signal?.aborted === true) return Promise.resolve({ ...said(), kind: "cancelled" });

  return new Promise<Exit>((resolve, reject) => {
    endAllOnExit();
    const child = spawn(command.file, command.args, {
      cwd: command.cwd,
      env: definedOnly(command.env),
      stdio: ["pipe", "pipe", "pipe"],
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    if (child.pid !== undefined) running.add(child);

    /** Set by the first thing that ends the process from outside. */
    let ended: { kind: "timed-out"; afterMs: number } | { kind: "cancelled" } | undefined;
    let failure: Error | undefined;
    let killTimer: NodeJS.Timeout | undefined;
    let drainTimer: NodeJS.Timeout | undefined;

    const stop = (why: NonNullable<typeof ended>): void => {
      if (ended !== undefined || exited) return;
      ended = why;
      signalGroup(child, command.stopSignal ?? "SIGTERM");
      killTimer = setTimeout(() => {
        signalGroup(child, "SIGKILL");
      }, command.graceMs ?? GRACE_MS);
    };
    const onAbort = (): void => stop({ kind: "cancelled" });
    command.signal?.addEventListener("abort", onAbort, { once: true });
    const { timeoutMs } = command;
    const deadline =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => stop({ kind: "timed-out", afterMs: timeoutMs }), timeoutMs);

    /** A listener that throws is a defect of the caller: the process ends and the error is his. */
    const listen = (buffer: typeof stdout, listener?: (chunk: Uint8Array) => void) => {
      return (chunk: Buffer): void => {
        if (failure !== undefined) return;
        try {
          buffer.add(chunk);
          listener?.(chunk);
        } catch (error) {
          failure = error instanceof Error ? error : new Error(messageOf(error), { cause: error });
          stop({ kind: "cancelled" });
        }
      };
    };
    child.stdout.on("data", listen(stdout, command.onStdout));
    child.stderr.on("data", listen(stderr, command.onStderr));
    // A program that does not read its input closes the pipe; that is its right.
    child.stdin.on("error", () => undefined);
    child.stdin.end(command.stdin ?? "");

    let exited = false;
    let exitCode: number | null = null;
    let exitSignal: NodeJS.Signals | null = null;
    let done = false;
    const finish = (result: Exit): void => {
      if (done) return;
      done = true;
      clearTimeout(deadline);
      clearTimeout(killTimer);
      clearTimeout(drainTimer);
      command.signal?.removeEventListener("abort", onAbort);
      // What was ended from outside takes its whole group with it, also what ignored the signal.
      if (ended !== undefined) signalGroup(child, "SIGKILL");
      running.delete(child);
      child.stdout.destroy();
      child.stderr.destroy();
      if (failure === undefined) resolve(result);
      else reject(failure);
    };
    const result = (): Exit => {
      if (ended !== undefined) return { ...said(), ...ended };
      if (exitSignal !== null) return { ...said(), kind: "signalled", signal: exitSignal };
      return { ...said(), kind: "exited", code: exitCode ?? 1 };
    };

    child.on("error", (error: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return; // A signal that could not be sent: `exit` will tell.
      // ENOENT is said of a missing folder as well, which is the caller's defect.
      if (error.code === "ENOENT" && existsSync(command.cwd)) {
        finish({ ...said(), kind: "not-found" });
        return;
      }
      failure = new Error(`${command.file} cannot be started in ${command.cwd}: ${error.message}`, {
        cause: error,
      });
      finish(result());
    });
    child.on("exit", (code, signal) => {
      exited = true;
      exitCode = code;
      exitSignal = signal;
      clearTimeout(deadline);
      drainTimer = setTimeout(() => finish(result()), DRAIN_MS);
    });
    child.on("close", () => finish(result()));
  });
}

/** Signals the whole group; a group that is gone is what we wanted. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  if (process.platform === "win32") {
    // Windows has no groups and no signals: the tree is ended at once.
    spawnSync("taskkill", ["/pid", String(child.pid), "/T", "/F"], { windowsHide: true });
    return;
  }
  try {
    process.kill(-child.pid, constants.signals[signal]);
  } catch {
    // ESRCH: nobody is left.
  }
}

function definedOnly(env: Command["env"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
