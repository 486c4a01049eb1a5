import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ActionError } from "@go-cicd/core/errors.ts";
import { expectSuccess, type Environment } from "@go-cicd/core/process.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { goCommand, goEnvironment, listArgs, type GoFlags } from "./go-command.ts";
import { byText, isWithin, joinSlashed, modulePatterns, slashed } from "./modules.ts";

/** A package that is to be tested, or at least compiled. */
export interface PlannedPackage {
  /** Folder of its module, relative to the workspace. */
  module: string;
  /** Import path. */
  path: string;
  /** Its folder, relative to the workspace. */
  dir: string;
  /** Test functions, examples, fuzz targets and benchmarks that a scan of its files found. */
  tests: number;
  /** Relative cost; about seconds on a machine that nobody has measured. */
  estimate: number;
}

/** The environment that a module's commands need: a module outside go.work is on its own. */
export interface ModulePlan {
  folder: string;
  /** go.work does not name it: its commands run with `GOWORK=off`. */
  alone: boolean;
}

interface Listed {
  ImportPath: string;
  Dir?: string;
  Standard?: boolean;
  DepOnly?: boolean;
  Module?: { Path: string; Main?: boolean; Dir?: string };
  GoFiles?: string[];
  CgoFiles?: string[];
  IgnoredGoFiles?: string[];
  TestGoFiles?: string[];
  XTestGoFiles?: string[];
  InvalidGoFiles?: string[];
  Error?: { Err: string };
}

/** Where packages are looked for. */
export interface Scope {
  workspace: string;
  /** `working-directory`, relative to the workspace with forward slashes. */
  folder: string;
  patterns: readonly string[];
  flags: GoFlags;
  /** GOOS, GOARCH of the cell when it is not this machine's. */
  platform: Environment;
}

/**
 * The modules with what their commands need.
 * @throws ActionError when `go` is missing, or refuses go.mod or go.work.
 */
export async function planModules(
  ports: Ports,
  workspace: string,
  modules: readonly string[],
): Promise<ModulePlan[]> {
  const used = new Map<string, Set<string>>();
  const plans: ModulePlan[] = [];
  for (const folder of modules) {
    const cwd = join(workspace, folder);
    const { GOWORK } = await goEnvironment(ports, cwd);
    let alone = false;
    if (GOWORK !== "" && GOWORK !== "off") {
      let members = used.get(GOWORK);
      if (members === undefined) {
        members = await workspaceMembers(ports, GOWORK);
        used.set(GOWORK, members);
      }
      alone = !members.has(cwd);
    }
    plans.push({ folder, alone });
  }
  return plans;
}

async function workspaceMembers(ports: Ports, file: string): Promise<Set<string>> {
  const command = goCommand(ports, dirname(file), ["work", "edit", "-json", file]);
  const work = JSON.parse(expectSuccess(command, await ports.processes.run(command))) as {
    Use?: { DiskPath: string }[] | null;
  };
  return new Set((work.Use ?? []).map(({ DiskPath }) => join(dirname(file), DiskPath)));
}

export function moduleEnvironment({ alone }: ModulePlan): Environment {
  return alone ? { GOWORK: "off" } : {};
}

/**
 * Every package of every module that the patterns name, in a fixed order. Packages that do not
 * load are kept: the run will be red about them.
 * @throws ActionError `repository` when a module cannot be listed, `input` when nothing matches.
 */
export async function listPackages(
  ports: Ports,
  modules: readonly ModulePlan[],
  scope: Scope,
): Promise<PlannedPackage[]> {
  const packages: PlannedPackage[] = [];
  const places: { folder: string; path: string }[] = [];
  const folders = modules.map(({ folder }) => folder);
  for (const module of modules) {
    const patterns = modulePatterns(module.folder, folders, scope.folder, scope.patterns);
    if (patterns.length === 0) continue;
    const cwd = join(scope.workspace, module.folder);
    const command = goCommand(ports, cwd, listArgs(scope.flags, patterns), {
      ...moduleEnvironment(module),
      ...scope.platform,
    });
    const exit = await ports.processes.run(command);
    if (exit.kind === "exited" && exit.code !== 0) {
      throw new ActionError(
        "repository",
        `The packages of module ${module.folder} cannot be listed: ${complaint(exit.stderr) || `go list exited with ${exit.code}`}`,
        {
          hint:
            `Run \`go list ./...\` in ${module.folder} and mend what it says` +
            (modules.length > 1 ? ", or name the packages to test in the input packages." : "."),
        },
      );
    }
    for (const listed of parseJsonStream(expectSuccess(command, exit))) {
      if (!isOurs(listed, cwd)) continue;
      const dir = slashed(relative(scope.workspace, listed.Dir ?? "")) || ".";
      packages.push(planned(module.folder, dir, listed));
      places.push({ folder: dir, path: listed.ImportPath });
    }
  }
  packages.sort((one, other) => byText(one.module, other.module) || byText(one.path, other.path));
  const idle = scope.patterns.filter(
    (pattern) => !places.some((place) => patternMatches(pattern, scope.folder, place)),
  );
  if (idle.length > 0) {
    throw new ActionError(
      "input",
      `No package matches ${idle.join(" ")} in ${scope.folder === "." ? "the workspace" : scope.folder}`,
      { hint: "Check the inputs packages, tags and working-directory." },
    );
  }
  return packages;
}

/** What the go command complains of, without its progress. */
function complaint(stderr: string): string {
  return stderr.replace(/^go: (downloading|extracting|finding) .*\n?/gm, "").trim();
}

/** Not ours: packages of other modules, and folders without a file for this platform. */
function isOurs(listed: Listed, moduleFolder: string): boolean {
  if (listed.DepOnly === true || listed.Standard === true || listed.Dir === undefined) return false;
  if (!isWithin(slashed(listed.Dir), slashed(moduleFolder))) return false;
  return [
    listed.GoFiles,
    listed.CgoFiles,
    listed.TestGoFiles,
    listed.XTestGoFiles,
    listed.InvalidGoFiles,
  ].some((names) => (names?.length ?? 0) > 0);
}

/** True when a pattern of the input names the package; `folder` is where relative ones start. */
export function patternMatches(
  pattern: string,
  folder: string,
  found: { folder: string; path: string },
): boolean {
  const relativePattern = pattern === "." || pattern.startsWith("./");
  const text = relativePattern ? joinSlashed(folder, pattern) : pattern;
  const name = relativePattern ? found.folder : found.path;
  if (text === "..." || text === "./...") return true;
  if (text.endsWith("/...") && !text.slice(0, -4).includes("...")) {
    return isWithin(name, text.slice(0, -4));
  }
  const words = text
    .split("...")
    .map((word) => word.replace(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`));
  return new RegExp(`^${words.join(".*")}$`).test(name);
}

function planned(module: string, dir: string, listed: Listed): PlannedPackage {
  const names = [...(listed.TestGoFiles ?? []), ...(listed.XTestGoFiles ?? [])];
  let tests = 0;
  let bytes = 0;
  for (const name of names) {
    const source = readSource(join(listed.Dir ?? "", name));
    tests += countTests(source);
    bytes += source.length;
  }
  return {
    module,
    path: listed.ImportPath,
    dir,
    tests,
    estimate: estimate(names.length, tests, bytes),
  };
}

function readSource(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // An overlay or a race with the check-out: the package weighs as if it were empty.
    return "";
  }
}

/** Counted by a scan: `go test -list` would run TestMain and every init. */
export function countTests(source: string): number {
  return source.match(/^func (?:Test|Example|Fuzz|Benchmark)[\p{L}\p{Nd}_]*\(/gmu)?.length ?? 0;
}

/**
 * A simple cost for packages nobody has timed: compiling and linking a test binary, a little for
 * each test, and a little for the size of the test files.
 */
function estimate(testFiles: number, tests: number, bytes: number): number {
  if (testFiles === 0) return 0.2;
  return Math.round((1 + 0.05 * tests + bytes / 50_000) * 100) / 100;
}

function parseJsonStream(text: string): Listed[] {
  // `go list -json` writes objects one after the other, each ended by a brace in column 0.
  return text
    .split(/^}$/m)
    .filter((part) => part.trim() !== "")
    .map((part) => JSON.parse(`${part}}`) as Listed);
}
