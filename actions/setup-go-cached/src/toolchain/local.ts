import { accessSync, constants, statSync } from "node:fs";
import { posix, win32 } from "node:path";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { Environment } from "@go-cicd/core/process.ts";
import { outsideCommand, withScratch } from "./go-command.ts";
import { platformFor, programName } from "./platform.ts";

/** A toolchain that is on this machine. */
export interface LocalToolchain {
  /** Without `go`: `1.26.3`. */
  version: string;
  goroot: string;
  /** The processor it was built for, where it says so. */
  goarch?: string;
}

/** The go command of a toolchain. */
export function goProgram(goroot: string, goos: string = platformFor(undefined).goos): string {
  const paths = goos === "windows" ? win32 : posix;
  return paths.join(goroot, "bin", programName("go", { goos }));
}

/** The first `go` on PATH. */
export function goOnPath(env: Environment): string | undefined {
  return candidates(env, process.platform).find(isProgram);
}

/** Where a `go` would be found, in the order of PATH. */
export function candidates(env: Environment, platform: string): string[] {
  const windows = platform === "win32";
  // On Windows the variable is mostly called Path, and its folders may be quoted.
  const name = windows ? Object.keys(env).find((each) => each.toUpperCase() === "PATH") : "PATH";
  const paths = windows ? win32 : posix;
  return (env[name ?? "PATH"] ?? "")
    .split(paths.delimiter)
    .map((folder) => (windows ? folder.replace(/^"(.*)"$/, "$1") : folder))
    .filter((folder) => folder !== "")
    .map((folder) => paths.join(folder, windows ? "go.exe" : "go"));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** What the go command at `go` is; undefined when it does not say so in the usual way. */
export async function describe(go: string, ports: Ports): Promise<LocalToolchain | undefined> {
  return withScratch(ports, async (scratch) => {
    const exit = await ports.processes.run({
      ...outsideCommand(go, ["env", "GOVERSION", "GOROOT", "GOHOSTARCH"], ports.env, scratch),
      signal: ports.signal,
    });
    if (exit.kind !== "exited" || exit.code !== 0) return undefined;
    const [name = "", goroot = "", goarch = ""] = exit.stdout.split(/\r?\n/);
    // A build with experiments says `go1.26.3 X:name`; a development version has another form.
    const version = /^go(\d[\w.]*)/.exec(name)?.[1];
    if (version === undefined || goroot === "") return undefined;
    return { version, goroot, ...(goarch !== "" && { goarch }) };
  });
}
