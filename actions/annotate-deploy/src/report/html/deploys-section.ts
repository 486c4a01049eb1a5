import { duration, moment } from "../../format.ts";
import { succeeded } from "../deploys.ts";
import type { DeployEntry, ReportModel } from "../report-model.ts";
import { percent } from "./axis.ts";
import { html, type Html } from "./html.ts";

/** Each deploy as a short story: what served, what was switched in, what serves now. */
export function deploysSection({ deploys }: ReportModel): Html | null {
  if (deploys.length === 0) return null;
  const back = deploys.some(({ result }) => result === "rolled-back");
  return html`<section id="deploys">
    <header>
      <h2>${deploys.length === 1 ? "Deploy" : "Deploys"}</h2>
      <p>
        ${back ? "A release that does not hold is taken back, and what served before serves again." : "What was brought where, and what serves now."}
      </p>
    </header>
    ${deploys.map(oneDeploy)}
  </section>`;
}

const RESULT: Readonly<Record<string, [kind: string, words: string]>> = {
  deployed: ["ok", "deployed"],
  unchanged: ["ok", "unchanged"],
  "rolled-back": ["warn", "rolled back"],
  "rollback-failed": ["bad", "rollback failed"],
  failed: ["bad", "failed"],
  refused: ["bad", "refused"],
  inconclusive: ["warn", "inconclusive"],
};

function oneDeploy(deploy: DeployEntry): Html {
  const [kind, words] = RESULT[deploy.result] ?? ["plain", deploy.result];
  return html`<article class="release">
    <header>
      <h3>${deploy.service} → ${deploy.environment}</h3>
      <span class="pill ${kind}">${words}</span>
      <span class="muted small"
        >release <code>${deploy.release}</code> · ${moment(deploy.started)} · took
        ${duration(deploy.finished - deploy.started)}</span
      >
    </header>
    <ol class="flow">
      ${flow(deploy)}
    </ol>
    ${deploy.detail !== "" && !succeeded(deploy) && html`<p class="small"><strong>${deploy.reason}</strong>: ${deploy.detail}</p>`}
    ${stepsDrawn(deploy)}
    <details class="small">
      <summary>Details</summary>
      <dl class="facts">
        <dt>Image</dt>
        <dd><code>${deploy.image}</code></dd>
        <dt>Target</dt>
        <dd><code>${deploy.target}</code></dd>
        <dt>Commit</dt>
        <dd><code>${deploy.commit}</code></dd>
        <dt>Seen</dt>
        <dd>${deploy.detail === "" ? deploy.reason : deploy.detail}</dd>
      </dl>
    </details>
  </article>`;
}

function box(kind: string, title: string, about: string, grow = 1): Html {
  return html`<li class="${kind}" style="--grow:${grow}"><b>${title}</b><span>${about}</span></li>`;
}

function flow(deploy: DeployEntry): Html[] {
  const { previousRelease, serving, release, result, detectMs, restoreMs } = deploy;
  const before =
    previousRelease === null
      ? box("none", "Nothing served", "first release")
      : box("good", previousRelease, "served before");
  const verified = detectMs === null ? "healthy" : `healthy, verified in ${duration(detectMs)}`;
  switch (result) {
    case "deployed":
      return [before, box("good", release, `serves now: ${verified}`, 1.4)];
    case "unchanged":
      return [box("good", serving ?? release, "served before and serves now, unchanged")];
    case "rolled-back":
      return [
        before,
        box(
          "risk",
          release,
          detectMs === null
            ? "switched in, found broken"
            : `switched in, found broken in ${duration(detectMs)}`,
          1.2,
        ),
        box(
          "turn",
          "Rollback",
          restoreMs === null ? "to the last good release" : `restored in ${duration(restoreMs)}`,
          0.8,
        ),
        serving === null
          ? box("risk", "Nothing serves", "no release to go back to")
          : box("good", serving, "serves again, checked"),
      ];
    default:
      return [
        before,
        box(
          "risk",
          release,
          result === "refused" ? "refused, never switched in" : result.replace("-", " "),
          1.2,
        ),
        serving === null
          ? box("risk", "Nothing serves", deploy.reason)
          : box("good", serving, "serves now"),
      ];
  }
}

/** The steps of the deploy to one scale, below each other. */
function stepsDrawn({ steps }: DeployEntry): Html | null {
  if (steps.length === 0) return null;
  const start = Math.min(...steps.map((step) => step.start));
  const length = Math.max(1, Math.max(...steps.map((step) => step.end)) - start);
  return html`<div class="gantt sub" style="--tick:100%">
    ${steps.map(
      (step) =>
        html`<div class="row phase">
          <span class="name" title="${step.detail}">${step.name}</span>
          <div class="track">
            <svg role="img" aria-label="${step.ok ? "good" : "not good"}">
              <rect
                class="${step.ok ? "f-ok" : "f-bad"}"
                rx="2"
                x="${Math.min(99.7, percent(step.start - start, length))}%"
                width="${Math.max(0.3, percent(step.end - step.start, length))}%"
                height="100%"
              >
                <title>${step.name}: ${step.detail}</title>
              </rect>
            </svg>
          </div>
          <span class="time muted">${duration(step.end - step.start)}</span>
        </div>`,
    )}
  </div>`;
}
