import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ActionError, isSystemError, messageOf } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { removeTree } from "../tree.ts";
import { fromSemver, toSemver } from "../version/wanted.ts";
import { describe, goProgram, type LocalToolchain } from "./local.ts";
import { diskFull, MachineProblem } from "./machine-problem.ts";
import { programName, type Platform } from "./platform.ts";

/** The folder of a tool cache that holds the versions of one tool for one platform. */
export interface Shelf {
  /** `go`, or a name of its own for what a mirror has under the same versions. */
  tool: string;
  platform: Platform;
}

/**
 * A file in a GOROOT that was verified and moved to its place in one piece: when only the mark
 * `.complete` is missing, the process ended between two instructions, and all is there.
 */
const VERIFIED = ".go-cicd-verified";
const FRESH = ".fresh-";
/** Folders of processes that are gone. No install takes this long. */
const STALE_MS = 6 * 60 * 60 * 1000;
/** A folder without a mark that is younger may be the work of another action that still copies. */
const FOREIGN_MS = 10 * 60 * 1000;
const FOREIGN_WAIT_MS = 60_000;

/** How systems say that there is something at the place a folder is moved to, or holds it. */
const TAKEN = ["ENOTEMPTY", "EEXIST", "ENOTDIR", "EPERM", "EBUSY", "EACCES"];

/** The tool caches of this machine: all are read, the first one is written. */
export function toolCaches(
  { context, env }: Pick<Ports, "context" | "env">,
  platform: string = process.platform,
): string[] {
  const { toolCache, temp } = context;
  if (toolCache === "") return [`${temp}/go-cicd-tools`];
  // Hosted Windows machines have a fast second drive, on which the job works (setup-go PR #515).
  const drive = /^[A-Za-z]:(?=[\\/])/.exec(temp)?.[0];
  const own = /^[A-Za-z]:(?=[\\/])/.exec(toolCache)?.[0];
  if (
    platform === "win32" &&
    env["RUNNER_ENVIRONMENT"] === "github-hosted" &&
    drive !== undefined &&
    own !== undefined &&
    drive.toLowerCase() !== own.toLowerCase()
  ) {
    return [`${drive}${toolCache.slice(own.length)}`, toolCache];
  }
  return [toolCache];
}

/**
 * Complete toolchains of the tool caches: `go/<semantic version>/<arch>` beside `<arch>.complete`
 * (the layout of @actions/tool-cache, whoever wrote them). A folder that was filled by hand can hold
 * another version than its name says; that one is none.
 */
export function cachedToolchains(
  { tool, platform }: Shelf,
  caches: readonly string[],
): LocalToolchain[] {
  return caches.flatMap((cache) => {
    const home = join(cache, tool);
    if (!existsSync(home)) return [];
    return readdirSync(home)
      .map((name) => ({
        version: fromSemver(name),
        goroot: join(home, name, platform.toolArch),
      }))
      .filter(
        (each): each is LocalToolchain =>
          each.version !== undefined &&
          existsSync(`${each.goroot}.complete`) &&
          existsSync(join(each.goroot, "bin", programName("go", platform))) &&
          !isOther(each.goroot, each.version),
      );
  });
}

/**
 * Lets `fill` make the folder `go` in the one it is given a GOROOT, and moves that to its place in
 * one step; the mark `.complete` comes last. Jobs that do the same at once do not disturb each
 * other: the first one wins, and the others use what it left.
 * @param fill throws when what it got is not verified
 * @returns the GOROOT
 */
export async function intoToolCache(
  version: string,
  { tool, platform }: Shelf,
  ports: Ports,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  const [cache = ""] = toolCaches(ports);
  const home = join(cache, tool);
  const place = join(home, toSemver(version) ?? version);
  let fresh: string;
  try {
    mkdirSync(place, { recursive: true });
    sweep(home);
    fresh = mkdtempSync(join(home, FRESH));
  } catch (error) {
    throw isDiskFull(error) ? diskFull(home, error) : unwritable(error);
  }
  const goroot = join(place, platform.toolArch);
  try {
    expectRoom(goroot, version);
    await fill(fresh);
    const filled = join(fresh, "go");
    await expectVersion(filled, version, platform, ports);
    writeFileSync(join(filled, VERIFIED), "");
    return await land(filled, goroot, fresh, ports);
  } catch (error) {
    throw isDiskFull(error) ? diskFull(home, error) : error;
  } finally {
    removeTree(fresh);
  }
}

/**
 * What is complete under this name is used by other jobs, so it is not replaced, and since it is
 * another version it is not used either.
 */
function expectRoom(goroot: string, version: string): void {
  if (!existsSync(`${goroot}.complete`) || !isOther(goroot, version)) return;
  throw new MachineProblem(
    `The tool cache is wrong: ${goroot} says it is Go ${versionFile(goroot) ?? ""}`,
    { hint: "Remove that folder and the mark beside it that ends with .complete." },
  );
}

async function land(filled: string, goroot: string, fresh: string, ports: Ports): Promise<string> {
  const complete = `${goroot}.complete`;
  const started = ports.clock.now();
  for (;;) {
    try {
      renameSync(filled, goroot);
      writeFileSync(complete, "");
      return goroot;
    } catch (error) {
      if (!isSystemError(error, ...TAKEN)) throw error;
      const late = ports.clock.now() - started > FOREIGN_WAIT_MS;
      const status = lstatSync(goroot, { throwIfNoEntry: false });
      if (existsSync(join(goroot, VERIFIED))) {
        writeFileSync(complete, "");
        return goroot;
      }
      if (existsSync(complete) && existsSync(join(goroot, "bin"))) return goroot;
      if (status !== undefined && (late || Date.now() - status.mtimeMs > FOREIGN_MS)) {
        // Nobody works on it any more. Moved away first: a removal takes time.
        renameSync(goroot, join(fresh, "left"));
        continue;
      }
      // On Windows a scanner may hold a file of the new tree for a moment.
      const held = status === undefined && process.platform === "win32";
      if (late || (status === undefined && !held)) throw unwritable(error);
      await ports.clock.sleep(500, ports.signal);
    }
  }
}

/** What was fetched must be what it was asked for: it says so itself, where it can be run. */
async function expectVersion(
  goroot: string,
  version: string,
  platform: Platform,
  ports: Ports,
): Promise<void> {
  const found = platform.native
    ? (await describe(goProgram(goroot), ports))?.version
    : versionFile(goroot);
  if (found === version) return;
  throw new ActionError(
    "integrity",
    `What was fetched as Go ${version} says it is ${found ?? "something else"}`,
  );
}

/** Whether a GOROOT says that it is another version; a build of one's own may say nothing. */
function isOther(goroot: string, version: string): boolean {
  return (versionFile(goroot) ?? version) !== version;
}

function versionFile(goroot: string): string | undefined {
  try {
    return /^go(\d[\w.]*)/.exec(readFileSync(join(goroot, "VERSION"), "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

/** Removes what processes left that were killed. */
function sweep(home: string): void {
  for (const name of readdirSync(home).filter((each) => each.startsWith(FRESH))) {
    const status = lstatSync(join(home, name), { throwIfNoEntry: false });
    if (status !== undefined && Date.now() - status.mtimeMs > STALE_MS) {
      removeTree(join(home, name));
    }
  }
}

function unwritable(error: unknown): MachineProblem {
  return new MachineProblem(`The tool cache cannot be written: ${messageOf(error)}`, {
    hint: "RUNNER_TOOL_CACHE must name a folder that the runner's user can write to.",
    cause: error,
  });
}

function isDiskFull(error: unknown): boolean {
  return isSystemError(error, "ENOSPC", "EDQUOT");
}
