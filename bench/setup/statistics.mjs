// Medians, spreads and tables.
import { median } from "../measure.mjs";

export { median };

/** Quantile by linear interpolation. */
export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const [low, high] = [Math.floor(at), Math.ceil(at)];
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

/** `1.23 (1.10–1.40, n=12)`: median and the middle half. */
export function spread(values, digits = 2) {
  if (values.length === 0) return "none";
  const [low, high] = [quantile(values, 0.25), quantile(values, 0.75)];
  return `${median(values).toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)}, n=${values.length})`;
}

export const sum = (values) => values.reduce((total, each) => total + each, 0);

export const seconds = (ms) => (ms / 1000).toFixed(1);

export const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

/** A Markdown table; the first column is text, the others are numbers. */
export function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, index) => (index === 0 ? "---" : "---:"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

/** A goal as the issue of a benchmark states it: at most, or at least. */
export function goal(text, value, limit, least = false) {
  if (value === undefined || Number.isNaN(value)) return `${text}: not measured`;
  const ok = least ? value >= limit : value <= limit;
  const shown = `${value.toFixed(2)} (${least ? "at least" : "at most"} ${limit})`;
  return `${text}: ${shown}  ${ok ? "ok" : least ? "UNDER" : "OVER"}`;
}
