import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "@go-cicd/core/errors.ts";
import { JOB_FOLDER } from "@go-cicd/core/names.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { escapeMarkdown, markdownTable } from "@go-cicd/core/summary.ts";
import { readTestEntries } from "./cache-entries.ts";
import { moduleFolders, placeOf, type ModuleFolder } from "./module-folders.ts";
import { NOTHING_KNOWN, whyRan } from "./reasons.ts";
import { emptyRecord, readRecord, writeRecord, type TestRecord } from "./record.ts";
import { InputStates, inputsOf, type TestInput } from "./test-inputs.ts";
import { packageTests, type PackageTests } from "./test-runs.ts";

/** What came of the job's tests, for people. */
export interface TestReport {
  cached: number;
  /** Packages that ran, each with the reason. */
  ran: { package: string; why: string }[];
  /** Packages that ran and whose results were kept. */
  kept: number;
  /** No job before left anything: then there is one reason for all. */
  first: boolean;
}

const LOG_LINES = 500;
const SUMMARY_ROWS = 50;

/**
 * Says which tests ran in this job and why, and leaves in the build cache what the next job needs to
 * say so. To be called before the build cache is saved; a job never fails because of it.
 */
export async function reportTests(
  gocache: string,
  startMs: number,
  workingDirectory: string,
  ports: Ports,
): Promise<TestReport | undefined> {
  try {
    const report = await ports.timeline.phase("read test results", async (phase) => {
      const found = await readTests(gocache, startMs, workingDirectory, ports);
      phase.count("cached", found?.cached ?? 0);
      phase.count("ran", found?.ran.length ?? 0);
      return found;
    });
    if (report !== undefined) await show(report, ports);
    return report;
  } catch (error) {
    ports.signal.throwIfAborted();
    ports.log.warning(`What tests ran and why cannot be told: ${messageOf(error)}`);
    return undefined;
  }
}

/** Undefined when no test ran. */
async function readTests(
  gocache: string,
  startMs: number,
  workingDirectory: string,
  ports: Ports,
): Promise<TestReport | undefined> {
  if (!existsSync(gocache)) return undefined;
  const tests = packageTests(readTestEntries(gocache, startMs));
  if (tests.length === 0) return undefined;
  const { workspace } = ports.context;
  const before = recordBefore(gocache, ports);
  const record = before ?? emptyRecord();
  const modules = await moduleFolders(workingDirectory, ports);
  const states = new InputStates(workspace, ports.env, record.salt);
  const report: TestReport = { cached: 0, ran: [], kept: 0, first: before === undefined };
  const packages = new Map(record.packages);
  for (const one of tests) {
    if (one.kind === "cached") {
      report.cached += 1;
      continue;
    }
    if (one.kind === "ran") report.kept += 1;
    const inputs = one.kind === "ran" ? inputsOfRun(one, modules, workspace) : undefined;
    report.ran.push({ package: one.package, why: whyRan(one, before, inputs, states) });
    remember(packages, one, inputs, states);
  }
  writeRecord(gocache, { ...record, packages: present(packages, modules) });
  return report;
}

/**
 * The record as it was when the job began. Where a job sets up Go twice, the end of the second set-up
 * has already written a new one when the end of the first comes.
 */
function recordBefore(gocache: string, { context }: Ports): TestRecord | undefined {
  if (context.temp === "") return readRecord(gocache);
  const kept = join(context.temp, JOB_FOLDER, "test-record");
  if (existsSync(kept)) return readRecord(kept);
  const record = readRecord(gocache);
  mkdirSync(kept, { recursive: true });
  if (record !== undefined) writeRecord(kept, record);
  return record;
}

function inputsOfRun(
  { package: name, log }: Extract<PackageTests, { kind: "ran" }>,
  modules: readonly ModuleFolder[],
  workspace: string,
): TestInput[] | undefined {
  const place = placeOf(name, modules);
  if (log === undefined || place === undefined) return undefined;
  return inputsOf(log.text, place.folder, place.module, workspace);
}

function remember(
  packages: TestRecord["packages"],
  tests: PackageTests,
  inputs: readonly TestInput[] | undefined,
  states: InputStates,
): void {
  const before = packages.get(tests.package);
  if (tests.kind === "ran") {
    packages.set(tests.package, {
      kept: true,
      ids: [...(tests.log?.ids ?? []), ...(before?.ids ?? [])],
      inputs: (inputs ?? []).map((input) => ({ ...input, state: states.stateOf(input) })),
    });
  } else {
    packages.set(tests.package, {
      ids: before?.ids ?? [],
      inputs: before?.inputs ?? [],
      kept: false,
    });
  }
}

/** Packages that are not there any more are forgotten. */
function present(
  packages: TestRecord["packages"],
  modules: readonly ModuleFolder[],
): TestRecord["packages"] {
  return new Map(
    [...packages].filter(([name]) => {
      const place = placeOf(name, modules);
      return place === undefined || existsSync(place.folder);
    }),
  );
}

/** `Tests: 21 packages from cache, 4 ran` */
export function testLine({ cached, ran, first }: TestReport): string {
  const line = `Tests: ${cached} ${cached === 1 ? "package" : "packages"} from cache, ${ran.length} ran`;
  if (!first || ran.length === 0) return line;
  return cached === 0
    ? `${line} (no job before this one left results here)`
    : `${line} (the next job can say why)`;
}

async function show(report: TestReport, { log, summary }: Ports): Promise<void> {
  log.info(testLine(report));
  // One reason for all has been said.
  const ran = report.first
    ? report.ran.filter(({ why }) => why !== NOTHING_KNOWN && !why.startsWith(`${NOTHING_KNOWN};`))
    : report.ran;
  if (ran.length > 0) {
    await log.group("Why tests ran", () => {
      for (const { package: name, why } of ran.slice(0, LOG_LINES)) {
        log.info(printable(`${name}: ${why}`));
      }
      if (ran.length > LOG_LINES) log.info(`and ${ran.length - LOG_LINES} more`);
      return Promise.resolve();
    });
  }
  await summary.add(testSummary(report, ran));
}

/** The line, and a table of what ran. */
export function testSummary(report: TestReport, ran: TestReport["ran"]): string {
  const line = `${escapeMarkdown(testLine(report))}.`;
  if (ran.length === 0) return `${line}\n`;
  const rows = ran
    .slice(0, SUMMARY_ROWS)
    .map(({ package: name, why }) => [escapeMarkdown(name), escapeMarkdown(why)]);
  const more =
    ran.length > SUMMARY_ROWS ? `\n\nAnd ${ran.length - SUMMARY_ROWS} more, in the log.` : "";
  return `${line}\n\n${markdownTable(["package that ran", "why"], rows)}${more}\n`;
}

/** Names of files can hold anything; control characters would act on a terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "?");
}
