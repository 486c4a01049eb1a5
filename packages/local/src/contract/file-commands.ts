import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "@go-cicd/core/errors.ts";

/** A file that the step wrote and the runner cannot read; it fails the step. */
export class FileCommandError extends Error {}

const FILES = {
  GITHUB_ENV: "set_env_",
  GITHUB_PATH: "add_path_",
  GITHUB_OUTPUT: "set_output_",
  GITHUB_STATE: "save_state_",
  GITHUB_STEP_SUMMARY: "step_summary_",
} as const;

/** A summary above this size is not uploaded (runner FileCommandManager, CreateStepSummaryCommand). */
export const SUMMARY_LIMIT = 1024 * 1024;

/** The fresh, empty files of one stage, by the variable that names them. */
export type FileCommandPaths = Readonly<Record<keyof typeof FILES, string>>;

/** Creates the stage's files below `$RUNNER_TEMP/_runner_file_commands`. */
export function createFileCommands(temp: string): FileCommandPaths {
  const folder = join(temp, "_runner_file_commands");
  mkdirSync(folder, { recursive: true });
  const suffix = randomUUID();
  const entries = Object.entries(FILES).map(([variable, prefix]) => {
    const path = join(folder, prefix + suffix);
    writeFileSync(path, "");
    return [variable, path];
  });
  return Object.fromEntries(entries) as FileCommandPaths;
}

/** What a stage left in its files. */
export interface FileCommands {
  outputs: Record<string, string>;
  env: Record<string, string>;
  state: Record<string, string>;
  /** In file order; later lines come first in PATH. */
  path: string[];
  summary: string;
  /** Problems that fail the step. */
  failures: string[];
  /** Problems that are shown as errors and fail nothing. */
  errors: string[];
}

/** Reads the files after the process has ended, also after a failure, and removes them. */
export function readFileCommands(paths: FileCommandPaths): FileCommands {
  const found: FileCommands = {
    outputs: {},
    env: {},
    state: {},
    path: [],
    summary: "",
    failures: [],
    errors: [],
  };
  const read = (variable: keyof typeof FILES, work: (text: string) => void): void => {
    try {
      // A step may have removed the file: that is no command, and no problem.
      const text = readIfThere(paths[variable]);
      if (text !== undefined) work(text);
    } catch (error) {
      const context = variable.slice("GITHUB_".length).toLowerCase();
      found.failures.push(`Unable to process file command '${context}' successfully.`);
      found.failures.push(messageOf(error));
    }
  };
  read("GITHUB_ENV", (text) => {
    parsePairs(text, (name, value) => {
      if (name.toUpperCase() === "NODE_OPTIONS") {
        found.errors.push(`Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.`);
      } else found.env[name] = value;
    });
  });
  read("GITHUB_OUTPUT", (text) => parsePairs(text, (name, value) => (found.outputs[name] = value)));
  read("GITHUB_STATE", (text) => parsePairs(text, (name, value) => (found.state[name] = value)));
  read(
    "GITHUB_PATH",
    (text) => (found.path = text.split(/\r\n|\r|\n/).filter((dir) => dir !== "")),
  );
  const size = sizeOf(paths.GITHUB_STEP_SUMMARY);
  if (size > SUMMARY_LIMIT) {
    found.errors.push(
      `$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of ` +
        `${SUMMARY_LIMIT / 1024}k, got ${Math.ceil(size / 1024)}k.`,
    );
  } else read("GITHUB_STEP_SUMMARY", (text) => (found.summary = text));
  for (const path of Object.values(paths)) rmSync(path, { force: true });
  return found;
}

/**
 * The grammar of GITHUB_ENV, GITHUB_OUTPUT and GITHUB_STATE: empty lines, `NAME=VALUE` when `=`
 * comes before any `<<`, else `NAME<<DELIMITER` and lines up to one that equals the delimiter.
 * Lines end at `\n` alone. Pairs before a faulty line have been handed to `set` by then.
 * @throws FileCommandError
 */
export function parsePairs(content: string, set: (name: string, value: string) => void): void {
  const text = content.startsWith("\uFEFF") ? content.slice(1) : content;
  let index = 0;
  const nextLine = (): string | undefined => {
    if (index >= text.length) return undefined;
    const end = text.indexOf("\n", index);
    const line = end < 0 ? text.slice(index) : text.slice(index, end);
    index = end < 0 ? text.length : end + 1;
    return line;
  };
  for (let line = nextLine(); line !== undefined; line = nextLine()) {
    if (line === "") continue;
    const equals = line.indexOf("=");
    const block = line.indexOf("<<");
    if (equals >= 0 && (block < 0 || equals < block)) {
      if (equals === 0) throw invalid(line, " Name must not be empty");
      set(line.slice(0, equals), line.slice(equals + 1));
    } else if (block >= 0) {
      const name = line.slice(0, block);
      const delimiter = line.slice(block + 2);
      if (name === "" || delimiter === "") {
        throw invalid(line, " Name must not be empty and delimiter must not be empty");
      }
      const lines: string[] = [];
      for (;;) {
        const inner = nextLine();
        if (inner === undefined) {
          throw new FileCommandError(`Invalid value. Matching delimiter not found '${delimiter}'`);
        }
        if (inner === delimiter) break;
        lines.push(inner);
      }
      set(name, lines.join("\n"));
    } else throw invalid(line, "");
  }
}

function invalid(line: string, detail: string): FileCommandError {
  return new FileCommandError(`Invalid format '${line}'${detail}`);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
