import { statSync } from "node:fs";
import { relative, resolve } from "node:path";
import { invalidInputs } from "@go-cicd/core/inputs.ts";
import type { Environment } from "@go-cicd/core/process.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { goEnvironment, type GoFlags } from "./go-command.ts";
import type { CheckName, Inputs } from "./inputs.ts";
import { findModules, slashed } from "./modules.ts";
import { listPackages, planModules, type PlannedPackage } from "./packages.ts";
import { cellId, platformOf, type Plan, type PlannedCell } from "./plan.ts";
import { shardPackages } from "./shards.ts";

/** The cells that are planned: the matrix of the inputs, or this machine alone. */
export type Cells = "matrix" | "here";

export function flagsOf(inputs: Inputs): GoFlags {
  return {
    race: inputs.race,
    tags: [...inputs.tags],
    testFlags: [...inputs.testFlags],
    timeoutMs: inputs.timeout,
  };
}

/**
 * The folder of `working-directory`, relative to the workspace.
 * @throws ActionError `input` when it is not a folder of the workspace.
 */
export function workingFolder(workspace: string, given: string): string {
  const path = resolve(workspace, given);
  const folder = slashed(relative(workspace, path)) || ".";
  if (folder === ".." || folder.startsWith("../") || resolve(folder) === folder) {
    throw invalidInputs([`working-directory leaves the workspace: ${given}`]);
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw invalidInputs([`working-directory: there is no folder ${given}`]);
  }
  return folder;
}

/**
 * Plans every cell. Packages are listed with the run's own flags, once for each platform among
 * the cells.
 * @throws ActionError for what cannot be planned.
 */
export async function makePlan(
  inputs: Inputs,
  checks: readonly CheckName[],
  cells: Cells,
  ports: Ports,
): Promise<Plan> {
  const { workspace, repository, sha } = ports.context;
  const folder = workingFolder(workspace, inputs.workingDirectory);
  const found = findModules(workspace, resolve(workspace, folder));
  const modules = await planModules(ports, workspace, found);
  const flags = flagsOf(inputs);
  const lists = new Map<string, Promise<PlannedPackage[]>>();
  const packagesFor = (platform: Environment): Promise<PlannedPackage[]> => {
    const key = JSON.stringify(platform);
    let list = lists.get(key);
    if (list === undefined) {
      const scope = { workspace, folder, patterns: inputs.packages, flags, platform };
      list = listPackages(ports, modules, scope);
      lists.set(key, list);
    }
    return list;
  };

  const planned: PlannedCell[] = [];
  for (const { go, os, platform, goos } of await cellsOf(inputs, cells, ports, found[0] ?? ".")) {
    const shards = shardPackages(await packagesFor(platform), inputs.shards);
    planned.push({
      id: cellId(go, os),
      go,
      os,
      goos,
      shards: shards.map((shard, index) => ({
        shard: index + 1,
        estimate: shard.estimate,
        // Formatting is the same everywhere: once is enough.
        checks: checks.filter((name) => name === "vet" || (planned.length === 0 && index === 0)),
        packages: shard.packages,
      })),
    });
  }
  return {
    version: 1,
    repository,
    commit: sha,
    folder,
    patterns: [...inputs.packages],
    flags: { ...flags, tags: [...flags.tags], testFlags: [...flags.testFlags] },
    modules,
    cells: planned,
  };
}

interface CellSource {
  go: string;
  os: string;
  goos: string;
  platform: Environment;
}

async function cellsOf(
  inputs: Inputs,
  cells: Cells,
  ports: Ports,
  firstModule: string,
): Promise<CellSource[]> {
  const cwd = resolve(ports.context.workspace, firstModule);
  const here = await goEnvironment(ports, cwd);
  if (cells === "here") {
    const go = here.GOVERSION.replace(/^go/, "").replace(/[^\w.-].*$/, "");
    return [{ go, os: ports.context.os.toLowerCase(), goos: here.GOOS, platform: {} }];
  }
  const versions = inputs.goVersions.length === 0 ? [""] : [...new Set(inputs.goVersions)];
  if (inputs.os.length === 0) {
    const os = { darwin: "macos-latest", windows: "windows-latest" }[here.GOOS] ?? "ubuntu-latest";
    return versions.map((go) => ({ go, os, goos: here.GOOS, platform: {} }));
  }
  return versions.flatMap((go) =>
    [...new Set(inputs.os)].map((os) => {
      const platform = platformOf(os);
      const same = platform["GOOS"] === here.GOOS && platform["GOARCH"] === here.GOARCH;
      return {
        go,
        os,
        goos: platform["GOOS"] ?? "",
        // cgo is off by default when listing for another platform; its packages count there too.
        platform: same || platform["GOOS"] === undefined ? {} : { ...platform, CGO_ENABLED: "1" },
      };
    }),
  );
}
