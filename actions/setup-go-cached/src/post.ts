import type { Ports } from "@go-cicd/core/ports.ts";
import type { Inputs } from "./inputs.ts";
import { withdrawAccess } from "./private/access.ts";
import { savedSummary, savedText } from "./report.ts";
import { KEPT, type Kept } from "./run.ts";
import { removeProblemMatcher } from "./problem-matcher.ts";
import { saveBuild } from "./stores/build-store.ts";
import { savingText } from "./stores/cold-run.ts";
import { saveModules } from "./stores/module-store.ts";
import { keyOf, type SavedStore, type StorePlan } from "./stores/store-plan.ts";
import { deleteSuperseded } from "./stores/superseded.ts";
import { reportTests } from "./test-results/test-report.ts";
import { LINT, saveLint, type LintPlan } from "./tools/lint-cache.ts";
import { saveTools, TOOLS } from "./tools/save-tools.ts";
import type { ToolsPlan } from "./tools/tools.ts";

/** Saves what is worth it. The trust of the job was decided by main, before anything foreign ran. */
export async function post(inputs: Inputs, ports: Ports): Promise<void> {
  const { log, state, summary } = ports;
  withdrawAccess(ports);
  removeProblemMatcher(ports);
  const kept = state.load(KEPT) as Kept | undefined;
  if (kept === undefined) {
    log.info("Nothing is saved: the set-up did not come to its end.");
    return;
  }
  const jobMs = ports.clock.now() - kept.startMs;
  // Before the build cache is saved: the next job's explanation goes with it.
  const gocache = kept.build?.folder ?? ports.env["GOCACHE"];
  const tests =
    inputs.cache && gocache !== undefined
      ? await reportTests(gocache, kept.startMs, inputs.workingDirectory, ports)
      : undefined;
  if (kept.coldRun !== undefined) log.info(savingText(kept.coldRun, jobMs));

  const saved: SavedStore[] = [];
  const keep = async (plan: StorePlan, store: Promise<SavedStore>): Promise<void> => {
    const result = await store;
    saved.push(result);
    if (inputs.cacheToken === undefined || result.saved.kind !== "saved") return;
    const { key } = result.saved;
    await deleteSuperseded(plan.keys, key, keyOf(plan.restored), inputs.cacheToken, ports);
  };
  const { cacheBudget: budget, cacheDependencyPath: patterns } = inputs;
  if (kept.modules !== undefined) {
    await keep(kept.modules, saveModules(kept.modules, { patterns, budget }, ports));
  }
  if (kept.build !== undefined) {
    const jobFailed = /^(failure|cancelled)$/.test(inputs.jobStatus);
    const cold = kept.build.restored.kind === "miss" && !jobFailed ? { ms: jobMs } : kept.coldRun;
    const job = { startMs: kept.startMs, jobFailed, newTests: tests?.kept ?? 0, budget, cold };
    await keep(kept.build, saveBuild(kept.build, job, ports));
  }
  const tools = state.load(TOOLS) as ToolsPlan | undefined;
  if (tools !== undefined) saved.push({ title: "tools", saved: await saveTools(tools, ports) });
  const lint = state.load(LINT) as LintPlan | undefined;
  if (lint !== undefined) {
    saved.push({ title: "golangci-lint's cache", saved: await saveLint(lint, ports) });
  }
  for (const { title, saved: result } of saved) {
    const line = `${title}: ${savedText(result)}`;
    if (result.kind === "failed") log.warning(line);
    else log.info(line);
  }
  if (saved.length === 0) log.info("Nothing is saved by this job.");
  const text = savedSummary(saved, kept.coldRun, jobMs);
  if (text !== "") await summary.add(text);
}
