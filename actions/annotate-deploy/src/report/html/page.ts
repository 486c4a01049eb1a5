import { createHash } from "node:crypto";
import { moment } from "../../format.ts";
import { headline } from "../headline.ts";
import type { ReportModel } from "../report-model.ts";
import { cachesSection } from "./caches-section.ts";
import { comparisonSection } from "./comparison-section.ts";
import { deploysSection } from "./deploys-section.ts";
import { header } from "./header.ts";
import { html, markup, type Html } from "./html.ts";
import { imagesSection } from "./images-section.ts";
import { styleSheet } from "./style.ts";
import { testsSection } from "./tests-section.ts";
import { timelineSection } from "./timeline-section.ts";

/** Everything can be read without it: it only adds a field that hides rows. */
const SCRIPT = `for (const place of document.querySelectorAll("[data-filter]")) {
  const field = document.createElement("input");
  field.type = "search";
  field.className = "filter";
  field.placeholder = place.dataset.label;
  field.setAttribute("aria-label", place.dataset.label);
  const items = document.querySelectorAll(place.dataset.filter);
  field.addEventListener("input", () => {
    const wanted = field.value.toLowerCase();
    for (const item of items) item.hidden = !item.textContent.toLowerCase().includes(wanted);
  });
  place.append(field);
}`;

/**
 * The whole report as one page: nothing is loaded from anywhere, and its own policy forbids it, so
 * that nothing that came from outside could make it.
 */
export function htmlPage(model: ReportModel): string {
  const sections: [id: string, title: string, content: Html | null][] = [
    ["timeline", "Timeline", timelineSection(model)],
    ["tests", "Tests", testsSection(model)],
    ["deploys", "Deploys", deploysSection(model)],
    ["caches", "Caches", cachesSection(model)],
    ["images", "Image", imagesSection(model)],
    ["comparison", "Now and before", comparisonSection(model)],
    ["notes", "Not shown", notesSection(model)],
  ];
  const present = sections.filter(([, , content]) => content !== null);
  const { run } = model;
  const policy = [
    "default-src 'none'",
    `style-src 'unsafe-inline'`,
    `script-src 'sha256-${createHash("sha256").update(SCRIPT).digest("base64")}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>
          ${headline(model)} · ${run.repository === "" ? "pipeline report" : run.repository}
        </title>
        ${markup(`<style>${styleSheet()}</style>`)}
      </head>
      <body>
        ${header(
          model,
          present.map(([id, title]) => [id, title]),
        )}
        <main>${present.map(([, , content]) => content)}</main>
        <footer>
          Made by go-cicd annotate-deploy, ${moment(run.generated)}. One file, no network. Critical
          path: inferred from the times of jobs and phases.
        </footer>
        ${markup(`<script>${SCRIPT}</script>`)}
      </body>
    </html> `;
  return page.text;
}

function notesSection({ notes }: ReportModel): Html | null {
  if (notes.length === 0) return null;
  return html`<section id="notes">
    <header>
      <h2>Not shown</h2>
      <p>What this report could not have or read.</p>
    </header>
    <ul>
      ${notes.map((note) => html`<li>${note}</li>`)}
    </ul>
  </section>`;
}
