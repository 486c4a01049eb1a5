import { ActionError } from "./errors.ts";

/** A value that could not be taken, said so that it can follow the input's name. */
export class InputProblem extends Error {}

/** One input: how it is described, and how its text becomes a value. */
export interface Input<T> {
  readonly description: string;
  /** Shown in action.yml and README; `undefined` means the input may be absent. */
  readonly defaultText: string | undefined;
  /** The default is an expression of the runner (`${{ … }}`), evaluated by it. */
  readonly expression: boolean;
  readonly required: boolean;
  /** Never echoed, masked when read, not allowed in the config file. */
  readonly secret: boolean;
  /** What is allowed, for the README: `true or false`, `one of plan, run`. */
  readonly allowed: string;
  /** JSON Schema of the input's value in the config file; any scalar when absent. */
  readonly schema?: Readonly<Record<string, unknown>>;
  /** The value for absent input. */
  absent(): T;
  /** @throws InputProblem when `text` is not allowed. */
  parse(text: string): T;
}

export type InputSpec = Readonly<Record<string, Input<unknown>>>;

type Camel<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S;

/** The decoded inputs of a spec: `wait-timeout` becomes `waitTimeout`. */
export type InputsOf<I extends InputSpec> = {
  readonly [K in keyof I & string as Camel<K>]: I[K] extends Input<infer T> ? T : never;
};

interface Common {
  description: string;
}
interface WithDefault extends Common {
  default: string;
}
type Optional = Common & { default?: undefined };

interface Parser<T> {
  allowed: string;
  schema?: Readonly<Record<string, unknown>>;
  parse: (text: string) => T;
}

function define<T, D>(
  { description, default: text }: Common & { default?: string | undefined },
  { allowed, schema, parse }: Parser<T>,
  none: D,
  extra: Partial<Pick<Input<unknown>, "required" | "secret">> = {},
): Input<T | D> {
  const expression = text?.includes("${{") ?? false;
  return {
    description,
    defaultText: text,
    expression,
    required: extra.required ?? false,
    secret: extra.secret ?? false,
    allowed,
    ...(schema !== undefined && { schema }),
    absent: () => (text === undefined || expression ? none : parse(text)),
    parse,
  };
}

const anyText: Parser<string> = { allowed: "text", parse: (text) => text };

/** One line of text. */
export function text(options: WithDefault): Input<string>;
export function text(options: Optional): Input<string | undefined>;
export function text(
  options: Common & { default?: string | undefined },
): Input<string | undefined> {
  return define(options, singleLine, undefined);
}

const singleLine: Parser<string> = {
  allowed: "one line of text",
  parse: (value) => {
    if (/[\r\n\0]/.test(value)) throw new InputProblem("must be one line");
    return value;
  },
};

/** Text that must be given. */
export function required(options: Common): Input<string> {
  return define(options, singleLine, "", { required: true });
}

/** Text of any number of lines: the runner's `toJSON(…)` writes JSON over several. */
export function multiline(options: WithDefault): Input<string>;
export function multiline(options: Optional): Input<string | undefined>;
export function multiline(
  options: Common & { default?: string | undefined },
): Input<string | undefined> {
  return define(options, anyText, undefined);
}

/** A value that is masked and never shown again. */
export function secret(options: Common & { default?: string }): Input<string | undefined> {
  return define(options, anyText, undefined, { secret: true });
}

/** `true` or `false` (YAML 1.2 core schema spellings, as @actions/core takes them). */
export function flag(options: WithDefault): Input<boolean> {
  return define(
    options,
    {
      allowed: "`true` or `false`",
      schema: { type: "boolean" },
      parse: (value) => {
        if (/^(true|True|TRUE)$/.test(value)) return true;
        if (/^(false|False|FALSE)$/.test(value)) return false;
        throw new InputProblem(`must be true or false, not ${JSON.stringify(value)}`);
      },
    },
    false,
  );
}

/** One of a closed set of words. */
export function oneOf<const W extends string>(
  words: readonly W[],
  options: Common & { default: W },
): Input<W>;
export function oneOf<const W extends string>(
  words: readonly W[],
  options: Optional,
): Input<W | undefined>;
export function oneOf<const W extends string>(
  words: readonly W[],
  options: Common & { default?: W | undefined },
): Input<W | undefined> {
  return define(
    options,
    {
      allowed: words.map((word) => `\`${word}\``).join(", "),
      schema: { enum: words },
      parse: (value) => {
        const word = words.find((candidate) => candidate === value);
        if (word === undefined) {
          throw new InputProblem(
            `must be one of ${words.join(", ")}, not ${JSON.stringify(value)}`,
          );
        }
        return word;
      },
    },
    undefined,
  );
}

interface Bounds {
  min?: number;
  max?: number;
}

/** A whole number. */
export function integer(options: WithDefault & Bounds): Input<number>;
export function integer(options: Optional & Bounds): Input<number | undefined>;
export function integer(
  options: Common & Bounds & { default?: string | undefined },
): Input<number | undefined> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options;
  return define(
    options,
    {
      allowed:
        max === Number.MAX_SAFE_INTEGER
          ? `a whole number from ${min}`
          : `a whole number from ${min} to ${max}`,
      schema: { type: "integer", minimum: min, maximum: max },
      parse: (value) => {
        const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
        if (!(number >= min && number <= max)) {
          throw new InputProblem(
            `must be a whole number from ${min} to ${max}, not ${JSON.stringify(value)}`,
          );
        }
        return number;
      },
    },
    undefined,
  );
}

const DURATION = /^(\d+(\.\d+)?(ms|s|m|h))+$/;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** A duration in Go's notation (`90s`, `1m30s`, `250ms`); the value is milliseconds. */
export function duration(options: WithDefault): Input<number>;
export function duration(options: Optional): Input<number | undefined>;
export function duration(
  options: Common & { default?: string | undefined },
): Input<number | undefined> {
  return define(
    options,
    {
      allowed: "a duration such as `90s` or `1m30s`",
      schema: { type: "string", pattern: DURATION.source },
      parse: parseDuration,
    },
    undefined,
  );
}

/** @throws InputProblem */
export function parseDuration(text: string): number {
  if (!DURATION.test(text)) {
    throw new InputProblem(`must be a duration such as 90s or 1m30s, not ${JSON.stringify(text)}`);
  }
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS],
    0,
  );
}

const SIZE = /^(\d+(?:\.\d+)?) ?(B|kB|KB|MB|GB)$/;
const UNIT_BYTES = { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9 } as const;

/** A size in decimal units (`800MB`, `1.5 GB`); the value is bytes. */
export function size(options: Optional): Input<number | undefined> {
  return define(
    options,
    {
      allowed: "a size such as `800MB` or `1.5GB`",
      schema: { type: "string", pattern: SIZE.source },
      parse: (value) => {
        const [, amount = "", unit = ""] = SIZE.exec(value) ?? [];
        if (unit === "") {
          throw new InputProblem(
            `must be a size such as 800MB or 1.5GB, not ${JSON.stringify(value)}`,
          );
        }
        return Math.round(Number(amount) * UNIT_BYTES[unit as keyof typeof UNIT_BYTES]);
      },
    },
    undefined,
  );
}

/** Several values, one a line; with `commas`, separated by commas as well. */
export function list(
  options: Common & { default?: string; commas?: boolean },
): Input<readonly string[]> {
  const separator = options.commas === true ? /[\n,]/ : /\n/;
  return define(
    options,
    {
      allowed:
        options.commas === true ? "a list, separated by lines or commas" : "a list, one a line",
      schema: {
        type: ["array", "string", "number"],
        items: { type: ["string", "number", "boolean"] },
      },
      parse: (value): readonly string[] =>
        value
          .split(separator)
          .map((item) => item.trim())
          .filter((item) => item !== ""),
    },
    [],
  );
}

/** Where the values come from: `INPUT_*`, and the door's part of the config file. */
export interface InputSources {
  /** The given text; empty means absent. */
  input(name: string): string;
  /** The config file's text for this input, with its place in the file, or undefined. */
  config(name: string): { text: string; place: string } | undefined;
  mask(secret: string): void;
}

/**
 * Decodes every input once. Precedence: input, config file, default.
 * @throws ActionError `input` that names every problem at once.
 */
export function readInputs<I extends InputSpec>(spec: I, sources: InputSources): InputsOf<I> {
  const problems: string[] = [];
  const values = Object.entries(spec).map(([name, input]): [string, unknown] => {
    const given = sources.input(name).trim();
    if (given !== "" && input.secret) sources.mask(given);
    const configured = given === "" ? sources.config(name) : undefined;
    const source = configured === undefined ? name : `${name} (${configured.place})`;
    if (configured !== undefined && input.secret) {
      problems.push(`${source} is a secret: give it as an input from \`\${{ secrets.… }}\``);
      return [camel(name), undefined];
    }
    const value = given === "" ? (configured?.text ?? "") : given;
    if (value === "") {
      if (input.required) problems.push(`${name} is required`);
      return [camel(name), input.absent()];
    }
    try {
      return [camel(name), input.parse(value)];
    } catch (error) {
      if (!(error instanceof InputProblem)) throw error;
      problems.push(`${source} ${error.message}`);
      return [camel(name), undefined];
    }
  });
  if (problems.length > 0) throw invalidInputs(problems);
  return Object.fromEntries(values) as InputsOf<I>;
}

/** The one shape of the message about inputs; doors use it for problems between inputs too. */
export function invalidInputs(problems: readonly string[]): ActionError {
  return new ActionError(
    "input",
    `Invalid inputs:\n${problems.map((line) => `- ${line}`).join("\n")}`,
  );
}

function camel(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
