import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type Scalar,
  type YAMLMap,
} from "yaml";
import type { ConfigKeys } from "./action.ts";
import { ActionError } from "./errors.ts";
import type { InputSpec } from "./inputs.ts";
import { CONFIG_FILE, DOORS, type Door } from "./names.ts";
import { nearest } from "./nearest.ts";

/** The config file's text for an input, and where it stands: `.github/go-cicd.yml:12:5`. */
export interface ConfiguredText {
  text: string;
  place: string;
}

/** A value with structure, as YAML's core schema reads it. */
export interface ConfiguredValue {
  value: unknown;
  /** JSON pointer inside the value (`""` is the value itself, `/0/run`) → place in the file. */
  places: Readonly<Record<string, string>>;
}

/** One door's part of the config file. */
export interface DoorConfig {
  inputs: Readonly<Record<string, ConfiguredText>>;
  values: Readonly<Record<string, ConfiguredValue>>;
}

/** What the door takes from the file. */
export interface DoorKeys {
  door: string;
  inputs: InputSpec;
  config?: ConfigKeys | undefined;
}

/** Larger files are a mistake, or an attack with aliases. */
const MAX_BYTES = 64 * 1024;

/**
 * Reads the config file for one door: `version: 1`, then one key per door, whose keys are the names
 * of its inputs and its structured keys. Sections of other doors are theirs to check.
 * @throws ActionError `input` that names every problem with line and column.
 */
export function parseConfig(text: string, keys: DoorKeys): DoorConfig {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw invalidConfig([`${CONFIG_FILE} is larger than ${MAX_BYTES / 1024} KiB`]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
  });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${CONFIG_FILE}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    throw invalidConfig(
      document.errors.map(({ pos, message }) => `${place(pos[0])} ${message.split("\n")[0] ?? ""}`),
    );
  }
  const reader = new ConfigReader(document, place);
  const config = reader.read(keys);
  if (reader.problems.length > 0) throw invalidConfig(reader.problems);
  return config;
}

class ConfigReader {
  readonly problems: string[] = [];
  readonly #document: Document.Parsed;
  readonly #place: (offset: number) => string;

  constructor(document: Document.Parsed, place: (offset: number) => string) {
    this.#document = document;
    this.#place = place;
  }

  read(keys: DoorKeys): DoorConfig {
    const empty: DoorConfig = { inputs: {}, values: {} };
    const root = this.#document.contents;
    if (root === null) {
      this.problems.push(`${CONFIG_FILE}:1:1 is empty: it must begin with \`version: 1\``);
      return empty;
    }
    if (!isMap(root)) {
      this.problems.push(`${this.#at(root)} must be a map that begins with \`version: 1\``);
      return empty;
    }
    let version: Node | undefined;
    let section: { node: Node | undefined; at: string } | undefined;
    for (const { name, key, value } of this.#entries(root)) {
      if (name === "version") version = value;
      else if (name === keys.door) section = { node: value, at: this.#at(key) };
      else if (!DOORS.includes(name as Door)) this.#unknown(name, key, ["version", ...DOORS]);
    }
    if (version === undefined) {
      this.problems.push(`${this.#at(root)} \`version: 1\` is missing`);
    } else if (!isScalar(version) || version.value !== 1) {
      this.problems.push(`${this.#at(version)} version must be 1, the only one there is`);
    }
    if (section === undefined) return empty;
    const node = this.#resolved(section.node);
    if (node === undefined || (isScalar(node) && node.value === null)) return empty;
    if (!isMap(node)) {
      this.problems.push(`${section.at} ${keys.door} must be a map of input names to values`);
      return empty;
    }
    return this.#section(node, keys);
  }

  #section(map: YAMLMap, { inputs, config = {} }: DoorKeys): DoorConfig {
    const texts: Record<string, ConfiguredText> = {};
    const values: Record<string, ConfiguredValue> = {};
    for (const { name, key, value } of this.#entries(map)) {
      const input = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
      if (input === undefined) {
        if (Object.hasOwn(config, name)) values[name] = this.#value(key, value);
        else this.#unknown(name, key, [...Object.keys(inputs), ...Object.keys(config)]);
      } else if (input.secret) {
        this.problems.push(
          `${this.#at(key)} ${name} is a secret: give it as an input from \`\${{ secrets.… }}\``,
        );
      } else if (input.expression) {
        // It always has a value from the runner, so that the file's would never be seen.
        this.problems.push(`${this.#at(key)} ${name} can only be given in the workflow`);
      } else {
        const text = this.#text(name, value);
        if (text !== undefined) texts[name] = { text, place: this.#at(key) };
      }
    }
    return { inputs: texts, values };
  }

  /** An input's text: a scalar as it is written, or a list of them one a line. */
  #text(name: string, value: Node | undefined): string | undefined {
    const node = this.#resolved(value);
    if (node === undefined) return undefined;
    if (isScalar(node)) return scalarText(node);
    if (!isSeq(node)) {
      this.problems.push(`${this.#at(node)} ${name} must be a value or a list of values`);
      return undefined;
    }
    const items = node.items.map((item) => {
      const inner = this.#resolved(item as Node);
      const text = inner !== undefined && isScalar(inner) ? scalarText(inner) : undefined;
      if (text === undefined || text.includes("\n")) {
        this.problems.push(`${this.#at(inner ?? node)} ${name} must be a list of single values`);
      }
      return text ?? "";
    });
    return items.join("\n");
  }

  #value(key: Node, value: Node | undefined): ConfiguredValue {
    const places: Record<string, string> = { "": this.#at(value ?? key) };
    const walk = (outer: Node | undefined, pointer: string): void => {
      // Places of what an alias stands for are those of its anchor; once is enough.
      if (outer === undefined || isAlias(outer)) return;
      places[pointer] = this.#at(outer);
      if (isMap(outer)) {
        for (const { name, value: inner } of this.#entries(outer)) {
          walk(inner, `${pointer}/${name.replace(/~/g, "~0").replace(/\//g, "~1")}`);
        }
      } else if (isSeq(outer)) {
        outer.items.forEach((item, index) => walk(item as Node, `${pointer}/${index}`));
      }
    };
    walk(value, "");
    try {
      return { value: value?.toJS(this.#document) as unknown, places };
    } catch {
      // More aliases than the library's limit: what they expand to is not worth having.
      this.problems.push(`${this.#at(key)} has too many aliases`);
      return { value: undefined, places };
    }
  }

  /** The pairs of a map whose keys are plain words. */
  #entries(map: YAMLMap): { name: string; key: Node; value: Node | undefined }[] {
    return map.items.flatMap((pair) => {
      const key = pair.key as Node;
      if (!isPair(pair) || !isScalar(key)) {
        this.problems.push(`${this.#at(key)} keys must be plain words`);
        return [];
      }
      const value = (pair.value ?? undefined) as Node | undefined;
      return [{ name: scalarText(key) ?? "", key, value }];
    });
  }

  #resolved(node: Node | undefined): Node | undefined {
    return isAlias(node) ? node.resolve(this.#document) : node;
  }

  #unknown(name: string, key: Node, known: readonly string[]): void {
    const guess = nearest(name, known);
    const help =
      guess === undefined ? `known are ${known.join(", ")}` : `did you mean \`${guess}\`?`;
    this.problems.push(`${this.#at(key)} unknown key ${JSON.stringify(name)}: ${help}`);
  }

  #at(node: Node): string {
    return this.#place(node.range?.[0] ?? 0);
  }
}

/** `1.20` stays what was written, though YAML reads the number 1.2. */
function scalarText(scalar: Scalar): string | undefined {
  if (scalar.value === null) return undefined;
  if (typeof scalar.value === "string") return scalar.value.trim();
  return scalar.source ?? JSON.stringify(scalar.value);
}

function invalidConfig(problems: readonly string[]): ActionError {
  return new ActionError(
    "input",
    `Invalid configuration:\n${problems.map((line) => `- ${line}`).join("\n")}`,
  );
}
