import { change, duration, moment } from "../../format.ts";
import type { Comparison, ReportModel } from "../report-model.ts";
import { percent } from "./axis.ts";
import { html, type Html } from "./html.ts";

/** Below both of these a difference is noise. */
const NOISE_MS = 200;
const NOISE_SHARE = 0.05;

/** Time per step, now and before. */
export function comparisonSection({ comparison }: ReportModel): Html | null {
  if (comparison === null || comparison.rows.length === 0) return null;
  const { rows, totalNow, totalBefore, generated, commit } = comparison;
  const most = Math.max(...rows.flatMap(({ now, before }) => [now ?? 0, before ?? 0]), 1);
  return html`<section id="comparison">
    <header>
      <h2>Now and before</h2>
      <p>
        Against the run of
        ${moment(generated)}${commit !== "" && html` (<code>${commit.slice(0, 12)}</code>)`}.
      </p>
    </header>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Step</th>
            <th class="num">Before</th>
            <th class="num">Now</th>
            <th class="num">Change</th>
            <th class="wide">before above, now below</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <td><strong>Whole run</strong></td>
            <td class="num">${duration(totalBefore)}</td>
            <td class="num">${duration(totalNow)}</td>
            <td class="num">${difference(totalNow, totalBefore)}</td>
            <td class="wide"></td>
          </tr>
          ${rows.map((row) => comparisonRow(row, most))}
        </tbody>
      </table>
    </div>
  </section>`;
}

function comparisonRow({ label, now, before }: Comparison["rows"][number], most: number): Html {
  const bar = (ms: number | null, fill: string): Html =>
    html`<div class="bar">
      <svg aria-hidden="true">
        <rect class="${fill}" width="${percent(ms ?? 0, most)}%" height="100%" />
      </svg>
    </div>`;
  return html`<tr>
    <td>${label}</td>
    <td class="num">${before === null ? "–" : duration(before)}</td>
    <td class="num">${now === null ? "–" : duration(now)}</td>
    <td class="num">
      ${now !== null && before !== null ? difference(now, before) : html`<span class="muted">${now === null ? "gone" : "new"}</span>`}
    </td>
    <td class="wide"><div class="pair">${bar(before, "f-quiet")}${bar(now, "f-path")}</div></td>
  </tr>`;
}

function difference(now: number, before: number): Html {
  const by = now - before;
  if (Math.abs(by) < NOISE_MS || Math.abs(by) < before * NOISE_SHARE) {
    return html`<span class="muted">same</span>`;
  }
  return html`<span class="${by < 0 ? "faster" : "slower"}">${change(now, before)}</span>`;
}
