// One job of one candidate on one commit, and everything that was counted.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { readTimeline } from "../../packages/core/src/timeline-file.ts";
import { runJob } from "../../packages/local/src/contract/job.ts";
import { startServices } from "../../packages/local/src/services/server.ts";
import { countFiles, newOutputs, testLines, traffic } from "./counters.mjs";
import { freshCheckout, runnerEnvironment, stableCheckout, wipe } from "./machine.mjs";
import { watchMemory } from "./memory.mjs";
import { moduleRoute, MODULES } from "./modules.mjs";
import { childrenCpuMs } from "./processor.mjs";

const STEP_TIMEOUT_MS = 20 * 60_000;
/** A host that makes the toolkit take its own path for large entries: ranges in parallel. */
const BLOB_HOST = "acct.blob.core.windows.net";
const MAIN = { scope: "refs/heads/main", read: true, write: true };
/** Entries are never evicted here: what is stored is a result. */
const NO_BOUND = 1e15;

let lastRun = 1000;

/** The services of one candidate: caches of its own, modules from the common folder. */
export function startCache(bench, folder) {
  return startServices({
    folder,
    cacheBytes: NO_BOUND,
    blobHost: BLOB_HOST,
    line: bench.options.net,
    routes: [moduleRoute(bench.modules)],
    uploadsPerMinute: 1e6,
  });
}

/**
 * Runs a job and returns what it did.
 * @param {object} job `{ sha, id, go, commands, blind, prepare }`; `blind`: the cache answers
 *   nothing before the commands; `prepare`: work on the wiped machine
 */
export async function measuredJob(bench, candidate, services, job) {
  const { folders } = bench;
  const machine = candidate.persistent ? folders.persistent : folders;
  const runId = String(++lastRun);
  if (candidate.persistent) await stableCheckout(folders, job.sha);
  else {
    await wipe(folders.home);
    await freshCheckout(folders, job.sha);
  }
  mkdirSync(machine.home, { recursive: true });
  const home = machine.home;
  const caches = { gocache: join(home, ".cache/go-build"), modules: join(home, "go/pkg/mod") };
  const env = { GOPROXY: `${services.origin}${MODULES}` };
  await job.prepare?.({ caches, env, home });

  const commands = job.commands ?? bench.commands;
  const steps = [
    ...candidate.steps({ ...job, runId }),
    ...Object.entries(commands).map(([id, run]) => ({
      id,
      action: folders.runStep,
      with: { run },
    })),
  ];
  const isCommand = (id) => id in commands;
  const memory = watchMemory();
  const first = services.requests.length;
  const see = job.blind === true ? blindfold(services) : () => undefined;
  const inherited = runnerEnvironment(home);
  const cpu = new Map();
  let before = 0;
  const result = await runJob(
    { id: job.id ?? "test", steps, env },
    {
      workspace: machine.workspace,
      temp: machine.temp,
      keepTemp: true,
      toolCache: folders.tools,
      node: process.execPath,
      inherited: candidate.persistent
        ? { ...inherited, PATH: `${job.go.bin}:${inherited.PATH}`, GOTOOLCHAIN: "local" }
        : inherited,
      github: {
        sha: job.sha,
        run_id: runId,
        run_number: runId,
        repository: "acme/subject",
        event: { repository: { default_branch: "main", full_name: "acme/subject" } },
      },
      runner: { environment: "github-hosted" },
      services: {
        ...services.environment({ runId, jobId: "job", scopes: [MAIN] }),
        ...services.proxyEnvironment(),
      },
      kill: AbortSignal.timeout(STEP_TIMEOUT_MS),
      onEvent: (event) => {
        if (event.kind !== "stage-started" && event.kind !== "stage-finished") return;
        if (event.kind === "stage-finished") {
          memory.stop();
          cpu.set(`${event.of.step} ${event.of.stage}`, childrenCpuMs() - before);
          return;
        }
        before = childrenCpuMs();
        if (isCommand(event.of.step)) see();
        else memory.start();
      },
    },
  );
  return summary({
    bench,
    candidate,
    job,
    result,
    isCommand,
    caches,
    machine,
    services,
    first,
    memory,
    cpu,
  });
}

/** Until it is called off, no entry is found. */
function blindfold(services) {
  return services.fault({
    path: /GetCacheEntryDownloadURL$/,
    misbehaviour: {
      kind: "status",
      status: 200,
      body: '{"ok":false}',
      headers: { "content-type": "application/json" },
    },
  });
}

async function summary(parts) {
  const { candidate, job, result, isCommand, caches, machine, services, first, memory, cpu } =
    parts;
  const stages = result.stages.map(({ of, start, end, result: stage }) => ({
    step: of.step,
    stage: of.stage,
    ms: end - start,
    cpuMs: cpu.get(`${of.step} ${of.stage}`) ?? 0,
    conclusion: stage.conclusion,
  }));
  const time = (fits) => stages.filter(fits).reduce((sum, { ms }) => sum + ms, 0);
  const command = result.stages.filter(({ of }) => isCommand(of.step));
  const output = command.map((stage) => stage.result.stdout).join("\n");
  const fresh = newOutputs(caches.gocache, command[0]?.start ?? Date.now());
  const entries = await services.cache.list();
  const sent = traffic(services.requests.slice(first));
  return {
    candidate: candidate.name,
    sha: job.sha,
    job: job.id ?? "test",
    result: result.result,
    wallMs: time(() => true),
    cpuMs: stages.reduce((sum, each) => sum + each.cpuMs, 0),
    ownCpuMs: stages
      .filter(({ step }) => !isCommand(step))
      .reduce((sum, each) => sum + each.cpuMs, 0),
    setupMs: time(({ step, stage }) => !isCommand(step) && stage !== "post"),
    commandMs: time(({ step }) => isCommand(step)),
    postMs: time(({ stage }) => stage === "post"),
    stages,
    ...sent,
    floorMs: ((sent.down + sent.up) / parts.bench.options.net.bytesPerSecond) * 1000,
    files: fresh.files + countFiles(caches.modules),
    newOutputs: fresh.outputs,
    newBytes: fresh.bytes,
    entries: entries.length,
    storedBytes: entries.reduce((sum, { size }) => sum + size, 0),
    peakBytes: memory.peak(),
    tests: testLines(output),
    timeline: readTimeline(join(machine.temp, "go-cicd/timeline")).events.map(
      ({ stage, phase, start, end, counters, cache }) => ({
        stage,
        phase,
        ms: end - start,
        at: start - (result.stages[0]?.start ?? start),
        counters,
        cache,
      }),
    ),
    log: result.stages
      .filter(({ of }) => !isCommand(of.step))
      .flatMap((each) => each.result.log.slice(-25)),
    problems: result.stages.flatMap((stage) => problemsOf(stage.result)),
  };
}

/** Why a stage failed: what failed in its tests, else the end of its log. */
function problemsOf({ conclusion, stdout, stderr, log }) {
  if (conclusion === "success") return [];
  const red = stdout.split("\n").filter((line) => /^\s*(--- FAIL|FAIL|panic:)/.test(line));
  return red.length > 0 ? red.slice(0, 20) : [...log.slice(-20), ...stderr.split("\n").slice(-20)];
}
