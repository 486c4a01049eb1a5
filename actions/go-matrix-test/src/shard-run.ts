import { join } from "node:path";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { commandLine } from "@go-cicd/core/process.ts";
import { worst, type PackageResult } from "@go-cicd/core/test-report.ts";
import { fmt, vet, type CheckContext, type CheckOutcome } from "./checks.ts";
import { failuresOf, rankFailures } from "./failures.ts";
import { goCommand, goEnvironment, testArgs, type GoEnvironment } from "./go-command.ts";
import type { CheckName } from "./inputs.ts";
import { judge, judgePackage, type JudgedPackage, type Judgement } from "./judgement.ts";
import { packageLog, type PackageLog } from "./package-log.ts";
import {
  listPackages,
  moduleEnvironment,
  type ModulePlan,
  type PlannedPackage,
} from "./packages.ts";
import { isVersion, type PlannedCell, type PlannedShard } from "./plan.ts";
import type { KnownPlan } from "./plan-store.ts";
import { redactFailure, redaction } from "./redaction.ts";
import { many, type ShardResults } from "./results.ts";
import { sourcePlaces } from "./source-places.ts";
import { testStream, type TestStream } from "./test-stream.ts";
import { transcript } from "./transcript.ts";

/** A shard of a plan that is to be run here. */
export interface ShardTask {
  known: KnownPlan;
  /** The plan was made by an earlier step, maybe on another machine. */
  handedOver: boolean;
  cell: PlannedCell;
  shard: PlannedShard;
}

/**
 * Runs one shard: tests module by module, its checks beside them. Never throws for what tests do;
 * @throws ActionError when this machine is not what the cell asks for.
 */
export async function runShard(task: ShardTask, ports: Ports): Promise<ShardResults> {
  const { known, cell, shard } = task;
  const { plan, reference } = known;
  const { workspace } = ports.context;
  const started = ports.clock.now();
  const modules = plan.modules.filter(({ folder }) =>
    shard.packages.some(({ module }) => module === folder),
  );
  const first = modules[0] ?? plan.modules[0];
  const here = await goEnvironment(ports, join(workspace, first?.folder ?? "."));
  checkMachine(task, here, ports);

  const everything = plan.cells.flatMap(({ shards }) => shards.flatMap(({ packages }) => packages));
  const places = sourcePlaces({
    workspace,
    foreign: [here.GOROOT, ...here.GOMODCACHE.split(/[:;](?=[/\\])/)],
    packages: everything,
  });
  const log = packageLog(ports.log);
  const context: CheckContext = {
    ...{ ports, workspace, cell: cell.id, shard: shard.shard, flags: plan.flags, places },
    goroot: here.GOROOT,
  };

  // Checks and tests share the machine; what they print is shown one after the other.
  const checking = runChecks(task, modules, context, log);
  const runs: ModuleRun[] = [];
  for (const module of modules) {
    const packages = shard.packages.filter((item) => item.module === module.folder);
    const run = await ports.timeline.phase(`test ${module.folder}`, async (phase) => {
      const done = await runModule(module, packages, task, ports, log);
      phase.count("packages", packages.length);
      phase.count(
        "tests",
        sum(done.judgement.packages, ({ tests }) => tests.length),
      );
      phase.count("cached", done.judgement.packages.filter(({ cached }) => cached).length);
      return done;
    });
    runs.push(run);
  }
  const unplanned = await findUnplanned(task, ports);
  const checks = await checking;
  await log.done();

  const failures = runs.flatMap((run) =>
    failuresOf(run.judgement, run.stream, {
      ...{ workspace, module: run.module.folder, cell: cell.id, flags: plan.flags },
      ...{ packages: everything, places, stderr: run.stderr },
    }),
  );
  const redact = redaction(ports.env);
  const reasons = [...runs.flatMap(({ judgement }) => judgement.reasons), ...unplanned];
  return {
    version: 1,
    plan: `sha256:${reference.sha256}`,
    cell: cell.id,
    shard: shard.shard,
    attempt: ports.context.runAttempt,
    go: here.GOVERSION,
    goos: here.GOOS,
    goarch: here.GOARCH,
    started,
    finished: ports.clock.now(),
    verdict: worst([
      ...runs.map(({ judgement }) => judgement.verdict),
      ...checks.map(({ result }) => result.verdict),
      ...(reasons.length > 0 ? (["incomplete"] as const) : []),
    ]),
    reasons,
    packages: runs.flatMap(({ module, judgement }) =>
      judgement.packages.map((item) => packageResult(item, module.folder, task)),
    ),
    checks: checks.map(({ result }) => result),
    failures: rankFailures(
      withoutEchoes([...failures, ...checks.flatMap((done) => done.failures)]),
    ).map((failure) => redactFailure(failure, redact)),
  };
}

/** Vet repeats what the compiler said of the same line; once is enough. */
function withoutEchoes(failures: ShardResults["failures"]): ShardResults["failures"] {
  const built = new Set(
    failures
      .filter(({ kind }) => kind === "build")
      .map(({ file, line }) => `${file ?? ""}:${line ?? ""}`),
  );
  return failures.filter(
    ({ kind, file, line }) =>
      kind !== "vet" || file === null || !built.has(`${file}:${line ?? ""}`),
  );
}

interface ModuleRun {
  module: ModulePlan;
  judgement: Judgement;
  stream: TestStream;
  stderr: string;
}

async function runModule(
  module: ModulePlan,
  packages: readonly PlannedPackage[],
  { known: { plan }, shard }: ShardTask,
  ports: Ports,
  log: PackageLog,
): Promise<ModuleRun> {
  const { flags } = plan;
  const planned = packages.map(({ path }) => path);
  const args = testArgs(flags, !shard.checks.includes("vet"), planned);
  const command = goCommand(
    ports,
    join(ports.context.workspace, module.folder),
    args,
    moduleEnvironment(module),
  );
  ports.log.info(
    `${module.folder}: ${commandLine({ file: "go", args: args.slice(0, -planned.length) })} (${many(planned.length, "package")})`,
  );
  const reader = testStream((run) => {
    log.package(judgePackage(run.path, run, flags.race));
  });
  const stderr = transcript();
  const exit = await ports.processes.run({
    ...command,
    keepBytes: 0,
    // Go prints every goroutine on SIGQUIT, which tells where a test hangs.
    stopSignal: "SIGQUIT",
    onStdout: (chunk) => {
      reader.push(chunk);
    },
    onStderr: (chunk) => {
      stderr.add(Buffer.from(chunk).toString("utf8"));
    },
  });
  const stream = reader.end();
  const judgement = judge(stream, exit, { planned, race: flags.race });
  const words = [stream.text.text, stderr.text].filter((text) => text.trim() !== "").join("\n");
  const builds = [...stream.builds.values()].map(({ output }) => output.text).join("");
  if (builds !== "") log.block(`Build output of ${module.folder}`, builds);
  if (words !== "") log.block(`Other output of go test in ${module.folder}`, words);
  return { module, judgement, stream, stderr: stderr.text };
}

async function runChecks(
  { known: { plan }, shard }: ShardTask,
  modules: readonly ModulePlan[],
  context: CheckContext,
  log: PackageLog,
): Promise<CheckOutcome[]> {
  const folders = plan.modules.map(({ folder }) => folder);
  const run = async (name: string, work: () => Promise<CheckOutcome>): Promise<CheckOutcome> => {
    const done = await context.ports.timeline.phase(name, work);
    const { result } = done;
    log.block(
      `${result.verdict === "pass" ? "ok   " : "FAIL "} ${name}: ${result.detail}`,
      done.text,
    );
    return done;
  };
  const vets = modules.map((module) => () => {
    const packages = shard.packages.filter((item) => item.module === module.folder);
    return run(`vet ${module.folder}`, () => vet(module, packages, context));
  });
  const fmts = plan.modules.map(
    (module) => () => run(`fmt ${module.folder}`, () => fmt(module, folders, context)),
  );
  const has = (name: CheckName): boolean => shard.checks.includes(name);
  const done = await Promise.all([
    oneByOne(has("vet") ? vets : []),
    oneByOne(has("fmt") ? fmts : []),
  ]);
  return done.flat();
}

/** A machine that tests has no room for the same check of all modules at once. */
async function oneByOne<T>(work: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  for (const start of work) results.push(await start());
  return results;
}

/** A plan for another version, system or commit would make a verdict about something else. */
function checkMachine({ known, cell }: ShardTask, here: GoEnvironment, ports: Ports): void {
  const { plan } = known;
  if (!isVersion(here.GOVERSION, cell.go)) {
    throw new ActionError(
      "environment",
      `Cell ${cell.id} is for Go ${cell.go}, and this job has ${here.GOVERSION}`,
      { hint: "Set up Go with `go-version: ${{ matrix.go }}` before this step." },
    );
  }
  if (cell.goos !== "" && cell.goos !== here.GOOS) {
    throw new ActionError(
      "environment",
      `Cell ${cell.id} is for ${cell.goos}, and this job runs on ${here.GOOS}`,
      {
        hint: "Let the job run on `runs-on: ${{ matrix.os }}`.",
      },
    );
  }
  if (plan.commit !== "" && plan.commit !== ports.context.sha) {
    throw new ActionError(
      "input",
      `The plan is for commit ${plan.commit}, and this job is for ${ports.context.sha}`,
      {
        hint: "Plan and run in the same workflow run.",
      },
    );
  }
}

/**
 * Packages of this machine that no shard of the cell has. The first shard of a cell looks, since
 * the plan may have been made on another system.
 */
async function findUnplanned(
  { known, handedOver, cell, shard }: ShardTask,
  ports: Ports,
): Promise<string[]> {
  const { plan } = known;
  if (shard.shard !== 1 || !handedOver || ports.signal.aborted) return [];
  const found = await listPackages(ports, plan.modules, {
    workspace: ports.context.workspace,
    folder: plan.folder,
    patterns: plan.patterns,
    flags: plan.flags,
    platform: {},
  });
  const planned = new Set(cell.shards.flatMap(({ packages }) => packages.map(key)));
  return found
    .filter((item) => !planned.has(key(item)))
    .map(({ path }) => `${path} exists on this machine and is in no shard of ${cell.id}`);
}

function key({ module, path }: { module: string; path: string }): string {
  return `${module}\0${path}`;
}

function packageResult(
  item: JudgedPackage,
  module: string,
  { cell, shard }: ShardTask,
): PackageResult {
  return {
    path: item.path,
    module,
    cell: cell.id,
    shard: shard.shard,
    status: item.status,
    cached: item.cached,
    durationMs: Math.round(item.seconds * 1000),
    tests: item.tests.map(({ name, status, seconds }) => ({
      name,
      status,
      durationMs: Math.round(seconds * 1000),
    })),
  };
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
