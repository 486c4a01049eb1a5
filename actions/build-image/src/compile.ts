import { mkdir, stat } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Place } from "@go-cicd/core/log.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { expectSuccess } from "@go-cicd/core/process.ts";
import { type Platform, platformName } from "@go-cicd/oci/spec.ts";
import { buildArguments, buildEnvironment, type BuildFlags } from "./go-command.ts";
import type { MainPackage } from "./main-packages.ts";

/** A linked program. */
export interface Binary {
  path: string;
  /** Bytes. */
  size: number;
  buildMs: number;
}

/** What the compiler said about a line. */
export interface CompileError {
  place: Place;
  message: string;
}

/**
 * Compiles `main` for `platform` from the build cache of this job.
 * @throws ActionError `repository` when it does not compile, after an annotation for each error
 */
export async function compile(
  ports: Ports,
  main: MainPackage,
  platform: Platform,
  flags: BuildFlags,
  places: { cwd: string; folder: string },
): Promise<Binary> {
  const folder = join(places.folder, platformName(platform).replaceAll("/", "-"));
  await mkdir(folder, { recursive: true });
  const path = join(folder, main.name);
  const command = {
    file: "go",
    args: buildArguments(main.importPath, path, flags),
    cwd: places.cwd,
    env: buildEnvironment(ports.env, platform),
    signal: ports.signal,
  };
  const exit = await ports.processes.run(command);
  if (exit.kind === "exited" && exit.code !== 0) {
    throw failedBuild(ports, exit.stderr, main, platform, places.cwd);
  }
  expectSuccess(command, exit);
  return { path, size: (await stat(path)).size, buildMs: exit.durationMs };
}

function failedBuild(
  ports: Ports,
  output: string,
  main: MainPackage,
  platform: Platform,
  cwd: string,
): ActionError {
  const what = `${main.importPath} does not compile for ${platformName(platform)}`;
  if (/no space left on device|signal: killed|cannot allocate memory/.test(output)) {
    return new ActionError(
      "environment",
      `${what}, since the machine ran out of disk or memory:\n${lastLines(output)}`,
      {
        hint: "Free some of it, or build fewer platforms in one step.",
      },
    );
  }
  const errors = readCompileErrors(output, cwd, ports.context.workspace);
  for (const { place, message } of errors) ports.log.error(message, { ...place, title: what });
  const said = output.trim().split("\n").slice(0, 20).join("\n");
  return new ActionError("repository", `${what}:\n${said}`, hintFor(output));
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-5).join("\n");
}

/** Errors that have a well-known cause beside the source. */
export function hintFor(output: string): { hint?: string } {
  if (/build constraints exclude all Go files|requires cgo|undefined: _Cfunc/.test(output)) {
    return {
      hint: "Images are built without cgo (CGO_ENABLED=0), so that they need no C library. Use a pure Go replacement of the package, or its build tag, in `build-tags`.",
    };
  }
  if (/unsupported GOOS\/GOARCH pair/.test(output)) {
    return { hint: "`go tool dist list` prints the platforms that Go knows." };
  }
  if (/missing go\.sum entry|updates to go\.mod needed/.test(output)) {
    return { hint: "Run `go mod tidy` and commit go.mod and go.sum." };
  }
  return {};
}

/**
 * Lines such as `./main.go:7:2: undefined: x`; paths are relative to `cwd`. Lines without a place
 * stay in the error's message.
 */
export function readCompileErrors(output: string, cwd: string, workspace: string): CompileError[] {
  return output.split("\n").flatMap((line) => {
    const match =
      /^(?<file>[^\s:][^:]*\.go):(?<line>\d+)(?::(?<column>\d+))?: (?<message>.+)$/.exec(
        line,
      )?.groups;
    if (match === undefined) return [];
    const { file = "", line: at = "", column, message = "" } = match;
    const place: Place = {
      file: relative(workspace, resolve(cwd, file)).split(sep).join("/"),
      line: Number(at),
      ...(column === undefined ? {} : { column: Number(column) }),
    };
    return [{ place, message }];
  });
}
