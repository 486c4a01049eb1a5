import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join, posix } from "node:path";
import { realProcesses } from "@go-cicd/core/adapters/processes.ts";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Environment } from "@go-cicd/core/process.ts";
import type { Request } from "./arguments.ts";
import { agentOf, repositoryFolder, takeSlot, type Home, type Slot } from "./machine/home.ts";
import { interruptions } from "./machine/interruptions.ts";
import { stopService } from "./machine/service.ts";
import { assertGoProject, checkOut, type Checkout } from "./machine/source.ts";
import { VERSIONS } from "./pipeline/broken-release.ts";
import type { Listener, Serving } from "./pipeline/events.ts";
import { readHistory, writeHistory, type History } from "./pipeline/history.ts";
import { pipelineJobs, type Service } from "./pipeline/jobs.ts";
import { inspectProject } from "./pipeline/project.ts";
import { runPipeline, type PipelineResult } from "./pipeline/run-pipeline.ts";
import { openScreen } from "./screen/open-screen.ts";
import { startServices } from "./services/server.ts";

/** Reports of earlier runs that are kept per repository. */
const KEPT_REPORTS = 10;

/** One `npm start`: from the copy of the repository to the report. Resolves with the exit code. */
export async function runSession(request: Request, home: Home, env: Environment): Promise<number> {
  const root = env["GO_CICD_ROOT"] ?? process.cwd();
  const example = request.repo === undefined;
  const source = request.repo ?? join(root, "examples", "orders");
  assertGoProject(source);

  const processes = realProcesses();
  const repository = repositoryFolder(home, source);
  const slot = takeSlot(repository);
  const interrupted = interruptions();
  const screen = openScreen(request.json, env);
  const say = (text: string): void => screen.listen({ kind: "note", at: Date.now(), text });
  try {
    const services = await startServices({ folder: home.services, cacheBytes: request.cacheLimit });
    try {
      await stopService(slot.target, processes, env);
      rmSync(slot.target, { recursive: true, force: true });
      const started = Date.now();
      const history = readHistory(repository);
      const checkout = await checkOut(
        source,
        slot.workspace,
        { processes, env },
        { alone: example },
      );
      screen.listen({
        kind: "pipeline-started",
        at: started,
        project: example ? "acme/orders (examples/orders)" : source,
        sha: checkout.sha,
        changed: checkout.changed,
        runs: history?.runs ?? 0,
      });
      const main = chooseMain(request, slot, checkout, say);
      const service = main === undefined ? undefined : await chooseService(request, slot, say);
      const report = newReportFolder(repository);
      const jobs = pipelineJobs({
        root,
        workingDirectory: checkout.workingDirectory,
        main,
        registry: request.registry,
        images: join(slot.folder, "images"),
        service,
        pushgateway: request.pushgateway,
        report,
        previous: history?.reportData,
        environment: "local",
      });
      const result = await runPipeline(jobs, {
        source,
        example,
        slot,
        toolCache: home.toolCache,
        services,
        processes,
        env,
        history,
        listen: screen.listen,
        cancel: interrupted.first,
        kill: interrupted.second,
      });
      const serving = await servingAddress(result, service, say);
      const ok = result.ok && serving !== "wrong";
      if (!request.keep || !ok) await stopService(slot.target, processes, env);
      const durationMs = Date.now() - started;
      finish({
        result,
        ok,
        durationMs,
        history,
        repository,
        report,
        listen: screen.listen,
        serving:
          request.keep && ok && service !== undefined
            ? {
                url: `http://127.0.0.1:${service.port}`,
                stop: `sh ${agentOf(slot.target)} stop ${slot.target}`,
              }
            : undefined,
        cancelled: interrupted.first.aborted,
      });
      return ok ? 0 : interrupted.first.aborted ? 130 : 1;
    } finally {
      await services.close();
    }
  } finally {
    screen.close();
    interrupted.stop();
    slot.release();
  }
}

/** The main package that becomes the image, or undefined with the reason said. */
function chooseMain(
  request: Request,
  slot: Slot,
  checkout: Checkout,
  say: (text: string) => void,
): string | undefined {
  const folder = join(slot.workspace, checkout.workingDirectory);
  const { mains, hasTests, nested } = inspectProject(folder);
  if (!hasTests && nested.length === 0) say("no test files in this module");
  if (request.main !== undefined) {
    const wanted = posix
      .normalize(request.main)
      .replace(/^(?=[^.])/, "./")
      .replace(/\/+$/, "");
    if (mains.includes(wanted)) return wanted;
    throw new ActionError("input", `--main ${request.main} is not a main package of this module`, {
      hint: mains.length === 0 ? "It has none." : `There are: ${mains.join(", ")}`,
    });
  }
  if (mains.length === 1) return mains[0];
  const programs = nested.filter((path) => inspectProject(join(folder, path)).mains.length > 0);
  say(
    mains.length > 0
      ? `several main packages, so no image and no deploy: choose with --main (${mains.join(", ")})`
      : programs.length > 0
        ? `no main package in this module, so no image and no deploy: give one of its modules as --repo (${programs.map((path) => join(request.repo ?? "", path)).join(", ")})`
        : "no main package: no image and no deploy",
  );
  return undefined;
}

async function chooseService(
  request: Request,
  slot: Slot,
  say: (text: string) => void,
): Promise<Service | undefined> {
  const { target } = slot;
  if (request.repo === undefined) {
    return { target, port: await freePort(), health: "/healthz", version: "/version" };
  }
  if (request.health === undefined) {
    say("no deploy: its health check is not known (--health /path, --port N)");
    return undefined;
  }
  say("the broken release is shown with examples/orders only");
  const port = request.port ?? (await freePort());
  return { target, port, health: request.health, version: undefined };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** A look from outside, after the rollback: release 1 must answer with its own version. */
async function servingAddress(
  result: PipelineResult,
  service: Service | undefined,
  say: (text: string) => void,
): Promise<"right" | "wrong" | "unknown"> {
  if (service?.version === undefined || result.jobs["broken"] === undefined) return "unknown";
  const url = `http://127.0.0.1:${service.port}${service.version}`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    const text = (await answer.text()).trim();
    const right = answer.ok && text.includes(VERSIONS.good);
    say(`${url} answers ${answer.status} ${text}${right ? ": release 1 serves" : ""}`);
    return right ? "right" : "wrong";
  } catch (error) {
    say(`${url} does not answer: ${String(error)}`);
    return "wrong";
  }
}

function newReportFolder(repository: string): string {
  const all = join(repository, "reports");
  mkdirSync(all, { recursive: true });
  for (const old of readdirSync(all)
    .sort()
    .slice(0, -(KEPT_REPORTS - 1))) {
    rmSync(join(all, old), { recursive: true, force: true });
  }
  const folder = join(all, new Date().toISOString().replace(/[:.]/g, "-"));
  mkdirSync(folder);
  return folder;
}

interface Finish {
  result: PipelineResult;
  ok: boolean;
  cancelled: boolean;
  durationMs: number;
  history: History | undefined;
  repository: string;
  report: string;
  serving: Serving | undefined;
  listen: Listener;
}

/** Keeps the times and the Markdown, and says the last words. */
function finish(run: Finish): void {
  const { result, history, report } = run;
  const summaries = Object.values(result.jobs).flatMap(({ stages }) =>
    stages.map(({ result: stage }) => stage.summary).filter((summary) => summary !== ""),
  );
  const markdown = join(report, "summary.md");
  writeFileSync(markdown, summaries.join("\n\n"));
  const outputs = result.jobs["report"]?.outputs ?? {};
  const runs = (history?.runs ?? 0) + 1;
  writeHistory(
    run.repository,
    run.ok
      ? {
          version: 1,
          runs,
          steps: result.steps,
          durationMs: run.durationMs,
          ...(outputs["data"] === undefined || outputs["data"] === ""
            ? {}
            : { reportData: outputs["data"] }),
        }
      : { steps: {}, ...history, version: 1, runs },
  );
  const rolledBack = result.jobs["broken"]?.outputs["result"] === "rolled-back";
  run.listen({
    kind: "pipeline-finished",
    at: Date.now(),
    ok: run.ok,
    verdict: run.cancelled
      ? "cancelled"
      : run.ok
        ? `green${rolledBack ? ": the broken release was rolled back, release 1 serves" : ""}`
        : "red",
    durationMs: run.durationMs,
    // A run that ended early has nothing to compare.
    beforeMs: run.ok ? history?.durationMs : undefined,
    serving: run.serving,
    markdown,
    report: outputs["report"] === "" ? undefined : outputs["report"],
  });
}
