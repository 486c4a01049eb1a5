import { relative, sep } from "node:path";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { childEnvironment, expectSuccess, type Exit } from "@go-cicd/core/process.ts";

/** A program that an image can be made of. */
export interface MainPackage {
  importPath: string;
  /** Absolute. */
  folder: string;
  /** Of the program, as `go build` would name it. */
  name: string;
}

/**
 * The main packages of the module, or of all modules of a workspace, below `cwd`.
 * @throws ActionError `repository` when there is no module, `environment` when there is no go
 */
export async function findMainPackages(
  ports: Ports,
  cwd: string,
  buildTags: readonly string[] = [],
): Promise<MainPackage[]> {
  const patterns = await packagePatterns(ports, cwd);
  const args = ["list", "-e", `-tags=${buildTags.join(",")}`, "-f", LIST_FORMAT, "--", ...patterns];
  const listed = successful(await go(ports, cwd, args), "list packages");
  return readPackages(listed);
}

/** Tabs cannot stand in import paths; folders come last because they may hold them. */
const LIST_FORMAT = '{{if eq .Name "main"}}{{.ImportPath}}\t{{.Dir}}{{end}}';

/** @param listed output of `go list -f` with `LIST_FORMAT` */
export function readPackages(listed: string): MainPackage[] {
  return listed
    .split("\n")
    .filter((line) => line.includes("\t"))
    .map((line) => {
      const tab = line.indexOf("\t");
      const importPath = line.slice(0, tab);
      return { importPath, folder: line.slice(tab + 1), name: programName(importPath) };
    })
    .sort((a, b) => (a.importPath < b.importPath ? -1 : 1));
}

/** The last element of the import path that is no major version (cmd/go, DefaultExecName). */
function programName(importPath: string): string {
  const parts = importPath.split("/");
  const last = parts.at(-1) ?? importPath;
  return /^v[0-9]+$/.test(last) && last !== "v0" && last !== "v1" ? (parts.at(-2) ?? last) : last;
}

/**
 * The package to build: the one that was asked for, or the only one.
 * @throws ActionError `repository` when there is none, `input` when it must be named
 */
export function chooseMain(
  found: readonly MainPackage[],
  wanted: string | undefined,
  cwd: string,
): MainPackage {
  const spelled = (one: MainPackage): string => folderName(one, cwd);
  const list = found.map(spelled).join(", ");
  if (found.length === 0) {
    throw new ActionError("repository", `There is no main package below ${cwd}`, {
      hint: "An image needs a program: a package with `package main`. Set `working-directory` to its module, or leave this step out for a library.",
    });
  }
  if (wanted === undefined) {
    const [only, ...others] = found;
    if (only !== undefined && others.length === 0) return only;
    throw new ActionError("input", `There are ${found.length} main packages: ${list}`, {
      hint: `Name the one to build, for example \`main: ${spelled(found[0] as MainPackage)}\`.`,
    });
  }
  const normal = wanted.replace(/\/+$/, "").replace(/^(?!\.\.?(\/|$)|\/)/, "./");
  const match = found.find((one) => one.importPath === wanted || spelled(one) === normal);
  if (match !== undefined) return match;
  throw new ActionError("input", `main: ${JSON.stringify(wanted)} is no main package`, {
    hint: `There ${found.length === 1 ? "is" : "are"}: ${list}.`,
  });
}

/** `./cmd/orders`, or `.` for the folder itself. */
function folderName({ folder }: MainPackage, cwd: string): string {
  const path = relative(cwd, folder).split(sep).join("/");
  if (path === "") return ".";
  return path.startsWith("..") ? path : `./${path}`;
}

/** `./...`, or in a workspace the folder of each of its modules: `./...` stops at their borders. */
async function packagePatterns(ports: Ports, cwd: string): Promise<string[]> {
  const said = successful(await go(ports, cwd, ["env", "GOWORK", "GOMOD"]), "read its settings");
  const [workspace = "", module = ""] = said.split("\n").map((line) => line.trim());
  if (workspace !== "" && workspace !== "off") {
    const modules = successful(
      await go(ports, cwd, ["list", "-m", "-f", "{{.Dir}}"]),
      "list the modules of the workspace",
    );
    const inside = modules
      .split("\n")
      .filter((folder) => folder !== "" && !relative(cwd, folder).startsWith(".."));
    if (inside.length > 0) return inside.map((folder) => `${folder}/...`);
  }
  if (module === "" || module === "/dev/null" || module === "NUL") {
    throw new ActionError("repository", `There is no go.mod in ${cwd} or above it`, {
      hint: "Check the repository out before this step, and set `working-directory` to the folder of the module.",
    });
  }
  return ["./..."];
}

async function go(ports: Ports, cwd: string, args: readonly string[]): Promise<Exit> {
  return ports.processes.run({
    file: "go",
    args,
    cwd,
    // What is a program here may be none on the machine of the runner.
    env: childEnvironment(ports.env, { GOOS: "linux", CGO_ENABLED: "0" }),
    keepBytes: 16 * 1024 * 1024,
    signal: ports.signal,
  });
}

function successful(exit: Exit, purpose: string): string {
  if (exit.kind === "not-found") {
    throw new ActionError("environment", "There is no go on PATH", {
      hint: "Run setup-go-cached (or actions/setup-go) before build-image.",
    });
  }
  if (exit.kind === "exited" && exit.code !== 0) {
    const said = exit.stderr.trim().split("\n").slice(-10).join("\n");
    throw new ActionError("repository", `go could not ${purpose}:\n${said}`);
  }
  return expectSuccess({ file: "go", args: [], cwd: "", env: {} }, exit);
}
