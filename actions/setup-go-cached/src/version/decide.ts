import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { ActionError, isSystemError } from "@go-cicd/core/errors.ts";
import { readVersion, saysNothing, VERSION_FILES } from "./files.ts";
import type { Said } from "./go-mod.ts";
import { modulesBelow, type Module } from "./modules.ts";
import { covers, parseWanted, type Wanted } from "./wanted.ts";

export interface Decision {
  wanted: Wanted;
  /** What decided, for the log: `go.mod (toolchain line)`. */
  source: string;
  /** What else the repository asks for, where that is not the same. */
  notes: readonly string[];
}

/** What decides, apart from the repository's files. */
export interface Asked {
  goVersion: string | undefined;
  goVersionFile: string | undefined;
  /** A setting of the go command (GOWORK, GOTOOLCHAIN); empty when unset. */
  setting(name: string): string;
}

/**
 * Which Go is asked for: the input, the named file, else the first of `VERSION_FILES` that names a
 * version, looked for in the working directory and above it up to the workspace (as the go command
 * looks for go.work); else the modules below the working directory, of which the one that asks for
 * most wins, so that all of them build.
 * @throws ActionError when nothing names a version, or what does cannot be read.
 */
export function decideVersion(asked: Asked, workspace: string, folder: string): Decision {
  if (asked.goVersion !== undefined) {
    const wanted = parseWanted(asked.goVersion, "go-version");
    return { wanted, source: "the input go-version", notes: [] };
  }
  const toolchainCounts = asked.setting("GOTOOLCHAIN") !== "local";
  if (asked.goVersionFile !== undefined) {
    const path = resolve(workspace, asked.goVersionFile);
    const said = fromFile(path, asked.goVersionFile, toolchainCounts);
    if (said === undefined) throw saysNothing(asked.goVersionFile);
    return { wanted: said.wanted, source: shownPart(asked.goVersionFile, said), notes: [] };
  }
  const silent: string[] = [];
  for (const path of candidates(workspace, folder, asked.setting("GOWORK"))) {
    const shown = relative(workspace, path) || basename(path);
    const said = fromFile(path, shown, toolchainCounts);
    if (said === undefined) {
      silent.push(shown);
      continue;
    }
    // A workspace's go line is at least that of each of its modules: go sees to it.
    const others = shown.endsWith(".work") ? [] : modulesBelow(folder, toolchainCounts);
    return {
      wanted: said.wanted,
      source: shownPart(shown, said),
      notes: others
        .filter(({ wanted }) => !covers(said.wanted, wanted))
        .map(
          (module) =>
            `${below(workspace, folder, module)} asks for ${module.wanted.text}, which is more than what ${shown} asks for: it does not build with this Go.`,
        ),
    };
  }
  const modules = modulesBelow(folder, toolchainCounts);
  // A file that is there and says nothing is what is wrong, not that there is none.
  if (modules.length === 0 && silent.length > 0) throw saysNothing(silent.join(", "));
  return byModules(workspace, folder, modules);
}

/** Several modules and nothing above them: the highest version builds all. */
function byModules(workspace: string, folder: string, modules: readonly Module[]): Decision {
  const [highest, ...others] = modules;
  if (highest === undefined) {
    throw new ActionError("repository", `Nothing in ${folder} says which Go version to use`, {
      hint: `Give the input go-version, or add one of ${VERSION_FILES.join(", ")}. Is working-directory right, and did actions/checkout run before?`,
    });
  }
  const source = shownPart(below(workspace, folder, highest), highest);
  return {
    wanted: highest.wanted,
    source:
      others.length === 0
        ? source
        : `${source}, the highest of ${modules.length} modules, so that all of them build,`,
    notes: others
      .filter(({ wanted }) => wanted.text !== highest.wanted.text)
      .map((module) => `${below(workspace, folder, module)} asks for ${module.wanted.text}.`),
  };
}

function below(workspace: string, folder: string, { path }: Module): string {
  return relative(workspace, join(folder, path)).replaceAll("\\", "/");
}

function shownPart(shown: string, { part }: Said): string {
  return part === "" ? shown : `${shown} (${part})`;
}

/** The files that are there, in the order in which they decide. */
function* candidates(workspace: string, folder: string, gowork: string): Generator<string> {
  if (gowork !== "" && gowork !== "off") yield resolve(folder, gowork);
  for (const name of VERSION_FILES) {
    // What GOWORK says takes the place of the search (go.dev/ref/mod#workspaces).
    if (name === "go.work" && gowork !== "") continue;
    for (let at = folder; ; at = dirname(at)) {
      const path = join(at, name);
      if (existsSync(path)) {
        yield path;
        // What is farther up is hidden by it.
        break;
      }
      if (at === workspace || dirname(at) === at) break;
    }
  }
}

function fromFile(path: string, shown: string, toolchainCounts: boolean): Said | undefined {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (error) {
    throw new ActionError(
      "repository",
      isSystemError(error, "ENOENT")
        ? `The version file ${shown} does not exist`
        : `The version file ${shown} cannot be read`,
      { cause: error, hint: "Paths of version files are relative to the workspace." },
    );
  }
  return readVersion(basename(path), content, shown, toolchainCounts);
}
