// The part of TOML 1.0 (https://toml.io/en/v1.0.0) that decides what a table holds: keys, strings,
// arrays and tables. Numbers, dates and booleans stay the words they are.
import { ActionError } from "@go-cicd/core/errors.ts";

export type TomlValue = string | TomlValue[] | TomlTable;
export interface TomlTable {
  [key: string]: TomlValue;
}

/** @throws ActionError `repository` with the line that cannot be read. */
export function readToml(text: string, shown: string): TomlTable {
  return new Reader(text, shown).document();
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: "\b",
  t: "\t",
  n: "\n",
  f: "\f",
  r: "\r",
  e: "\u001b",
  '"': '"',
  "\\": "\\",
};

class Reader {
  readonly #text: string;
  readonly #shown: string;
  #at = 0;

  constructor(text: string, shown: string) {
    this.#text = text;
    this.#shown = shown;
  }

  document(): TomlTable {
    const root = table();
    let current = root;
    for (;;) {
      this.#skip(/(?:[ \t\r\n]|#[^\n]*)*/y);
      if (this.#at >= this.#text.length) return root;
      if (this.#take("[[")) {
        const path = this.#key();
        this.#expect("]]");
        const last = path.pop() ?? "";
        const parent = this.#descend(root, path);
        const before = Object.hasOwn(parent, last) ? parent[last] : undefined;
        current = table();
        if (Array.isArray(before)) before.push(current);
        else parent[last] = [current];
      } else if (this.#take("[")) {
        const path = this.#key();
        this.#expect("]");
        current = this.#descend(root, path);
      } else {
        this.#pair(current);
      }
      this.#skip(/[ \t]*(?:#[^\n]*)?/y);
      if (this.#at < this.#text.length && !/[\r\n]/.test(this.#peek())) this.#fail();
    }
  }

  #pair(into: TomlTable): void {
    const path = this.#key();
    this.#expect("=");
    this.#skip(/[ \t]*/y);
    const value = this.#value();
    const last = path.pop() ?? "";
    this.#descend(into, path)[last] = value;
  }

  /** The table at a path, made where there is none; of an array of tables the last one. */
  #descend(from: TomlTable, path: readonly string[]): TomlTable {
    let at = from;
    for (const name of path) {
      const next = Object.hasOwn(at, name) ? at[name] : (at[name] = table());
      const inner = Array.isArray(next) ? next.at(-1) : next;
      if (typeof inner !== "object" || Array.isArray(inner)) this.#fail();
      at = inner;
    }
    return at;
  }

  #key(): string[] {
    const path: string[] = [];
    do {
      this.#skip(/[ \t]*/y);
      const quote = this.#peek();
      path.push(quote === '"' || quote === "'" ? this.#string() : this.#word(/[\w-]+/y));
      this.#skip(/[ \t]*/y);
    } while (this.#take("."));
    return path;
  }

  #value(): TomlValue {
    const next = this.#peek();
    if (next === '"' || next === "'") return this.#string();
    if (this.#take("[")) return this.#items("]", () => this.#value());
    if (this.#take("{")) {
      const inner = table();
      this.#items("}", () => this.#pair(inner));
      return inner;
    }
    return this.#word(/[^\s,\]}#]+/y);
  }

  #items<T>(end: string, item: () => T): T[] {
    const items: T[] = [];
    for (;;) {
      this.#skip(/(?:[ \t\r\n]|#[^\n]*)*/y);
      if (this.#take(end)) return items;
      items.push(item());
      this.#skip(/(?:[ \t\r\n]|#[^\n]*)*/y);
      if (!this.#take(",")) {
        this.#expect(end);
        return items;
      }
    }
  }

  #string(): string {
    if (this.#take('"""')) return this.#basic(/(?:[^\\"]|\\[\s\S]|"(?!""))*/y, '"""');
    if (this.#take("'''")) return this.#literal(/(?:[^']|'(?!''))*/y, "'''");
    if (this.#take('"')) return this.#basic(/(?:[^\\"\n]|\\.)*/y, '"');
    this.#expect("'");
    return this.#literal(/[^'\n]*/y, "'");
  }

  #basic(content: RegExp, end: string): string {
    const raw = this.#literal(content, end);
    return raw.replace(
      /\\(?:u([\da-fA-F]{4})|U([\da-fA-F]{8})|[ \t]*\r?\n\s*|(.))/g,
      (all, short: string | undefined, long: string | undefined, one: string | undefined) => {
        const code = short ?? long;
        if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16));
        return one === undefined ? "" : (ESCAPES[one] ?? all);
      },
    );
  }

  #literal(content: RegExp, end: string): string {
    const text = this.#skip(content);
    this.#expect(end);
    // Up to two more quotes at the end of a long string belong to it.
    const more = end.length === 3 ? this.#skip(end.startsWith('"') ? /"{0,2}/y : /'{0,2}/y) : "";
    return end.length === 3 ? `${text}${more}`.replace(/^\r?\n/, "") : text;
  }

  #word(pattern: RegExp): string {
    const word = this.#skip(pattern);
    if (word === "") this.#fail();
    return word;
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }

  #take(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #expect(word: string): void {
    if (!this.#take(word)) this.#fail();
  }

  #fail(): never {
    const line = this.#text.slice(0, this.#at).split("\n").length;
    throw new ActionError("repository", `${this.#shown} cannot be read: line ${line} is no TOML`);
  }
}

/** Without a prototype, so that no key means something else. */
function table(): TomlTable {
  return Object.create(null) as TomlTable;
}
