/**
 * The step's summary in Markdown. A summary over 1 MiB is dropped whole by the runner and becomes
 * an error annotation (runner FileCommandManager), so writing keeps to a budget and says so where
 * it cut.
 */
export interface Summary {
  /** Adds a block of Markdown; resolves once it is on disk, or is known not to come there. */
  add(markdown: string): Promise<SummaryResult>;
}

/** What became of a block. Whoever promised it to somebody has to look; others need not. */
export type SummaryResult =
  | { kind: "written" }
  /** The rest of it, or all of it, did not fit. */
  | { kind: "cut" }
  /** There is no summary here. */
  | { kind: "absent" }
  | { kind: "failed"; detail: string };

/** Text that came from outside, safe inside a Markdown table cell or paragraph. */
export function escapeMarkdown(text: string): string {
  return (
    text
      .replace(/&/g, "&amp;")
      .replace(/</g, "&lt;")
      .replace(/>/g, "&gt;")
      .replace(/[\\`*_{}[\]|~#]/g, (mark) => `&#${mark.charCodeAt(0)};`)
      .replace(/\r?\n|\t/g, " ")
      // Control characters would act on a terminal that shows the summary.
      .replace(/\p{Cc}/gu, "")
  );
}

/** A Markdown table; cells are Markdown already. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const CUT = "\n\n> **This summary is cut: it does not fit into the runner's limit.**\n\n";

/**
 * Markdown in at most `room` bytes (UTF-8). What does not fit is cut at the end of a line; code
 * fences and `<details>` left open are closed, and a last line says that something is missing.
 */
export function cutMarkdown(markdown: string, room: number): { text: string; cut: boolean } {
  if (Buffer.byteLength(markdown) <= room) return { text: markdown, cut: false };
  /** Closing what is open costs a few bytes more. */
  const space = room - Buffer.byteLength(CUT) - 64;
  let used = 0;
  let fence = false;
  let details = 0;
  const kept: string[] = [];
  for (const line of markdown.split("\n")) {
    used += Buffer.byteLength(line) + 1;
    if (used > space) break;
    kept.push(line);
    if (line.trimStart().startsWith("```")) fence = !fence;
    if (!fence) {
      details += count(line, "<details") - count(line, "</details>");
      // Each one open will need its end.
      if (line.includes("<details")) used += "</details>\n".length;
    }
  }
  if (space < 0) return { text: room > Buffer.byteLength(CUT) ? CUT : "", cut: true };
  const ends = [
    ...(fence ? ["```"] : []),
    ...Array<string>(Math.max(0, details)).fill("</details>"),
  ];
  return { text: [...kept, ...ends].join("\n") + CUT, cut: true };
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}
