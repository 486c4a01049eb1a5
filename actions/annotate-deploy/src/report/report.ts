import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Outcome } from "@go-cicd/core/action.ts";
import { at } from "@go-cicd/core/context.ts";
import { ActionError } from "@go-cicd/core/errors.ts";
import { JOB_FOLDER } from "@go-cicd/core/names.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { Inputs, outputs } from "../inputs.ts";
import { buildModel } from "./build-model.ts";
import { gatherEvidence } from "./evidence.ts";
import { headline } from "./headline.ts";
import { htmlPage } from "./html/page.ts";
import { markdownReport } from "./markdown.ts";

/** Artifact of the page and its data; the attempt follows. */
const REPORT_ARTIFACT = "go-cicd-report-";

/**
 * Mode `report`: the run's report as job summary, as one HTML page and as data. The report tells
 * of a red run and is itself green: what was red is red where it happened.
 */
export async function report(inputs: Inputs, ports: Ports): Promise<Outcome<typeof outputs>> {
  const { context, log, summary, timeline, artifacts } = ports;
  const evidence = await timeline.phase("gather the run's evidence", () =>
    gatherEvidence(inputs, ports),
  );
  const model = buildModel(evidence);
  const folder =
    inputs.reportFolder === undefined
      ? join(context.temp, JOB_FOLDER, "report")
      : resolve(context.workspace, inputs.reportFolder);
  const page = join(folder, "report.html");
  const data = join(folder, "report.json");
  write(folder, [
    [page, htmlPage(model)],
    [data, `${JSON.stringify(model)}\n`],
  ]);
  await summary.add(markdownReport(model));
  const name = `${REPORT_ARTIFACT}${context.runAttempt}`;
  const kept = await artifacts.upload(name, [page, data], folder);
  switch (kept.kind) {
    case "uploaded":
      log.info(`The report is the artifact ${name}.`);
      break;
    case "exists":
      log.warning(`The report was not kept as artifact: there is a ${name} already.`);
      break;
    case "unavailable":
      log.warning(`The report was not kept as artifact: ${kept.detail}`);
      break;
  }
  for (const note of model.notes) log.warning(note);
  log.info(`${headline(model)}: ${page}`);
  return { outputs: { report: page, "report-data": data, verdict: model.verdict.kind } };
}

function write(folder: string, files: readonly (readonly [path: string, text: string])[]): void {
  try {
    mkdirSync(folder, { recursive: true });
    for (const [path, text] of files) writeFileSync(path, text);
  } catch (error) {
    const code = at(error, "code");
    if (typeof code !== "string") throw error;
    throw new ActionError("environment", `The report cannot be written to ${folder} (${code})`, {
      hint: "Give a folder that this job may write to as report-folder.",
    });
  }
}
