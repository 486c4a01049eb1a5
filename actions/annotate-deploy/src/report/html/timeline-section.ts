import { duration } from "../../format.ts";
import { jobLabel } from "../caches.ts";
import type { Job, PhaseEntry, ReportModel, Span, Step } from "../report-model.ts";
import { axis, percent, tickLabel } from "./axis.ts";
import { html, type Html } from "./html.ts";

/** Above this many steps jobs start folded, unless they decided the time or failed. */
const UNFOLDED_STEPS = 40;
/** Above this many phases they start folded, but for those of failed steps. */
const UNFOLDED_PHASES = 16;

interface Scale {
  start: number;
  length: number;
}

/** The run from left to right: jobs, their steps, and the phases inside. */
export function timelineSection({ jobs, span, criticalPath }: ReportModel): Html | null {
  if (span === null) return null;
  const own = jobs.filter(({ reused }) => !reused);
  const reused = jobs.filter((job) => job.reused);
  const length = Math.max(1, span.end - span.start);
  const scale = { start: span.start, length };
  const { distance, ticks } = axis(length);
  const steps = own.reduce((sum, job) => sum + job.steps.length, 0);
  const phases = own.flatMap((job) => job.steps.flatMap((step) => step.phases)).length;
  const failed = own.some((job) => job.steps.some(({ ok }) => !ok));
  const pending = own.some((job) => job.steps.some((step) => step.pending));
  return html`<section id="timeline">
    <header>
      <h2>Timeline</h2>
      <p>What ran when. The bars in strong blue decided how long the run took.</p>
    </header>
    <ul class="legend">
      <li><span class="swatch f-path"></span>critical path</li>
      <li><span class="swatch f-quiet"></span>ran beside it</li>
      ${failed && html`<li><span class="swatch f-bad"></span>failed</li>`}
      <li><span class="swatch f-gap"></span>queue, runner start, other steps</li>
      ${pending && html`<li>“pending”: a post step that had not ended yet</li>`}
    </ul>
    ${steps > UNFOLDED_STEPS && html`<div data-filter=".job" data-label="Filter jobs and steps"></div>`}
    <div class="gantt" style="--tick:${percent(distance, length)}%">
      <div class="row axis">
        <span class="name"></span>
        <div class="ticks">
          ${ticks
            // A label in the last twentieth would stand out of the page.
            .filter((tick) => tick === 0 || percent(tick, length) <= 96)
            .map(
              (tick) =>
                html`<span style="left:${percent(tick, length)}%"
                  >${tickLabel(tick, distance)}</span
                >`,
            )}
        </div>
        <span class="time"></span>
      </div>
      ${own.map((job) => jobRows(job, scale, { jobs: steps <= UNFOLDED_STEPS, phases: phases <= UNFOLDED_PHASES }))}
    </div>
    ${
      reused.length > 0 &&
      html`<p class="small muted">
        Taken over from an earlier attempt, and not part of the times above:
        ${reused.map(jobLabel).join(", ")}.
      </p>`
    }
    ${pathList(criticalPath, span)}
  </section>`;
}

/** What is unfolded at first. */
interface Unfolded {
  jobs: boolean;
  phases: boolean;
}

function jobRows(job: Job, scale: Scale, unfolded: Unfolded): Html {
  const open = unfolded.jobs || job.onPath || job.steps.some(({ ok }) => !ok);
  const label = jobLabel(job);
  const result =
    job.result !== null && job.result !== "success"
      ? html` <span class="pill bad">${job.result}</span>`
      : null;
  return html`<details class="job" ${open && html` open`}>
    <summary>
      <div class="row">
        <span class="name" title="${label}">${label}${result}</span>
        <div class="track">${jobBar(job, scale)}</div>
        <span class="time">${duration(job.end - job.start)}</span>
      </div>
    </summary>
    ${job.steps.map((step) => stepRows(step, scale, unfolded))}
  </details>`;
}

function stepRows(step: Step, scale: Scale, unfolded: Unfolded): Html {
  const row = html`<div class="row">
    <span class="name" title="${step.title} (${step.door})">${step.title}</span>
    <div class="track">${stepBars(step, scale)}</div>
    <span class="time">${step.pending ? "pending" : duration(step.end - step.start)}</span>
  </div>`;
  // One phase that is the whole step says nothing more.
  if (step.phases.length < 2) return html`<div class="flat">${row}</div>`;
  return html`<details class="step" ${(unfolded.phases || !step.ok) && html` open`}>
    <summary>${row}</summary>
    ${step.phases.map((phase) => phaseRow(phase, scale))}
  </details>`;
}

function phaseRow(phase: PhaseEntry, scale: Scale): Html {
  const about = describe(phase);
  return html`<div class="row phase">
    <span class="name" title="${phase.name}${about === "" ? "" : `: ${about}`}"
      >${phase.name}${phase.cache !== null && html` · ${phase.cache.result}`}</span
    >
    <div class="track">
      <svg role="img" aria-label="${label(phase, scale)}">${bar(phase, scale, colour(phase))}</svg>
    </div>
    <span class="time muted">${duration(phase.end - phase.start)}</span>
  </div>`;
}

/** Counters and cache of a phase in words. */
function describe({ counters, cache }: PhaseEntry): string {
  const parts = Object.entries(counters).map(([name, value]) => `${name} ${value}`);
  if (cache !== null) parts.unshift(`cache ${cache.store}: ${cache.result}`);
  return parts.join(", ");
}

function jobBar(job: Job, scale: Scale): Html {
  const line = html`<rect
    class="f-gap"
    x="${left(job, scale)}%"
    y="8"
    height="2"
    width="${wide(job, scale)}%"
  />`;
  const steps = job.steps.flatMap((step) =>
    drawn(step).map((phase) => bar(phase, scale, colour(phase), 5, 8)),
  );
  return html`<svg role="img" aria-label="${label(job, scale)}">${line}${steps}</svg>`;
}

/** What a single bar can show: the outermost phases, and on top what counts. */
function drawn({ phases }: Step): PhaseEntry[] {
  const counts = ({ onPath, ok }: PhaseEntry): boolean => onPath || !ok;
  return [
    ...phases.filter((phase) => phase.depth === 0 && !counts(phase)),
    ...phases.filter(counts),
  ];
}

function stepBars(step: Step, scale: Scale): Html {
  if (step.pending) {
    return html`<svg role="img" aria-label="pending">
      <circle class="f-gap" cx="${left(step, scale)}%" cy="9" r="4" />
    </svg>`;
  }
  const bars = drawn(step).map((phase) => bar(phase, scale, colour(phase)));
  return html`<svg role="img" aria-label="${label(step, scale)}">
    <rect class="f-gap" x="${left(step, scale)}%" y="8" height="2" width="${wide(step, scale)}%" />
    ${bars}
  </svg>`;
}

function bar(
  item: PhaseEntry,
  scale: Scale,
  fill: string,
  y = 0,
  height: number | "100%" = "100%",
): Html {
  return html`<rect
    class="${fill}"
    x="${left(item, scale)}%"
    y="${y}"
    rx="2"
    width="${wide(item, scale)}%"
    height="${height}"
    ><title>${item.name}: ${duration(item.end - item.start)}</title></rect
  >`;
}

function colour({ ok, onPath }: PhaseEntry): string {
  if (!ok) return "f-bad";
  return onPath ? "f-path" : "f-quiet";
}

function left({ start }: { start: number }, scale: Scale): number {
  // What starts with the end would lie outside.
  return Math.min(99.7, percent(start - scale.start, scale.length));
}

/** Short phases stay visible. */
function wide({ start, end }: { start: number; end: number }, scale: Scale): number {
  return Math.max(0.3, percent(end - start, scale.length));
}

function label({ start, end }: { start: number; end: number }, scale: Scale): string {
  return `from ${duration(start - scale.start)} to ${duration(end - scale.start)}`;
}

const SHOWN_SEGMENTS = 8;

/** The longest segments of the critical path, with their part of the whole. */
function pathList(path: ReportModel["criticalPath"], span: Span): Html | null {
  const total = span.end - span.start;
  if (total <= 0) return null;
  const sorted = [...path].sort((one, other) => other.end - other.start - (one.end - one.start));
  const shown = sorted.slice(0, SHOWN_SEGMENTS).filter(({ start, end }) => end > start);
  const rest = sorted.slice(shown.length);
  const restMs = rest.reduce((sum, { start, end }) => sum + end - start, 0);
  return html`<h3 class="sub">Where the time went</h3>
    <ul class="shares">
      ${shown.map((segment) =>
        share(
          segment.kind === "gap" ? `Other steps or queue ${segment.label}` : segment.label,
          segment.end - segment.start,
          total,
          segment.kind === "gap" ? "f-gap" : "f-path",
        ),
      )}
      ${restMs > 0 && share(`${rest.length} shorter parts together`, restMs, total, "f-quiet")}
    </ul>`;
}

function share(label: string, ms: number, total: number, fill: string): Html {
  return html`<li>
    <span>${label}</span><span class="num">${duration(ms)}</span>
    <span class="num muted">${Math.round((ms / total) * 100)} %</span>
    <div class="bar">
      <svg aria-hidden="true">
        <rect class="${fill}" width="${percent(ms, total)}%" height="100%" />
      </svg>
    </div>
  </li>`;
}
