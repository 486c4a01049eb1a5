/**
 * Secrets of a job and their replacement by `***`. The forms a secret takes on its way are those of
 * the runner (ValueEncoders): base64 at three shifts, JSON, URI, XML, expression and command line
 * escapes, trimmed quotes, and the parts PowerShell prints around `&`.
 */
export class Masker {
  readonly #forms = new Set<string>();
  readonly #values: string[] = [];

  constructor(values: readonly string[] = []) {
    for (const value of values) this.add(value);
  }

  /** The values as they were registered. */
  get values(): readonly string[] {
    return this.#values;
  }

  /** Registers a value and each of its lines. Blank values are ignored: they would mask everything. */
  add(value: string): void {
    if (value.trim() === "") return;
    this.#values.push(value);
    const lines = value.split(/[\r\n]+/).map((line) => line.trim());
    for (const part of [value, ...lines]) {
      for (const form of formsOf(part)) if (form !== "") this.#forms.add(form);
    }
  }

  /** The text with every secret replaced; touching and overlapping ones become one `***`. */
  mask(text: string): string {
    const ranges = this.#ranges(text);
    let result = "";
    let end = 0;
    for (const range of ranges) {
      result += text.slice(end, range.start) + "***";
      end = range.end;
    }
    return result + text.slice(end);
  }

  /** Whether the text holds a secret in any form. */
  holdsSecret(text: string): boolean {
    return this.#ranges(text).length > 0;
  }

  #ranges(text: string): { start: number; end: number }[] {
    const found: { start: number; end: number }[] = [];
    for (const form of this.#forms) {
      for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) {
        found.push({ start: at, end: at + form.length });
      }
    }
    found.sort((a, b) => a.start - b.start);
    const merged: { start: number; end: number }[] = [];
    for (const range of found) {
      const last = merged.at(-1);
      if (last !== undefined && range.start <= last.end) last.end = Math.max(last.end, range.end);
      else merged.push({ ...range });
    }
    return merged;
  }
}

function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const base64 = (shift: number): string =>
    bytes.subarray(bytes.length > shift ? shift : 0).toString("base64");
  const quotesTrimmed =
    value.length > 8 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : "";
  const ampersand = value.includes("&+") ? value.indexOf("&+") + 2 : value.lastIndexOf("&") + 1;
  // Shorter parts would mask ordinary words.
  const longEnough = (part: string): string => (part.length >= 6 ? part : "");
  return [
    value,
    base64(0),
    base64(1),
    base64(2),
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value).replace(/[!'()*]/g, hex),
    value.replace(/[&<>"']/g, (mark) => XML[mark] ?? mark),
    value.replaceAll("'", "''"),
    value.replaceAll('"', '\\"'),
    quotesTrimmed,
    ...(ampersand > 0
      ? [longEnough(value.slice(0, ampersand)), longEnough(value.slice(ampersand))]
      : []),
  ];
}

const XML: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

function hex(mark: string): string {
  return `%${mark.charCodeAt(0).toString(16).toUpperCase()}`;
}
