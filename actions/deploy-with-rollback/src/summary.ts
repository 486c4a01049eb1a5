import type { ReleaseRecord } from "@go-cicd/core/record.ts";
import { escapeMarkdown, markdownTable } from "@go-cicd/core/summary.ts";
import { REASONS, type Reason } from "./reason.ts";

const MARKS: Record<ReleaseRecord["result"], string> = {
  deployed: "✅",
  unchanged: "✅",
  "rolled-back": "↩️",
  "rollback-failed": "🚨",
  failed: "❌",
  refused: "⛔",
  inconclusive: "❔",
};

/** The step's summary: what came of it first, then how. */
export function summaryOf(
  record: ReleaseRecord,
  evidence: string,
  url: string | undefined,
): string {
  const { result, reason, times } = record;
  const rows: [string, string][] = [
    ["Result", `${MARKS[result]} **${result}** (${REASONS[reason as Reason]})`],
    ["Release", code(record.release)],
    ["Serving", record.serving === null ? "nothing" : code(record.serving)],
    ["Before", record.previousRelease === null ? "nothing" : code(record.previousRelease)],
    ["Image", record.image.reference === "" ? "" : code(record.image.reference)],
    ["Target", code(record.target)],
    ["URL", url === undefined ? "" : escapeMarkdown(url)],
    ["Detected after", milliseconds(times.detectMs)],
    ["Restored after", milliseconds(times.restoreMs)],
  ];
  const steps = record.steps.map(({ name, start, end, ok }) => [
    `${ok ? "✓" : "✗"} ${escapeMarkdown(name)}`,
    milliseconds(end - start),
  ]);
  return [
    `### Deploy of ${escapeMarkdown(record.service)} to ${escapeMarkdown(record.environment)}`,
    markdownTable(
      ["", ""],
      rows.filter(([, value]) => value !== ""),
    ),
    ...(result === "deployed" || result === "unchanged" ? [] : [escapeMarkdown(record.detail)]),
    ...(steps.length === 0 ? [] : [markdownTable(["Step", "Time"], steps)]),
    ...(evidence.trim() === ""
      ? []
      : [
          `<details><summary>Last lines of the service</summary>\n\n<pre>${escapeHtml(evidence.trimEnd())}</pre>\n\n</details>`,
        ]),
  ].join("\n\n");
}

function code(text: string): string {
  return `<code>${escapeMarkdown(text)}</code>`;
}

/** Inside <pre> only HTML counts, but a blank line would end the block for Markdown. */
function escapeHtml(text: string): string {
  return (
    text
      .replace(/&/g, "&amp;")
      .replace(/</g, "&lt;")
      .replace(/>/g, "&gt;")
      .replace(/\r?\n/g, "&#10;")
      // A service may print escape sequences; a summary is read in terminals, too.
      .replace(/\p{Cc}/gu, (mark) => (mark === "\t" ? mark : ""))
  );
}

function milliseconds(ms: number | null): string {
  if (ms === null) return "";
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
