import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { homedir } from "node:os";
import { basename, isAbsolute, join } from "node:path";
import { isSystemError } from "@go-cicd/core/errors.ts";
import type { Environment } from "@go-cicd/core/process.ts";

/**
 * Where the local runner keeps what outlives a run: the tool cache and the cache service's
 * entries, the reports, and the folders that a running pipeline works in.
 */
export interface Home {
  folder: string;
  toolCache: string;
  services: string;
}

/**
 * `$XDG_CACHE_HOME/go-cicd/local`, by default below `~/.cache`. An empty or relative variable does
 * not count (XDG Base Directory Specification, "Basics").
 */
export function localHome(env: Environment): Home {
  const named = env["XDG_CACHE_HOME"] ?? "";
  const cache = isAbsolute(named) ? named : join(homedir(), ".cache");
  const folder = join(cache, "go-cicd", "local");
  return { folder, toolCache: join(folder, "tool-cache"), services: join(folder, "services") };
}

/**
 * A place to run one repository's pipeline in. Its paths are the same in every run, since paths are
 * part of Go's build IDs; a second run at the same time gets the next slot.
 */
export interface Slot {
  folder: string;
  workspace: string;
  /** `$HOME` of the jobs: emptied before each, as a hosted runner's is fresh. */
  home: string;
  temp: string;
  /** Where the deployed service lives. */
  target: string;
  release(): void;
}

/** Folder of everything that belongs to one repository. */
export function repositoryFolder(home: Home, repo: string): string {
  const hash = createHash("sha256").update(repo).digest("hex").slice(0, 8);
  return join(home.folder, "repositories", `${basename(repo).replace(/[^\w.-]/g, "_")}-${hash}`);
}

/** Takes the first free slot. A lock whose owner is gone is free. */
export function takeSlot(repository: string): Slot {
  for (let number = 1; ; number++) {
    const folder = join(repository, `slot-${number}`);
    mkdirSync(folder, { recursive: true });
    const lock = join(folder, "lock");
    if (!takeLock(lock)) continue;
    return {
      folder,
      workspace: join(folder, "workspace"),
      home: join(folder, "home"),
      temp: join(folder, "temp"),
      target: join(folder, "target"),
      release: () => rmSync(lock, { force: true }),
    };
  }
}

/** Folders of all slots below the home, taken or not, whose target holds a service's agent. */
export function targets(home: Home): string[] {
  const repositories = join(home.folder, "repositories");
  if (!existsSync(repositories)) return [];
  return readdirSync(repositories).flatMap((repository) =>
    readdirSync(join(repositories, repository))
      .filter((name) => /^slot-\d+$/.test(name))
      .map((slot) => join(repositories, repository, slot, "target"))
      .filter((target) => existsSync(agentOf(target))),
  );
}

/** Script that keeps the service of a local target (deploy-with-rollback). */
export function agentOf(target: string): string {
  return join(target, ".deploy", "agent.sh");
}

/** Locks that are held at this moment below the home, by process id. */
export function runningPipelines(home: Home): number[] {
  const repositories = join(home.folder, "repositories");
  if (!existsSync(repositories)) return [];
  return readdirSync(repositories, { recursive: true, encoding: "utf8" })
    .filter((path) => /^[^/\\]+[/\\]slot-\d+[/\\]lock$/.test(path))
    .map((path) => owner(join(repositories, path)))
    .filter((pid) => pid !== undefined);
}

function takeLock(path: string): boolean {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = openSync(path, "wx");
      writeSync(file, `${process.pid} ${startOf(process.pid) ?? ""}\n`);
      closeSync(file);
      return true;
    } catch (error) {
      if (!isSystemError(error, "EEXIST")) throw error;
      if (owner(path) !== undefined) return false;
      rmSync(path, { force: true });
    }
  }
  return false;
}

/** The living process that holds the lock, or undefined. */
function owner(path: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  const [pid = "", start = ""] = text.trim().split(" ");
  const id = Number(pid);
  if (!Number.isInteger(id) || id <= 0) return undefined;
  try {
    process.kill(id, 0);
  } catch (error) {
    if (!isSystemError(error, "EPERM")) return undefined;
  }
  // The same number may be another process by now: on Linux its start time tells.
  return start !== "" && startOf(id) !== start ? undefined : id;
}

/** Start time of a process in clock ticks since boot (proc(5), field 22 of stat); Linux only. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
