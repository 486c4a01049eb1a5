import { existsSync, statSync } from "node:fs";
import { delimiter, join, resolve, sep } from "node:path";
import type { Outcome } from "@go-cicd/core/action.ts";
import { ActionError } from "@go-cicd/core/errors.ts";
import { invalidInputs } from "@go-cicd/core/inputs.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { Environment } from "@go-cicd/core/process.ts";
import { stampFiles } from "./test-results/file-times.ts";
import { goSettings, settingReader, type GoSettings } from "./go-settings.ts";
import type { Inputs, outputs } from "./inputs.ts";
import { grantAccess } from "./private/access.ts";
import type { ColdRun } from "./stores/cold-run.ts";
import { JobStores } from "./stores/job-stores.ts";
import { mainSummary, restoredText, toolsSummary } from "./report.ts";
import { bytesOf, isExact, keyOf, type StorePlan } from "./stores/store-plan.ts";
import { addProblemMatcher } from "./problem-matcher.ts";
import { LINT, restoreLint } from "./tools/lint-cache.ts";
import { TOOLS } from "./tools/save-tools.ts";
import { setUpTools } from "./tools/tools.ts";
import { parseTools } from "./tools/wanted.ts";
import { installToolchain, type Toolchain } from "./toolchain/install.ts";
import { toolchainRequest } from "./toolchain/request.ts";
import { resolveVersion } from "./toolchain/resolve.ts";
import { decideTrust } from "./trust.ts";
import { decideVersion } from "./version/decide.ts";

/** Name of the state that main leaves for post. */
export const KEPT = "kept";

/** What an earlier step of this action exported as GOTOOLCHAIN: not the user's own wish. */
const EXPORTED_GOTOOLCHAIN = "GO_CICD_GOTOOLCHAIN";

/** What post needs to know. */
export interface Kept {
  startMs: number;
  modules: StorePlan | undefined;
  build: StorePlan | undefined;
  /** How long a job of this kind took that found no build cache, where that is known. */
  coldRun: ColdRun | undefined;
}

/** Sets up Go and brings back what earlier runs left. */
export async function main(inputs: Inputs, ports: Ports): Promise<Outcome<typeof outputs>> {
  const { context, log } = ports;
  const startMs = ports.clock.now();
  const folder = workingFolder(inputs.workingDirectory, context.workspace);
  const wantedTools = parseTools(inputs.tools);
  const options = toolchainRequest(inputs, ports.env);
  if (wantedTools.length > 0 && !options.platform.native) {
    throw invalidInputs(["tools need a Go of this machine's own architecture"]);
  }
  const { goVersion, goVersionFile } = inputs;
  const setting = settingOfUser(ports.env);
  const decision = decideVersion({ goVersion, goVersionFile, setting }, context.workspace, folder);
  if (inputs.goVersion !== undefined && inputs.goVersionFile !== undefined) {
    log.warning("go-version-file is ignored, since go-version is given.");
  }
  const request = { ...options, wanted: decision.wanted, source: decision.source };
  const resolution = await ports.timeline.phase("resolve Go version", () =>
    resolveVersion(request, ports),
  );
  log.info(
    `Go ${resolution.version}: ${decision.source} asks for ${decision.wanted.text}` +
      (resolution.how === undefined ? "" : `, and this is ${resolution.how}`),
  );
  for (const note of decision.notes) log.info(note);

  const settings = goSettings(ports.env);
  grantAccess(inputs, settings, ports);
  const trust = decideTrust(context, ports.env);
  const stores = new JobStores(inputs, folder, resolution.version, settings, trust, ports);
  const abort = new AbortController();
  const signal = AbortSignal.any([abort.signal, ports.signal]);
  const installing = ports.timeline.phase("install Go", () =>
    installToolchain(resolution, request, ports),
  );
  const settingUpTools = setUpTools(
    {
      wanted: wantedTools,
      goVersion: resolution.version,
      toolchain: installing,
      cache: inputs.cache,
      trust,
    },
    ports,
    signal,
  );
  const restoringLint = restoreLint(
    {
      wanted: inputs.cache && inputs.golangciLintCache,
      trust,
      goVersion: resolution.version,
      matrix: inputs.matrix,
      sums: inputs.cacheDependencyPath,
      startMs,
    },
    ports,
    signal,
  );
  const work = [
    installing,
    stores.restore(startMs, signal),
    inputs.testCache ? stampFiles(ports) : Promise.resolve(),
    settingUpTools,
    restoringLint,
  ] as const;
  // Without a toolchain the rest is of no use; but nothing may go on writing after we have left.
  work[0].catch(() => abort.abort(new Error("the toolchain could not be had")));
  const [installed, ...others] = await Promise.allSettled(work);
  const failed = [installed, ...others].find((result) => result.status === "rejected");
  if (installed.status === "rejected") throw installed.reason;
  if (failed?.status === "rejected") throw failed.reason;

  const toolchain = installed.value;
  useToolchain(toolchain, inputs.gotoolchain, settings, ports);
  const tools = await settingUpTools;
  // In front of GOPATH/bin: what was asked for comes before what happens to be there.
  if (tools.folder !== undefined) ports.addPath(tools.folder);
  if (tools.plan !== undefined) ports.state.save(TOOLS, tools.plan);
  const lint = await restoringLint;
  if (lint !== undefined) ports.state.save(LINT, lint);
  if (inputs.problemMatcher) addProblemMatcher(ports);
  const kept: Kept = { startMs, ...stores.plans(), coldRun: stores.coldRun };
  ports.state.save(KEPT, kept);
  const { modules, build } = stores.results;
  await ports.summary.add(mainSummary(toolchain, decision.source, stores.reports));
  if (tools.installed.length > 0) await ports.summary.add(toolsSummary(tools.installed));
  log.info(
    `Go ${toolchain.version} (${toolchain.source}) · modules: ${restoredText(modules)} · build cache: ${restoredText(build)}`,
  );
  const modulesHit = isExact(modules);
  const buildHit = isExact(build);
  return {
    outputs: {
      "go-version": toolchain.version,
      goroot: toolchain.goroot,
      gocache: settings.gocache,
      gomodcache: settings.gomodcache,
      "modules-hit": String(modulesHit),
      "build-hit": String(buildHit),
      "cache-hit": String(modulesHit && buildHit),
      ...(tools.installed.length > 0 && {
        "tools-hit": String(tools.installed.every(({ how }) => how === "restored")),
      }),
      "modules-matched-key": keyOf(modules),
      "cache-matched-key": keyOf(build),
      "restored-bytes": String(bytesOf(modules) + bytesOf(build)),
    },
  };
}

/** @throws ActionError when the folder is not there, or outside of the workspace. */
function workingFolder(given: string, workspace: string): string {
  const folder = resolve(workspace, given);
  const problem =
    folder !== workspace && !folder.startsWith(`${workspace}${sep}`)
      ? "is outside of the workspace"
      : !existsSync(folder)
        ? "does not exist"
        : !statSync(folder).isDirectory()
          ? "is no folder"
          : undefined;
  if (problem === undefined) return folder;
  throw new ActionError("input", `working-directory: ${given} ${problem}`, {
    hint: "It is relative to the repository. Did actions/checkout run before?",
  });
}

/** Settings of the go command, as the user has them: not what an earlier step of ours exported. */
function settingOfUser(env: Environment): (name: string) => string {
  const setting = settingReader(env);
  const ours = env[EXPORTED_GOTOOLCHAIN];
  return (name) => (name === "GOTOOLCHAIN" && env[name] === ours ? "" : setting(name));
}

/**
 * What later steps see. By default `GOTOOLCHAIN=local`: a go.mod of a dependency must not switch
 * versions.
 */
function useToolchain(
  toolchain: Toolchain,
  gotoolchain: string,
  settings: GoSettings,
  ports: Ports,
): void {
  const given = ports.env["GOROOT"] ?? "";
  if (given !== "" && given !== toolchain.goroot) {
    ports.log.warning(
      `GOROOT is set to ${given}, which is not the Go that was set up: unset it, or go will use the wrong standard library.`,
    );
  }
  const programs = settings.value("GOBIN") || join(settings.gopath, "bin");
  ports.addPath(programs);
  ports.addPath(join(toolchain.goroot, "bin"));
  ports.exportVariable("GOTOOLCHAIN", gotoolchain);
  ports.exportVariable(EXPORTED_GOTOOLCHAIN, gotoolchain);
  ports.exportVariable("GOCACHE", settings.gocache);
  ports.exportVariable("GOMODCACHE", settings.gomodcache);
  ports.log.debug(`PATH gets ${toolchain.goroot}${sep}bin${delimiter}${programs}`);
}
