import { bytes, change, duration } from "../../format.ts";
import { cacheWord } from "../cache-words.ts";
import { groupBy } from "../jobs.ts";
import type { CacheUse, ReportModel } from "../report-model.ts";
import { html, type Html } from "./html.ts";

const KINDS: Readonly<Record<string, string>> = {
  hit: "ok",
  exact: "ok",
  prefix: "ok",
  saved: "ok",
  exists: "plain",
  miss: "warn",
  corrupt: "bad",
  failed: "bad",
};

/** What each cache brought, and what its job took with and without. */
export function cachesSection({ caches, savings }: ReportModel): Html | null {
  if (caches.length === 0) return null;
  const restores = caches.filter(({ stage }) => stage === "main");
  const saves = caches.filter(({ stage }) => stage === "post");
  return html`<section id="caches">
    <header>
      <h2>Caches</h2>
      <p>
        ${savings.length > 0 ? "What was brought back, and what it saved against a run with empty caches." : "What was brought back from earlier runs, and kept for later ones."}
      </p>
    </header>
    ${
      savings.length > 0 &&
      html`<div class="scroll">
        <table>
          <thead>
            <tr>
              <th>Job</th>
              <th class="num">Empty caches</th>
              <th class="num">This run</th>
              <th class="num">Saved</th>
            </tr>
          </thead>
          <tbody>
            ${savings.map(({ job, nowMs, coldMs }) => {
              const saved = coldMs - nowMs;
              return html`<tr>
                <td>${job}</td>
                <td class="num">${duration(coldMs)}</td>
                <td class="num">${duration(nowMs)}</td>
                <td class="num">
                  <span class="${saved >= 0 ? "faster" : "slower"}"
                    >${saved >= 0 ? duration(saved) : `−${duration(-saved)}`}</span
                  >
                  <span class="muted">${change(nowMs, coldMs)}</span>
                </td>
              </tr>`;
            })}
          </tbody>
        </table>
      </div>`
    }
    ${restores.length > 0 && uses("Brought back", restores)}
    ${saves.length > 0 && uses("Kept for the next run", saves)}
  </section>`;
}

/** Above this many uses of caches they are shown together first. */
const MANY = 12;

function uses(title: string, rows: readonly CacheUse[]): Html {
  if (rows.length <= MANY)
    return html`<h3 class="sub">${title}</h3>
      ${useTable(rows)}`;
  const groups = groupBy(rows, ({ store, result }) => JSON.stringify([store, result]));
  return html`<h3 class="sub">${title}</h3>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Cache</th>
            <th>Result</th>
            <th class="num">Times</th>
            <th class="num">Size</th>
            <th class="num">Took</th>
          </tr>
        </thead>
        <tbody>
          ${[...groups.values()].map((group) => {
            const size = group.reduce((sum, use) => sum + use.bytes, 0);
            const ms = group.reduce((sum, use) => sum + use.ms, 0);
            return html`<tr>
              <td>${group[0]?.store}</td>
              <td>${pill(group[0]?.result ?? "")}</td>
              <td class="num">${group.length}</td>
              <td class="num">${size > 0 ? bytes(size) : "–"}</td>
              <td class="num">${duration(ms)}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
    <details class="small">
      <summary>All ${rows.length}</summary>
      ${useTable(rows)}
    </details>`;
}

function useTable(rows: readonly CacheUse[]): Html {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>Cache</th>
          <th class="wide">Job</th>
          <th>Result</th>
          <th class="num">Size</th>
          <th class="num">Took</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ store, job, result, bytes: size, ms }) =>
            html`<tr>
              <td>${store}<span class="narrow">${job}</span></td>
              <td class="wide">${job}</td>
              <td>${pill(result)}</td>
              <td class="num">${size > 0 ? bytes(size) : "–"}</td>
              <td class="num">${duration(ms)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function pill(result: string): Html {
  return html`<span class="pill ${KINDS[result] ?? "plain"}" title="${result}"
    >${cacheWord(result)}</span
  >`;
}
