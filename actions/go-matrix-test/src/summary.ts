import { escapeMarkdown, markdownTable } from "@go-cicd/core/summary.ts";
import type { Failure, TestReport, Verdict } from "@go-cicd/core/test-report.ts";
import { failureTitle } from "./annotations.ts";
import { printable } from "./package-log.ts";
import { describeCounts } from "./results.ts";

/** The runner drops a summary over 1 MiB whole; other blocks of the step need room as well. */
const BUDGET = 700 * 1024;
/** Failures with their output come first; when this is used up the rest is a list of names. */
const DETAILS = 500 * 1024;
const OUTPUT = 6 * 1024;
const SLOWEST = 10;

const MARKS: Record<Verdict, string> = { pass: "✅", fail: "❌", incomplete: "⚠️" };

/** The report as Markdown: verdict, failures, then cells, checks and times. Never a passed test. */
export function reportMarkdown(report: TestReport): string {
  const { verdict, counts } = report;
  const head = `## ${MARKS[verdict]} Go tests: ${describeCounts(counts, verdict, report.failures)}\n`;
  const parts = [head, missing(report), failureList(report.failures), cellTable(report)];
  parts.push(checkTable(report), slowest(report));
  const text = parts.filter((part) => part !== "").join("\n");
  return Buffer.byteLength(text) <= BUDGET
    ? `${text}\n`
    : `${head}\n${missing(report).slice(0, DETAILS)}\nToo much to show here: see the artifact with the results.\n`;
}

function missing({ cells }: TestReport): string {
  const lines = cells.flatMap(({ shards }) => shards.flatMap(({ reasons }) => reasons));
  if (lines.length === 0) return "";
  const shown = lines.slice(0, 50).map((line) => `- ${escapeMarkdown(line).slice(0, 1000)}`);
  if (lines.length > 50) shown.push(`- and ${lines.length - 50} more`);
  return `### Incomplete\n\n${shown.join("\n")}\n`;
}

function failureList(failures: readonly Failure[]): string {
  if (failures.length === 0) return "";
  const blocks: string[] = [`### Failures\n`];
  let used = 0;
  let index = 0;
  for (; index < failures.length; index += 1) {
    const failure = failures[index];
    if (failure === undefined) break;
    const block = failureBlock(failure);
    used += Buffer.byteLength(block);
    if (used > DETAILS) break;
    blocks.push(block);
  }
  const rest = failures.slice(index);
  if (rest.length > 0) {
    const names = rest
      .slice(0, 500)
      .map((failure) => `- ${escapeMarkdown(failureTitle(failure)).slice(0, 200)}`);
    if (rest.length > 500) names.push(`- and ${rest.length - 500} more`);
    blocks.push(`\nWithout their output:\n\n${names.join("\n")}\n`);
  }
  return blocks.join("\n");
}

function failureBlock(failure: Failure): string {
  const { file, line, repeat, cells, output, message } = failure;
  const place = file === null ? "" : ` <code>${escapeHtml(`${file}:${line ?? 1}`)}</code>`;
  const where = cells.length > 1 ? ` on ${cells.length} cells` : "";
  const body = [fence(message)];
  const printed = output.trim();
  if (printed !== "" && printed !== message.trim()) body.push(fence(cut(printed)));
  if (repeat !== null) body.push(`Repeat it:\n\n${fence(repeat)}`);
  return `<details><summary><b>${escapeHtml(failureTitle(failure))}</b>${place}${where}</summary>\n\n${body.join("\n")}\n</details>`;
}

function cut(text: string): string {
  if (text.length <= OUTPUT) return text;
  const half = OUTPUT / 2;
  return `${text.slice(0, half)}\n…\n${text.slice(-half)}`;
}

/** A code block whose fence is longer than any in the text. */
function fence(text: string): string {
  const plain = printable(text)
    // eslint-disable-next-line no-control-regex -- colours mean nothing in Markdown
    .replace(/\u001b\[[0-9;]*m|[\u001b\ufffd]/g, "");
  const longest = Math.max(2, ...[...plain.matchAll(/`+/g)].map(([run]) => run.length));
  const mark = "`".repeat(longest + 1);
  return `${mark}text\n${plain}\n${mark}\n`;
}

function escapeHtml(text: string): string {
  return text
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/[\r\n]+/g, " ");
}

function cellTable({ cells, packages }: TestReport): string {
  const rows = cells.flatMap(({ id, go, os, shards }) =>
    shards.map((shard) => {
      const own = packages.filter((item) => item.cell === id && item.shard === shard.shard);
      const cached = own.filter((item) => item.cached).length;
      return [
        `${MARKS[shard.verdict]} ${shard.verdict}`,
        escapeMarkdown(go),
        escapeMarkdown(os),
        `${shard.shard}/${shards.length}`,
        String(own.length),
        String(cached),
        seconds(shard.durationMs),
      ];
    }),
  );
  return `### Shards\n\n${markdownTable(["Verdict", "Go", "OS", "Shard", "Packages", "Cached", "Time"], rows)}\n`;
}

function checkTable({ checks }: TestReport): string {
  if (checks.length === 0) return "";
  const rows = [...checks]
    .sort((one, other) => Number(one.verdict === "pass") - Number(other.verdict === "pass"))
    .slice(0, 100)
    .map(({ name, module, cell, verdict, detail, durationMs }) => [
      `${MARKS[verdict]} ${name}`,
      escapeMarkdown(module),
      escapeMarkdown(cell),
      escapeMarkdown(detail),
      seconds(durationMs),
    ]);
  return `### Checks\n\n${markdownTable(["Check", "Module", "Cell", "Result", "Time"], rows)}\n`;
}

function slowest({ packages }: TestReport): string {
  const rows = packages
    .filter(({ cached, durationMs }) => !cached && durationMs >= 100)
    .sort((one, other) => other.durationMs - one.durationMs)
    .slice(0, SLOWEST)
    .map(({ path, cell, durationMs, tests }) => [
      escapeMarkdown(path),
      escapeMarkdown(cell),
      String(tests.length),
      seconds(durationMs),
    ]);
  if (rows.length === 0) return "";
  return `### Slowest packages\n\n${markdownTable(["Package", "Cell", "Tests", "Time"], rows)}\n`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
