import { createHash } from "node:crypto";
import { lstatSync, readdirSync, statSync, type Stats } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import type { Environment } from "@go-cicd/core/process.ts";
import { isContentTime } from "./content-time.ts";

/** Something that a test consulted, and that go compares before it takes a result for good. */
export interface TestInput {
  /** `open`: of a folder, what is in it counts as well. */
  kind: "env" | "stat" | "open";
  /** Name of the variable, or path relative to the workspace with forward slashes. */
  name: string;
}

/** How an input was: `entries` for a folder that was read. */
export interface InputState {
  sum: string;
  entries?: Record<string, string>;
}

/** A folder with more than this is compared as a whole. */
const ENTRIES_AT_MOST = 500;
const SUM_DIGITS = 12;

/**
 * Reads a test log as the go command does (cmd/go/internal/test, computeTestInputsID): names are
 * relative to the package's folder, later to where the test changed to, and files outside of the
 * module are not looked at again.
 */
export function inputsOf(
  log: string,
  packageFolder: string,
  moduleFolder: string,
  workspace: string,
): TestInput[] {
  const found = new Map<string, TestInput>();
  const add = (input: TestInput): void => {
    const key = `${input.kind} ${input.name}`;
    if (!found.has(key)) found.set(key, input);
  };
  let at = packageFolder;
  for (const line of log.split("\n")) {
    const space = line.indexOf(" ");
    if (space < 0) continue;
    const name = line.slice(space + 1);
    const operation = line.slice(0, space);
    if (operation === "getenv") {
      add({ kind: "env", name });
      continue;
    }
    if (operation === "chdir") at = name;
    const path = isAbsolute(name) ? name : join(at, name);
    if (operation !== "chdir" && !isInside(path, moduleFolder)) continue;
    if (!isInside(path, workspace)) continue;
    add({
      kind: operation === "open" ? "open" : "stat",
      name: relative(workspace, path).split(sep).join("/") || ".",
    });
  }
  return [...found.values()];
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}${sep}`);
}

/** Looks at inputs, each once. */
export class InputStates {
  readonly #workspace: string;
  readonly #env: Environment;
  readonly #salt: string;
  readonly #states = new Map<string, InputState>();

  /** @param salt of what is kept about variables */
  constructor(workspace: string, env: Environment, salt: string) {
    this.#workspace = workspace;
    this.#env = env;
    this.#salt = salt;
  }

  stateOf(input: TestInput): InputState {
    const key = `${input.kind} ${input.name}`;
    let state = this.#states.get(key);
    if (state === undefined) {
      state =
        input.kind === "env"
          ? { sum: this.#variable(input.name) }
          : fileState(join(this.#workspace, input.name), input.kind === "open");
      this.#states.set(key, state);
    }
    return state;
  }

  /**
   * A variable can hold a secret, and the record goes into a cache: two hex digits tell most changes
   * and confirm no guess.
   */
  #variable(name: string): string {
    const value = this.#env[name];
    if (value === undefined) return "unset";
    return createHash("sha256")
      .update(`${this.#salt}\0${name}\0${value}`)
      .digest("hex")
      .slice(0, 2);
  }

  /**
   * Why an input will not be the same in the next checkout: it, or what is in it, has a time that
   * does not follow from its content. Undefined when it can be the same.
   */
  alwaysNew(input: TestInput): string | undefined {
    if (input.kind === "env") {
      return /^GITHUB_(RUN_ID|RUN_NUMBER|RUN_ATTEMPT|SHA)$/.test(input.name)
        ? `${input.name} differs from run to run`
        : undefined;
    }
    const path = join(this.#workspace, input.name);
    const status = statOf(path, statSync);
    if (status === undefined) return undefined;
    const { entries } = this.stateOf(input);
    for (const entry of Object.keys(entries ?? {})) {
      const inside = statOf(join(path, entry), lstatSync);
      if (inside !== undefined && !isContentTime(inside.mtimeMs)) {
        return `${join(input.name, entry)} has a new time in every checkout`;
      }
    }
    if (isContentTime(status.mtimeMs)) return undefined;
    return `${input.name} has a new time in every checkout`;
  }
}

function statOf(path: string, read: (path: string) => Stats): Stats | undefined {
  try {
    return read(path);
  } catch {
    // That it is not there is what the test found, too.
    return undefined;
  }
}

/** What go compares of a file or folder: size, mode and time; of a folder, also what is in it. */
function fileState(path: string, opened: boolean): InputState {
  const status = statOf(path, statSync);
  const link = statOf(path, lstatSync);
  if (status === undefined) return { sum: link === undefined ? "none" : sumOf(link) };
  const sum = link?.isSymbolicLink() === true ? sumOf(status, link) : sumOf(status);
  if (!opened || !status.isDirectory()) return { sum };
  let names: string[];
  try {
    names = readdirSync(path).sort();
  } catch {
    // Not ours to read: then the test could not, either.
    return { sum };
  }
  const entries = names.map((name): [string, string] => {
    const inside = statOf(join(path, name), lstatSync);
    return [name, inside === undefined ? "none" : sumOf(inside)];
  });
  if (entries.length <= ENTRIES_AT_MOST) return { sum, entries: Object.fromEntries(entries) };
  return { sum: digest([sum, ...entries.flat()].join("\0")) };
}

function sumOf(...all: readonly Stats[]): string {
  return digest(all.map(({ size, mode, mtimeMs }) => `${size} ${mode} ${mtimeMs}`).join("\0"));
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, SUM_DIGITS);
}
