import type { Ports } from "@go-cicd/core/ports.ts";
import { markdownTable, escapeMarkdown } from "@go-cicd/core/summary.ts";
import type { Inputs } from "./inputs.ts";
import { withdrawAccess } from "./private/access.ts";
import { savedText } from "./report.ts";
import { KEPT, type Kept } from "./run.ts";
import { removeProblemMatcher } from "./problem-matcher.ts";
import { LINT, saveLint, type LintPlan } from "./tools/lint-cache.ts";
import { saveTools, TOOLS } from "./tools/save-tools.ts";
import type { ToolsPlan } from "./tools/tools.ts";
import { saveBuild, saveModules, type Saved } from "./stores/stores.ts";
import { reportTests } from "./test-results/test-report.ts";

/** Saves what is worth it. The trust of the job was decided by main, before anything foreign ran. */
export async function post(inputs: Inputs, ports: Ports): Promise<void> {
  withdrawAccess(ports);
  removeProblemMatcher(ports);
  const kept = ports.state.load(KEPT) as Kept | undefined;
  if (kept === undefined) {
    ports.log.info("Nothing is saved: the set-up did not come to its end.");
    return;
  }
  // Before the build cache is saved: the next job's explanation goes with it.
  const gocache = kept.build?.folder ?? ports.env["GOCACHE"];
  if (inputs.cache && gocache !== undefined) {
    await reportTests(gocache, kept.startMs, inputs.workingDirectory, ports);
  }
  const saved: (readonly [title: string, result: Saved])[] = [];
  if (kept.modules !== undefined) {
    saved.push(["modules", await saveModules(kept.modules, inputs.cacheDependencyPath, ports)]);
  }
  if (kept.build !== undefined) {
    const failed = /^(failure|cancelled)$/.test(inputs.jobStatus);
    saved.push(["build cache", await saveBuild(kept.build, kept.startMs, failed, ports)]);
  }
  const tools = ports.state.load(TOOLS) as ToolsPlan | undefined;
  if (tools !== undefined) saved.push(["tools", await saveTools(tools, ports)]);
  const lint = ports.state.load(LINT) as LintPlan | undefined;
  if (lint !== undefined) saved.push(["golangci-lint's cache", await saveLint(lint, ports)]);
  for (const [title, result] of saved) {
    const line = `${title}: ${savedText(result)}`;
    if (result.kind === "failed") ports.log.warning(line);
    else ports.log.info(line);
  }
  if (saved.length === 0) {
    ports.log.info("Nothing is saved by this job.");
    return;
  }
  const rows = saved.map(([title, result]) => [title, escapeMarkdown(savedText(result))]);
  await ports.summary.add(`${markdownTable(["store", "at the end of the job"], rows)}\n`);
}
