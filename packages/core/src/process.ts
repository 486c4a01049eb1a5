import { ActionError } from "./errors.ts";

/** Environment of a process: names to values. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A program and its arguments. There is no shell between us and the program. */
export interface Command {
  /** Program name (looked up on `env.PATH`) or path. */
  file: string;
  args: readonly string[];
  /** Absolute. */
  cwd: string;
  /** The child's whole environment; build it with `childEnvironment`. */
  env: Environment;
  stdin?: string | Uint8Array;
  /** Milliseconds until the process group is ended; none by default. */
  timeoutMs?: number;
  /** First signal on a timeout or cancellation (SIGQUIT makes Go print all goroutines). */
  stopSignal?: "SIGTERM" | "SIGINT" | "SIGQUIT";
  /** Milliseconds between `stopSignal` and SIGKILL; 5,000 by default. */
  graceMs?: number;
  onStdout?: (chunk: Uint8Array) => void;
  onStderr?: (chunk: Uint8Array) => void;
  /** Bytes of each stream kept for the result (the tail); 1 MiB by default, 0 keeps none. */
  keepBytes?: number;
  /** Ends the process group when aborted. */
  signal?: AbortSignal;
}

/** How a process ended. */
export type Exit = {
  /** The kept tail, decoded as UTF-8. */
  stdout: string;
  stderr: string;
  durationMs: number;
} & (
  | { kind: "exited"; code: number }
  | { kind: "signalled"; signal: string }
  | { kind: "timed-out"; afterMs: number }
  | { kind: "cancelled" }
  | { kind: "not-found" }
);

/** Starts programs. Each child leads a process group of its own, which is ended as one. */
export interface Processes {
  run(command: Command): Promise<Exit>;
}

/**
 * Variables that a program started by us never needs: inputs and states may hold secrets, the
 * ACTIONS_ ones are tokens of the runner's services, and the file commands would let a child speak
 * for the step.
 */
const WITHHELD =
  /^(INPUT_|STATE_|ACTIONS_)|^GITHUB_(OUTPUT|ENV|PATH|STATE|STEP_SUMMARY|TOKEN|ARTIFACTS|ARTIFACTS_LIST)$/;

/**
 * The environment for a child: ours without what it must not see, then `changes`, whose undefined
 * values remove a variable.
 */
export function childEnvironment(env: Environment, changes: Environment = {}): Environment {
  const kept = Object.entries(env).filter(([name]) => !WITHHELD.test(name));
  const merged = { ...Object.fromEntries(kept), ...changes };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
}

/** One line for messages: the program and its arguments, quoted where a reader would need it. */
export function commandLine(command: Pick<Command, "file" | "args">): string {
  return [command.file, ...command.args]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)))
    .join(" ");
}

/**
 * The standard output of a command that must succeed.
 * @throws ActionError `process` (`environment` when the program is missing) with the tail of what
 * it said.
 */
export function expectSuccess(command: Command, exit: Exit): string {
  if (exit.kind === "exited" && exit.code === 0) return exit.stdout;
  const line = commandLine(command);
  const said = lastLines(exit.stderr.trim() === "" ? exit.stdout : exit.stderr, 20);
  const tail = said === "" ? "" : `:\n${said}`;
  switch (exit.kind) {
    case "not-found":
      throw new ActionError("environment", `${command.file} is not on PATH`, {
        hint: `Install ${command.file}, or add it to PATH in an earlier step.`,
      });
    case "exited":
      throw new ActionError("process", `\`${line}\` exited with ${exit.code}${tail}`);
    case "signalled":
      throw new ActionError("process", `\`${line}\` was ended by ${exit.signal}${tail}`);
    case "timed-out":
      throw new ActionError("process", `\`${line}\` took longer than ${exit.afterMs} ms${tail}`);
    case "cancelled":
      throw new ActionError("cancelled", `\`${line}\` was cancelled`);
  }
}

function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
