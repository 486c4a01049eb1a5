import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Outcome } from "@go-cicd/core/action.ts";
import { ActionError } from "@go-cicd/core/errors.ts";
import { invalidInputs } from "@go-cicd/core/inputs.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import {
  TEST_REPORT_ARTIFACT,
  TEST_REPORT_FILE,
  type TestReport,
} from "@go-cicd/core/test-report.ts";
import { annotate } from "./annotations.ts";
import { checkInputs, type CheckName, type Inputs, type Outputs } from "./inputs.ts";
import { mergeResults } from "./merge.ts";
import { formatReference, matrixOf } from "./plan.ts";
import { flagsOf, makePlan, type Cells } from "./planning.ts";
import {
  findOnlyPlan,
  findPlan,
  jobFolder,
  keepPlan,
  markAttempt,
  sharePlan,
  type KnownPlan,
} from "./plan-store.ts";
import { countResults, describeCounts, many, type ShardResults } from "./results.ts";
import { findResults, keepResults, shareResults } from "./results-store.ts";
import { runShard, type ShardTask } from "./shard-run.ts";
import { reportMarkdown } from "./summary.ts";

/** Plans, runs, reports, or does the three in one job. */
export async function main(inputs: Inputs, ports: Ports): Promise<Outcome<Outputs>> {
  const checks = checkInputs(inputs);
  switch (inputs.mode) {
    case "plan":
      return planMode(inputs, checks, ports);
    case "run":
      return runMode(inputs, checks, ports);
    case "report":
      return reportMode(
        inputs.plan === undefined ? await findOnlyPlan(ports) : await findPlan(inputs.plan, ports),
        undefined,
        ports,
      );
    case "all":
      return allMode(inputs, checks, ports);
  }
}

async function planMode(
  inputs: Inputs,
  checks: readonly CheckName[],
  ports: Ports,
): Promise<Outcome<Outputs>> {
  const known = await plan(inputs, checks, "matrix", ports);
  await sharePlan(known, ports);
  await markAttempt(known, ports);
  return { outputs: planOutputs(known) };
}

function planOutputs(known: KnownPlan): Outcome<Outputs>["outputs"] {
  return {
    matrix: JSON.stringify(matrixOf(known.plan)),
    plan: formatReference(known.reference),
  };
}

async function plan(
  inputs: Inputs,
  checks: readonly CheckName[],
  cells: Cells,
  ports: Ports,
): Promise<KnownPlan> {
  return ports.timeline.phase("plan tests", async (phase) => {
    const known = keepPlan(await makePlan(inputs, checks, cells, ports), ports);
    const { modules, cells: planned } = known.plan;
    const shards = planned.flatMap((cell) => cell.shards);
    const packages = shards.reduce((sum, shard) => sum + shard.packages.length, 0);
    phase.count("cells", planned.length);
    phase.count("shards", shards.length);
    phase.count("packages", packages);
    ports.log.info(
      `Plan: ${many(packages, "package")} of ${many(modules.length, "module")} in ${many(shards.length, "shard")} of ${many(planned.length, "cell")}`,
    );
    return known;
  });
}

async function runMode(
  inputs: Inputs,
  checks: readonly CheckName[],
  ports: Ports,
): Promise<Outcome<Outputs>> {
  const handedOver = inputs.plan !== undefined;
  const known = handedOver
    ? await findPlan(inputs.plan, ports)
    : await plan(inputs, checks, "here", ports);
  if (handedOver) refuseOtherFlags(inputs, known);
  const planned = known.plan.cells.flatMap(({ shards }) => shards);
  // Shards that plan for themselves plan the same; one report will need the plan.
  if (!handedOver && planned.length > 1) await sharePlan(known, ports);
  const task = { known, handedOver, ...chooseShard(inputs, known) };
  const results = await runShard(task, ports);
  keepResults(results, known.reference, ports);
  await shareResults(results, known.reference, ports);
  // With a plan the report annotates, once for all cells; a run on its own is its own report.
  if (!handedOver && planned.length === 1) return reportMode(known, [results], ports);
  return { outputs: { ...planOutputs(known), ...shardOutputs(results) }, ...shardFailure(results) };
}

function shardOutputs(results: ShardResults): Outcome<Outputs>["outputs"] {
  return countOutputs(countResults(results.packages), results.verdict);
}

function shardFailure(results: ShardResults): { failure?: ActionError } {
  if (results.verdict === "pass") return {};
  const counts = describeCounts(countResults(results.packages), results.verdict, results.failures);
  const name = `Shard ${results.shard} of ${results.cell}`;
  return { failure: verdictError(`${name}: ${counts}`, results) };
}

async function allMode(
  inputs: Inputs,
  checks: readonly CheckName[],
  ports: Ports,
): Promise<Outcome<Outputs>> {
  const known = await plan(inputs, checks, "here", ports);
  const own: ShardResults[] = [];
  for (const cell of known.plan.cells) {
    for (const shard of cell.shards) {
      const results = await runShard({ known, handedOver: false, cell, shard }, ports);
      keepResults(results, known.reference, ports);
      own.push(results);
    }
  }
  return reportMode(known, own, ports);
}

/** @param own results of this very step, when it ran everything itself; else they are looked for */
async function reportMode(
  known: KnownPlan,
  own: readonly ShardResults[] | undefined,
  ports: Ports,
): Promise<Outcome<Outputs>> {
  return ports.timeline.phase("report tests", async (phase) => {
    const found =
      own === undefined
        ? await findResults(known.reference, ports)
        : { results: [...own], troubles: [] };
    for (const { detail } of found.troubles) ports.log.warning(detail);
    const { repository, sha, runId, runAttempt } = ports.context;
    const report = mergeResults(known, found, {
      ...{ repository, commit: sha, runId, runAttempt },
      now: ports.clock.now(),
    });
    phase.count("tests", report.counts.tests);
    phase.count("failures", report.failures.length);
    const file = join(jobFolder(ports), TEST_REPORT_FILE);
    writeFileSync(file, `${JSON.stringify(report)}\n`);
    await ports.summary.add(reportMarkdown(report));
    annotate(report, ports.log);
    await shareReport(file, known, ports);
    const said = describeCounts(report.counts, report.verdict, report.failures);
    ports.log.info(`Verdict: ${report.verdict} (${said})`);
    const outputs = {
      ...planOutputs(known),
      ...countOutputs(report.counts, report.verdict),
      report: file,
    };
    if (report.verdict === "pass") return { outputs };
    const reasons = report.cells.flatMap(({ shards }) => shards.flatMap((shard) => shard.reasons));
    return { outputs, failure: verdictError(`Go tests: ${said}`, { ...report, reasons }) };
  });
}

/** A second report of one run (another matrix, a later attempt) gets a name of its own. */
async function shareReport(file: string, known: KnownPlan, ports: Ports): Promise<void> {
  const suffix = `${known.reference.name.slice(-12)}-${ports.context.runAttempt}`;
  for (const name of [TEST_REPORT_ARTIFACT, `${TEST_REPORT_ARTIFACT}-${suffix}`]) {
    const upload = await ports.artifacts.upload(name, [file], jobFolder(ports));
    if (upload.kind === "uploaded") return;
    if (upload.kind === "unavailable") {
      ports.log.info(`The report stays in ${file}: ${upload.detail}`);
      return;
    }
  }
  ports.log.warning(`The report is not uploaded: this run has one of this plan and attempt`);
}

function countOutputs(
  counts: TestReport["counts"],
  verdict: TestReport["verdict"],
): Outcome<Outputs>["outputs"] {
  return {
    verdict,
    tests: String(counts.tests),
    passed: String(counts.passed),
    failed: String(counts.failed + counts.incomplete),
    skipped: String(counts.skipped),
    packages: String(counts.packages),
    "failed-packages": String(counts.failedPackages),
    cached: String(counts.cachedPackages),
  };
}

function verdictError(
  message: string,
  { verdict, failures, reasons }: Pick<ShardResults, "verdict" | "failures" | "reasons">,
): ActionError {
  const word = verdict === "incomplete" ? " (incomplete: not everything ran to its end)" : "";
  const why = reasons.slice(0, 3).map((reason) => `\n- ${reason}`);
  const repeat = failures.find((failure) => failure.repeat !== null)?.repeat;
  return new ActionError(
    "verdict",
    `${message}${word}${why.join("")}`,
    repeat == null ? {} : { hint: `Repeat the first failure: ${repeat}` },
  );
}

/** The shard of the inputs; a plan with one needs no input. @throws ActionError `input` */
function chooseShard(
  inputs: Inputs,
  { plan: { cells } }: KnownPlan,
): Pick<ShardTask, "cell" | "shard"> {
  const cell =
    inputs.cell === undefined && cells.length === 1
      ? cells[0]
      : cells.find(({ id }) => id === inputs.cell);
  if (cell === undefined) {
    const names = cells.map(({ id }) => id).join(", ");
    throw invalidInputs([
      `cell must be one of ${names}, not ${JSON.stringify(inputs.cell ?? "")}: give \`\${{ matrix.cell }}\``,
    ]);
  }
  const number = inputs.shard ?? (cell.shards.length === 1 ? 1 : undefined);
  const shard = cell.shards.find((one) => one.shard === number);
  if (shard === undefined) {
    throw invalidInputs([
      `shard must be one of 1 to ${cell.shards.length}, not ${JSON.stringify(number ?? "")}: give \`\${{ matrix.shard }}\``,
    ]);
  }
  return { cell, shard };
}

/** What was planned is what is run: flags belong to the step that plans. */
function refuseOtherFlags(inputs: Inputs, { plan: { flags } }: KnownPlan): void {
  const given = flagsOf(inputs);
  const problems: string[] = [];
  if (given.race && !flags.race) problems.push("race was not planned; give it to `mode: plan`");
  if (given.tags.length > 0 && given.tags.join() !== flags.tags.join()) {
    problems.push("tags are other than planned; give them to `mode: plan`");
  }
  if (given.testFlags.length > 0 && given.testFlags.join("\n") !== flags.testFlags.join("\n")) {
    problems.push("test-flags are other than planned; give them to `mode: plan`");
  }
  if (problems.length > 0) throw invalidInputs(problems);
}
