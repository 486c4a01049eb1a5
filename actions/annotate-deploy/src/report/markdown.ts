import { escapeMarkdown, markdownTable } from "@go-cicd/core/summary.ts";
import { cleanText, shortened } from "../clean-text.ts";
import { bytes, change, duration, plural } from "../format.ts";
import { headline } from "./headline.ts";
import { cacheWord } from "./cache-words.ts";
import { jobLabel } from "./caches.ts";
import type { DeployEntry, ReportModel, Tests, VerdictKind } from "./report-model.ts";

const MARK: Record<VerdictKind, string> = {
  passed: "✅",
  "rolled-back": "↩️",
  incomplete: "⚠️",
  failed: "❌",
};

const MOST_FAILURES = 20;
const MOST_OUTPUT = 4_000;
const MOST_ROWS = 60;
const BAR = 24;

/** The report for the job summary, the gravest first. */
export function markdownReport(model: ReportModel): string {
  const parts = [
    head(model),
    testsPart(model.tests),
    deploysPart(model.deploys),
    timelinePart(model),
    cachesPart(model),
    imagesPart(model),
    comparisonPart(model),
    notesPart(model),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function said(text: string): string {
  return escapeMarkdown(cleanText(text));
}

function code(text: string): string {
  return `<code>${said(text)}</code>`;
}

function head(model: ReportModel): string {
  const { verdict, run, span } = model;
  const facts = [
    run.repository === "" ? "" : `**${said(run.repository)}**`,
    run.commit === "" ? "" : code(run.commit.slice(0, 12)),
    run.ref === "" ? "" : said(run.ref),
    span === null
      ? ""
      : `${duration(span.end - span.start)} in all, ${duration(span.busyMs)} of machine time`,
  ].filter((fact) => fact !== "");
  return [
    `## ${MARK[verdict.kind]} ${headline(model)}`,
    facts.join(" · "),
    verdict.reasons.map((reason) => `- ${said(reason)}`).join("\n"),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function testsPart(tests: Tests | null): string {
  if (tests === null) return "";
  const counts = [
    ...(tests.failed > 0 ? [`**${tests.failed} failed**`] : []),
    `${tests.passed} passed`,
    ...(tests.skipped > 0 ? [`${tests.skipped} skipped`] : []),
    plural(tests.packageCount, "package"),
    ...(tests.cachedPackages > 0 ? [`${tests.cachedPackages} from the cache`] : []),
  ].join(", ");
  const { failures } = tests;
  const blocks = failures.slice(0, MOST_FAILURES).map((failure) => {
    const { kind, title, package: of, cell, place, message, output, repeat } = failure;
    const where = [kind, of === title ? "" : of, place, cell].filter((part) => part !== "");
    const body = output === "" ? message : output;
    return [
      `<details><summary>❌ ${said(title)} – ${where.map(said).join(" · ")}</summary>`,
      fence(shortened(cleanText(body), MOST_OUTPUT)),
      ...(repeat === "" ? [] : [`Repeat it: ${code(repeat)}`]),
      "</details>",
    ].join("\n\n");
  });
  const red = tests.checks.filter(({ ok }) => !ok);
  const rest = failures.length - blocks.length;
  return [
    `### Tests\n\n${counts}`,
    ...tests.problems.map((problem) => `> ${said(problem)}`),
    ...blocks,
    ...(rest > 0 ? [`and ${rest} more failures`] : []),
    ...(red.length > 0
      ? [red.map(({ name, detail }) => `- ❌ ${said(name)}: ${said(detail)}`).join("\n")]
      : []),
  ].join("\n\n");
}

/** A fence that is longer than any run of backticks in the text. */
function fence(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const mark = "`".repeat(longest + 1);
  return `${mark}text\n${text}\n${mark}`;
}

function deploysPart(deploys: readonly DeployEntry[]): string {
  if (deploys.length === 0) return "";
  const rows = deploys.map((deploy) => [
    said(`${deploy.service} → ${deploy.environment}`),
    code(deploy.release),
    said(`${deploy.result} (${deploy.reason})`),
    deploy.detectMs === null ? "" : duration(deploy.detectMs),
    deploy.restoreMs === null ? "" : duration(deploy.restoreMs),
    deploy.serving === null ? "nothing" : code(deploy.serving),
  ]);
  return `### Deploys\n\n${markdownTable(
    ["service", "release", "result", "verdict after", "restored in", "serving now"],
    rows,
  )}`;
}

function timelinePart({ jobs, span, criticalPath }: ReportModel): string {
  if (span === null) return "";
  const total = Math.max(1, span.end - span.start);
  const rows = jobs
    .filter(({ reused }) => !reused)
    .flatMap((job) =>
      job.steps.map((step) => [
        said(jobLabel(job)),
        `${step.ok ? "" : "❌ "}${said(step.title)}`,
        step.pending ? "pending" : duration(step.end - step.start),
        `<code>${bar(step.start - span.start, step.end - span.start, total)}</code>`,
        step.onPath ? "●" : "",
      ]),
    );
  const rest = rows.length - MOST_ROWS;
  const longest = [...criticalPath]
    .sort((one, other) => other.end - other.start - (one.end - one.start))
    .slice(0, 5)
    .map(
      ({ kind, label, start, end }) =>
        `${Math.round(((end - start) / total) * 100)} % ${said(kind === "gap" ? `other steps or queue ${label}` : label)} (${duration(end - start)})`,
    );
  return [
    "### Timeline",
    markdownTable(["job", "step", "took", "when", "critical path"], rows.slice(0, MOST_ROWS)) +
      (rest > 0 ? `\n\nand ${rest} more steps; the page has them all.` : ""),
    `Where the time went: ${longest.join("; ")}`,
  ].join("\n\n");
}

/** A bar of block characters; blanks that a browser does not fold. */
function bar(start: number, end: number, total: number): string {
  const from = Math.min(BAR - 1, Math.floor((start / total) * BAR));
  const to = Math.max(from + 1, Math.min(BAR, Math.round((end / total) * BAR)));
  return "·".repeat(from) + "█".repeat(to - from) + "·".repeat(BAR - to);
}

function cachesPart({ caches, savings }: ReportModel): string {
  if (caches.length === 0) return "";
  const rows = caches.map(({ store, job, stage, result, bytes: size, ms }) => [
    said(store),
    said(job),
    `${stage === "post" ? "kept: " : ""}${said(cacheWord(result))}`,
    size > 0 ? bytes(size) : "",
    duration(ms),
  ]);
  const saved = savings.map(
    ({ job, coldMs, nowMs }) =>
      `${said(job)}: ${duration(nowMs)} instead of ${duration(coldMs)} with empty caches (${change(nowMs, coldMs)})`,
  );
  return [
    "### Caches",
    markdownTable(["cache", "job", "result", "size", "took"], rows.slice(0, MOST_ROWS)),
    saved.map((line) => `- ${line}`).join("\n"),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function imagesPart({ images }: ReportModel): string {
  if (images.length === 0) return "";
  const rows = images.flatMap((image) =>
    image.platforms.map(({ name, size, binarySize, layers }) => [
      code(image.reference),
      said(name),
      bytes(size),
      bytes(binarySize),
      layers.map((layer) => `${said(layer.name)} ${bytes(layer.size)}`).join(", "),
    ]),
  );
  return `### Image\n\n${markdownTable(["image", "platform", "size", "binary", "layers"], rows)}`;
}

function comparisonPart({ comparison }: ReportModel): string {
  if (comparison === null || comparison.rows.length === 0) return "";
  const line = (label: string, now: number | null, before: number | null): string[] => [
    label,
    before === null ? "" : duration(before),
    now === null ? "" : duration(now),
    now === null || before === null ? "" : change(now, before),
  ];
  return `### Now and before\n\n${markdownTable(
    ["step", "before", "now", "change"],
    [
      line("**whole run**", comparison.totalNow, comparison.totalBefore),
      ...comparison.rows
        .slice(0, MOST_ROWS)
        .map(({ label, now, before }) => line(said(label), now, before)),
    ],
  )}`;
}

function notesPart({ notes }: ReportModel): string {
  if (notes.length === 0) return "";
  return `### Not shown\n\n${notes.map((note) => `- ${said(note)}`).join("\n")}`;
}
