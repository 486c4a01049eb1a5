import { bytes, change, duration, moment, plural } from "../../format.ts";
import { headline } from "../headline.ts";
import { succeeded } from "../deploys.ts";
import type { ReportModel, VerdictKind } from "../report-model.ts";
import { html, markup, type Html } from "./html.ts";

const ICONS: Record<VerdictKind, string> = {
  passed: '<path d="M5 13.5l4.5 4.5L19 7.5"/>',
  "rolled-back": '<path d="M9 5L4 10l5 5M4 10h10a6 6 0 0 1 0 12h-3" transform="translate(0 -2)"/>',
  incomplete: '<path d="M12 5v9M12 19v.1"/>',
  failed: '<path d="M6 6l12 12M18 6L6 18"/>',
};

const MOST_REASONS = 6;

/** Verdict, what was run, and the few numbers that everybody looks for first. */
export function header(model: ReportModel, sections: readonly [id: string, title: string][]): Html {
  const { run, verdict } = model;
  const rest = verdict.reasons.length - MOST_REASONS;
  return html`<div class="hero ${verdict.kind}">
    <div class="hero-in">
      <p class="eyebrow">
        ${run.repository !== "" && html`<strong>${run.repository}</strong>`}
        ${run.commit !== "" && html`<code>${run.commit.slice(0, 12)}</code>`}
        ${run.ref !== "" && html`<span>${run.ref}</span>`}
        ${run.workflow !== "" && html`<span class="muted">${run.workflow}</span>`}
        ${
          run.runId !== "" &&
          html`<span class="muted"
            >${run.url === "" ? `run ${run.runId}` : html`<a href="${run.url}">run ${run.runId}</a>`}${run.attempt > 1 && `, attempt ${run.attempt}`}</span
          >`
        }
        <span class="muted">${moment(run.generated)}</span>
      </p>
      <div class="verdict">
        <span class="badge"
          ><svg viewBox="0 0 24 24" aria-hidden="true">${markup(ICONS[verdict.kind])}</svg></span
        >
        <h1>${headline(model)}</h1>
      </div>
      ${
        verdict.reasons.length > 0 &&
        html`<ul class="reasons">
          ${verdict.reasons.slice(0, MOST_REASONS).map((reason) => html`<li>${reason}</li>`)}
          ${rest > 0 && html`<li>and ${rest} more</li>`}
        </ul>`
      }
      <ul class="tiles">
        ${tiles(model).map(([value, about]) => html`<li class="tile"><b>${value}</b><span>${about}</span></li>`)}
      </ul>
      <nav aria-label="Sections">
        <ul>
          ${sections.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}
        </ul>
      </nav>
    </div>
  </div>`;
}

function tiles(model: ReportModel): [string, string][] {
  const { span, tests, images, deploys, savings, comparison } = model;
  const tiles: [string, string][] = [];
  if (span !== null) {
    const total = span.end - span.start;
    const before =
      comparison === null || comparison.totalBefore <= 0
        ? `${duration(span.busyMs)} of machine time`
        : `${change(total, comparison.totalBefore)} against ${duration(comparison.totalBefore)} before`;
    tiles.push([duration(total), `in all; ${before}`]);
  }
  if (tests !== null) {
    const ran = tests.passed + tests.failed;
    tiles.push(
      tests.failed > 0
        ? [
            `${tests.failed.toLocaleString("en-US")} failed`,
            `of ${plural(ran, "test")} in ${plural(tests.packageCount, "package")}`,
          ]
        : [
            `${tests.passed.toLocaleString("en-US")} passed`,
            `${tests.passed === 1 ? "test" : "tests"} in ${plural(tests.packageCount, "package")}${
              tests.cachedPackages > 0 ? `, ${tests.cachedPackages} from the cache` : ""
            }`,
          ],
    );
  }
  const [image] = images;
  const [platform] = image?.platforms ?? [];
  if (image !== undefined && platform !== undefined) {
    tiles.push([
      bytes(platform.size),
      `image for ${platform.name}${image.platforms.length > 1 ? ` and ${image.platforms.length - 1} more` : ""}`,
    ]);
  }
  const saved = savings.reduce((sum, { coldMs, nowMs }) => sum + coldMs - nowMs, 0);
  if (saved > 0) tiles.push([duration(saved), "saved by the caches"]);
  const last = deploys.at(-1);
  if (last !== undefined) {
    const restored = last.restoreMs === null ? "" : ` in ${duration(last.restoreMs)}`;
    tiles.push(
      succeeded(last)
        ? ["Serving", `${last.service} ${last.release} in ${last.environment}`]
        : last.result === "rolled-back"
          ? ["Rolled back", `${last.serving ?? "the earlier release"} serves again${restored}`]
          : [
              last.result,
              `${last.service} in ${last.environment}; serving: ${last.serving ?? "nothing"}`,
            ],
    );
  }
  return tiles;
}
