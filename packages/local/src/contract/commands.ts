import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { normalizeAnnotation, type Annotation, type AnnotationLevel } from "./annotations.ts";
import type { Masker } from "./mask.ts";

/** A workflow command found in a line. */
export interface WorkflowCommand {
  /** Lower case: names are compared without case. */
  name: string;
  /** By lower-case name, unescaped. */
  properties: ReadonlyMap<string, string>;
  data: string;
}

const LIVE = new Set([
  "error",
  "warning",
  "notice",
  "debug",
  "group",
  "endgroup",
  "echo",
  "add-mask",
  "add-matcher",
  "remove-matcher",
  "stop-commands",
  "set-output",
  "save-state",
  "set-env",
  "add-path",
]);

const DATA_ESCAPES = [
  ["%0D", "\r"],
  ["%0A", "\n"],
  ["%25", "%"],
] as const;
const PROPERTY_ESCAPES = [
  ["%0D", "\r"],
  ["%0A", "\n"],
  ["%3A", ":"],
  ["%2C", ","],
  ["%25", "%"],
] as const;
const LEGACY_ESCAPES = [
  ["%3B", ";"],
  ["%0D", "\r"],
  ["%0A", "\n"],
  ["%5D", "]"],
  ["%25", "%"],
] as const;

type Escapes = readonly (readonly [string, string])[];

/**
 * Finds `::name k=v,k2=v2::data` after leading blanks, or the older `##[name k=v;k2=v2]data`
 * anywhere in the line (runner ActionCommand). Names that are not in `known` make no command.
 */
export function parseCommand(
  line: string,
  known: ReadonlySet<string> = LIVE,
): WorkflowCommand | undefined {
  return modern(line, known) ?? legacy(line, known);
}

function modern(line: string, known: ReadonlySet<string>): WorkflowCommand | undefined {
  const message = line.trimStart();
  if (!message.startsWith("::")) return undefined;
  const end = message.indexOf("::", 2);
  if (end < 0) return undefined;
  return command(message.slice(2, end), message.slice(end + 2), known, {
    separator: ",",
    property: PROPERTY_ESCAPES,
    data: DATA_ESCAPES,
  });
}

function legacy(line: string, known: ReadonlySet<string>): WorkflowCommand | undefined {
  const start = line.indexOf("##[");
  const end = start < 0 ? -1 : line.indexOf("]", start);
  if (end < 0) return undefined;
  return command(line.slice(start + 3, end), line.slice(end + 1), known, {
    separator: ";",
    property: LEGACY_ESCAPES,
    data: LEGACY_ESCAPES,
  });
}

function command(
  head: string,
  data: string,
  known: ReadonlySet<string>,
  form: { separator: string; property: Escapes; data: Escapes },
): WorkflowCommand | undefined {
  const space = head.indexOf(" ");
  const name = (space < 0 ? head : head.slice(0, space)).toLowerCase();
  if (!known.has(name)) return undefined;
  const properties = new Map<string, string>();
  const list = space < 0 ? "" : head.slice(space + 1).trim();
  for (const property of list.split(form.separator)) {
    const equals = property.indexOf("=");
    const value = property.slice(equals + 1);
    if (equals <= 0 || value === "") continue;
    properties.set(property.slice(0, equals).toLowerCase(), unescape(value, form.property));
  }
  return { name, properties, data: unescape(data, form.data) };
}

function unescape(text: string, escapes: Escapes): string {
  return escapes.reduce((result, [from, to]) => result.replaceAll(from, to), text);
}

/** What a stage said by commands. */
export interface Spoken {
  annotations: Annotation[];
  outputs: Record<string, string>;
  state: Record<string, string>;
  env: Record<string, string>;
  path: string[];
  matchers: string[];
  /** Problems that fail the step. */
  failures: string[];
}

/**
 * Reads a step's output line by line, both streams through one scanner, and does what its commands
 * say (runner ActionCommandManager). `show` gets the lines a log would hold, masked.
 */
export class CommandScanner {
  readonly spoken: Spoken = {
    annotations: [],
    outputs: {},
    state: {},
    env: {},
    path: [],
    matchers: [],
    failures: [],
  };
  #echo = false;
  #stopToken: string | undefined;
  readonly #options: ScannerOptions;

  constructor(options: ScannerOptions) {
    this.#options = options;
  }

  line(text: string): void {
    if (this.#stopToken !== undefined) {
      // The token itself is a command while commands are stopped.
      const found = parseCommand(text, new Set([...LIVE, this.#stopToken]));
      if (found?.name === this.#stopToken) this.#stopToken = undefined;
      this.#show(text);
      return;
    }
    const found = parseCommand(text);
    if (found === undefined) this.#show(text);
    else {
      if (this.#echo && !SILENT.has(found.name)) this.#show(text);
      this.#obey(found, text);
    }
  }

  #show(text: string): void {
    this.#options.show(this.#options.masker.mask(text));
  }

  #obey(command: WorkflowCommand, line: string): void {
    const { spoken } = this;
    const { data, properties } = command;
    switch (command.name) {
      case "error":
      case "warning":
      case "notice":
        this.#annotate(command.name, command);
        break;
      case "debug":
        this.#options.debug?.(this.#options.masker.mask(data));
        break;
      case "group":
        this.#show(`##[group]${data}`);
        break;
      case "endgroup":
        this.#show("##[endgroup]");
        break;
      case "echo":
        this.#setEcho(data);
        break;
      case "add-mask":
        if (data.trim() === "") {
          this.#warn("Can't add secret mask for empty string in ##[add-mask] command.");
        } else this.#options.masker.add(data);
        break;
      case "stop-commands":
        this.#stop(data, line);
        break;
      case "set-output":
      case "save-state": {
        const name = properties.get("name");
        if (name === undefined) this.#fail(line, requiredName(command.name));
        else (command.name === "set-output" ? spoken.outputs : spoken.state)[name] = data;
        break;
      }
      case "set-env":
      case "add-path":
        this.#unsecure(command, line);
        break;
      case "add-matcher":
        this.#addMatcher(data, line);
        break;
      default:
        break;
    }
  }

  #annotate(level: AnnotationLevel, { data, properties }: WorkflowCommand): void {
    const { masker, workspace } = this.#options;
    const masked = new Map([...properties].map(([name, value]) => [name, masker.mask(value)]));
    const annotation = normalizeAnnotation(level, masker.mask(data), masked, workspace);
    this.spoken.annotations.push(annotation);
    this.#options.show(`##[${level}]${masker.mask(data)}`);
  }

  #setEcho(data: string): void {
    const word = data.trim().toLowerCase();
    if (word === "on" || word === "off") this.#echo = word === "on";
    else this.#fail("::echo::", `Invalid echo command value: '${data}'.`);
  }

  #stop(token: string, line: string): void {
    const allowed = token !== "" && token !== "pause-logging" && !LIVE.has(token.toLowerCase());
    if (!allowed && !this.#unsecureAllowed()) {
      this.#fail(line, `Invalid stop-commands token '${token}'.`);
      return;
    }
    // A long token is random: it is masked, so that later output cannot quote it from the log.
    if (token.length > 6) this.#options.masker.add(token);
    this.#show(line);
    this.#stopToken = token.toLowerCase();
  }

  #unsecure({ name, data, properties }: WorkflowCommand, line: string): void {
    if (!this.#unsecureAllowed()) {
      this.#fail(
        line,
        `The \`${name}\` command is disabled. Please upgrade to using Environment Files or opt into ` +
          "unsecure command execution by setting the `ACTIONS_ALLOW_UNSECURE_COMMANDS` environment " +
          "variable to `true`.",
      );
      return;
    }
    if (name === "add-path") {
      this.spoken.path.push(data);
      return;
    }
    const variable = properties.get("name");
    if (variable === undefined) this.#fail(line, requiredName(name));
    else if (variable.toUpperCase() !== "NODE_OPTIONS") this.spoken.env[variable] = data;
  }

  #unsecureAllowed(): boolean {
    return this.#options.allowUnsecureCommands?.toLowerCase() === "true";
  }

  #addMatcher(file: string, line: string): void {
    if (file === "") {
      this.#warn("File path must be specified.");
      return;
    }
    try {
      const path = resolve(this.#options.workspace, file);
      const config = JSON.parse(readFileSync(path, "utf8")) as {
        problemMatcher?: { owner?: string }[];
      };
      for (const { owner } of config.problemMatcher ?? []) this.spoken.matchers.push(owner ?? "");
    } catch {
      this.#fail(line, `Could not read the problem matcher ${file}.`);
    }
  }

  #warn(message: string): void {
    this.spoken.annotations.push({ level: "warning", message });
    this.#options.show(`##[warning]${message}`);
  }

  #fail(line: string, message: string): void {
    const shown = this.#options.masker.mask(line);
    this.spoken.failures.push(`Unable to process command '${shown}' successfully.`, message);
  }
}

export interface ScannerOptions {
  masker: Masker;
  workspace: string;
  /** Value of ACTIONS_ALLOW_UNSECURE_COMMANDS, from the step's environment. */
  allowUnsecureCommands?: string | undefined;
  /** A line of the log, masked. */
  show: (line: string) => void;
  debug?: (message: string) => void;
}

/** Commands that `echo on` never repeats. */
const SILENT = new Set(["error", "warning", "notice", "debug", "add-mask"]);

function requiredName(name: string): string {
  return `Required field 'name' is missing in ##[${name}] command.`;
}
