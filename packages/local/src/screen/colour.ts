import type { Environment } from "@go-cicd/core/process.ts";

/** Dresses words for a terminal; the plain one leaves them as they are. */
export interface Palette {
  bold: (text: string) => string;
  dim: (text: string) => string;
  good: (text: string) => string;
  bad: (text: string) => string;
  warn: (text: string) => string;
  accent: (text: string) => string;
}

const plain = (text: string): string => text;

const PLAIN: Palette = {
  bold: plain,
  dim: plain,
  good: plain,
  bad: plain,
  warn: plain,
  accent: plain,
};

const sgr =
  (on: number, off: number) =>
  (text: string): string =>
    `\u001b[${on}m${text}\u001b[${off}m`;

const COLOURED: Palette = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  good: sgr(32, 39),
  bad: sgr(31, 39),
  warn: sgr(33, 39),
  accent: sgr(36, 39),
};

/** Colours only on a terminal, never in CI or with NO_COLOR (no-color.org). */
export function palette(isTerminal: boolean, env: Environment): Palette {
  const off = (env["NO_COLOR"] ?? "") !== "" || (env["CI"] ?? "") !== "" || env["TERM"] === "dumb";
  return isTerminal && !off ? COLOURED : PLAIN;
}
