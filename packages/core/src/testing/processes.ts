import { commandLine, type Command, type Exit, type Processes } from "../process.ts";

export { realProcesses } from "../adapters/processes.ts";

/** What a scripted program does. Text goes to the listeners as well as into the result. */
export type ScriptedExit = Partial<Pick<Exit, "stdout" | "stderr" | "durationMs">> &
  (
    | { kind?: "exited"; code?: number }
    | { kind: "signalled"; signal: string }
    | { kind: "timed-out"; afterMs: number }
    | { kind: "cancelled" }
    | { kind: "not-found" }
  );

export interface ProcessRule {
  /** Leading words of the command (`["go", "env"]`), a pattern for its line, or a predicate. */
  match: readonly string[] | RegExp | ((command: Command) => boolean);
  exit: ScriptedExit | ((command: Command) => ScriptedExit | Promise<ScriptedExit>);
}

/** Programs that only exist in a test; the first rule that matches decides. */
export interface ScriptedProcesses extends Processes {
  readonly commands: Command[];
  /** The commands as lines. */
  lines(): string[];
}

/** A command that no rule knows throws, so that a test cannot overlook it. */
export function scriptedProcesses(rules: readonly ProcessRule[] = []): ScriptedProcesses {
  const commands: Command[] = [];
  return {
    commands,
    lines: () => commands.map(commandLine),
    run: async (command) => {
      commands.push(command);
      const rule = rules.find(({ match }) => matches(match, command));
      if (rule === undefined) throw new Error(`no rule for: ${commandLine(command)}`);
      if (command.signal?.aborted === true) return complete({ kind: "cancelled" });
      const exit = complete(typeof rule.exit === "function" ? await rule.exit(command) : rule.exit);
      if (exit.stdout !== "") command.onStdout?.(Buffer.from(exit.stdout));
      if (exit.stderr !== "") command.onStderr?.(Buffer.from(exit.stderr));
      return exit;
    },
  };
}

function matches(match: ProcessRule["match"], command: Command): boolean {
  if (typeof match === "function") return match(command);
  if (match instanceof RegExp) return match.test(commandLine(command));
  const words = [command.file, ...command.args];
  return match.every((word, index) => words[index] === word);
}

function complete(exit: ScriptedExit): Exit {
  const said = {
    stdout: exit.stdout ?? "",
    stderr: exit.stderr ?? "",
    durationMs: exit.durationMs ?? 1,
  };
  switch (exit.kind) {
    case "signalled":
      return { ...said, kind: "signalled", signal: exit.signal };
    case "timed-out":
      return { ...said, kind: "timed-out", afterMs: exit.afterMs };
    case "cancelled":
    case "not-found":
      return { ...said, kind: exit.kind };
    default:
      return { ...said, kind: "exited", code: exit.code ?? 0 };
  }
}
