import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "@go-cicd/core/errors.ts";
import { JOB_FOLDER } from "@go-cicd/core/names.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { RestoreResult, SaveResult } from "@go-cicd/core/store.ts";
import { RECORD_PATH } from "../test-results/record.ts";
import { itemNames, markUnused, sweep } from "./build-cache.ts";
import { readGoSums, sumTable, type GoSums } from "./go-sums.ts";
import { digestOf, inScope, type Keys } from "./keys.ts";
import {
  filesOf,
  listModules,
  modulesToKeep,
  sizeOf,
  verifyModules,
  type CachedModule,
} from "./module-cache.ts";

export type StoreName = "modules" | "build";

/** What came of restoring a store. `exact`: an entry of exactly these ingredients. */
export type Restored =
  | { kind: "exact" | "prefix"; key: string; bytes: number; files: number; skipped: number }
  | { kind: "miss" | "corrupt" | "off"; detail: string };

export type Saved = SaveResult | { kind: "skipped"; detail: string };

/** What main leaves for post about one store. */
export interface StorePlan {
  name: StoreName;
  folder: string;
  keys: Keys;
  restored: Restored;
  /** File with the names of what was there when the job began. */
  baseline: string;
}

/** Files that were made right after the start can carry a time a few ticks before it. */
const CLOCK_MARGIN_MS = 1_000;
/** What is not worth an entry of its own: less than this part of the whole. */
const LEAST_SHARE = 0.01;
const LEAST_BYTES = 64 * 1024;

/** Restores one store. Nothing of a cache fails the job. */
export async function restoreStore(
  name: StoreName,
  folder: string,
  keys: Keys,
  ports: Ports,
  signal: AbortSignal,
): Promise<Restored> {
  return ports.timeline.phase(`restore ${name}`, async (phase) => {
    const request = {
      name,
      key: keys.scope,
      restoreKeys: [`${keys.scope}-`, ...keys.fallbacks],
      roots: { [name]: folder },
      signal,
    };
    let restored: Restored;
    try {
      restored = asRestored(await ports.store.restore(request), keys);
    } catch (error) {
      signal.throwIfAborted();
      restored = { kind: "miss", detail: messageOf(error) };
    }
    const bytes = "bytes" in restored ? restored.bytes : 0;
    if ("files" in restored) phase.count("files", restored.files);
    phase.cache(name, restored.kind, bytes);
    return restored;
  });
}

function asRestored(result: RestoreResult, keys: Keys): Restored {
  switch (result.kind) {
    case "hit":
    case "prefix": {
      const { key, bytes, files, skipped } = result;
      return { kind: inScope(key, keys) ? "exact" : "prefix", key, bytes, files, skipped };
    }
    case "miss":
      return { kind: "miss", detail: `${result.reason}: ${result.detail}` };
    case "corrupt":
      return { kind: "corrupt", detail: `${result.key}: ${result.detail}` };
  }
}

/** Whether anything of an entry is on disk now. */
export function arrived(restored: Restored): boolean {
  return restored.kind === "exact" || restored.kind === "prefix";
}

/**
 * Makes a restored build cache ready for the job, and notes what is in it. Undefined when that
 * cannot be done (a cache of another user): then it is used as it is, and nothing is saved.
 */
export function prepareBuild(folder: string, startMs: number, ports: Ports): string | undefined {
  return attempt("build cache", ports, () => {
    markUnused(folder, startMs);
    return writeBaseline("build", itemNames(folder), ports);
  });
}

/** Notes which modules are there. Undefined as for `prepareBuild`. */
export function prepareModules(folder: string, ports: Ports): string | undefined {
  return attempt("modules", ports, () =>
    writeBaseline("modules", listModules(folder).map(unitOf), ports),
  );
}

function attempt(title: string, { log }: Ports, work: () => string): string | undefined {
  try {
    return work();
  } catch (error) {
    log.warning(`The ${title} will not be saved at the end of the job: ${messageOf(error)}`);
    return undefined;
  }
}

/** Ids of modules in a cache; before a restore, so that only what it brought is looked at. */
export function moduleIds(folder: string): Set<string> {
  return new Set(listModules(folder).map(({ id }) => id));
}

/** Checks what a restore brought against go.sum, and says what was wrong. */
export async function checkModules(
  folder: string,
  before: ReadonlySet<string>,
  sums: GoSums,
  ports: Ports,
): Promise<void> {
  await ports.timeline.phase("verify modules", (phase) => {
    const { verified, unknown, altered } = verifyModules(folder, sumTable(sums.lines), before);
    phase.count("modules", verified);
    ports.log.info(
      `${verified} restored modules are what go.sum says; ${unknown.length} that it does not name were removed`,
    );
    if (altered.length > 0) {
      ports.log.warning(
        `Removed ${altered.length} restored modules that are not what go.sum says: ${altered.slice(0, 10).join(", ")}. They will be fetched again. Somebody may have written to this repository's cache.`,
        { title: "Altered modules in the cache" },
      );
    }
    return Promise.resolve();
  });
}

/** A module whose tree is there is more than one of which only the go.mod is. */
function unitOf({ id, tree }: CachedModule): string {
  return tree === undefined ? `${id}/go.mod` : id;
}

function writeBaseline(name: StoreName, names: readonly string[], { context }: Ports): string {
  const parent = join(context.temp === "" ? tmpdir() : context.temp, JOB_FOLDER);
  mkdirSync(parent, { recursive: true });
  const path = join(mkdtempSync(join(parent, "setup-go-cached-")), `${name}.txt`);
  writeFileSync(path, names.join("\n"));
  return path;
}

function readBaseline({ baseline }: StorePlan): Set<string> {
  try {
    return new Set(readFileSync(baseline, "utf8").split("\n"));
  } catch {
    // A step of the job emptied the temporary folder: then everything counts as new.
    return new Set();
  }
}

/** Saves the modules, without zips and without what no go.sum names any more. */
export async function saveModules(
  plan: StorePlan,
  patterns: readonly string[],
  ports: Ports,
): Promise<Saved> {
  const before = readBaseline(plan);
  const sums = sumTable(readGoSums(ports.context.workspace, patterns).lines);
  const ids = new Set([...before].map((unit) => unit.replace(/\/go\.mod$/, "")));
  const sameSums = plan.restored.kind === "exact";
  const kept = modulesToKeep(listModules(plan.folder), { ids, sameSums }, sums);
  const fresh = kept.filter((module) => !before.has(unitOf(module)));
  if (kept.length === 0) return { kind: "skipped", detail: "no module was used" };
  const files = kept.flatMap((module) => filesOf(plan.folder, module));
  const newBytes = sizeOf(
    plan.folder,
    fresh.flatMap((module) => filesOf(plan.folder, module)),
  );
  const bytes = sizeOf(plan.folder, files);
  const why = sameSums ? notWorthIt(newBytes, bytes) : undefined;
  if (why !== undefined) return { kind: "skipped", detail: why };
  return save(plan, digestOf(kept.map(unitOf).sort(), 12), files, ports);
}

/** Saves what the job used or made of its build cache. */
export async function saveBuild(
  plan: StorePlan,
  startMs: number,
  jobFailed: boolean,
  ports: Ports,
): Promise<Saved> {
  if (!existsSync(plan.folder)) return { kind: "skipped", detail: "there is no build cache" };
  const live = sweep(plan.folder, startMs - CLOCK_MARGIN_MS, readBaseline(plan), jobFailed);
  ports.log.info(
    `Build cache: ${live.files.length} files used or new, ${live.dropped} left behind (${live.droppedBytes} bytes)`,
  );
  if (live.files.length === 0) return { kind: "skipped", detail: "nothing was built" };
  const why = plan.restored.kind === "exact" ? notWorthIt(live.newBytes, live.bytes) : undefined;
  if (why !== undefined) return { kind: "skipped", detail: why };
  // What explains the results goes with them.
  const record = existsSync(join(plan.folder, RECORD_PATH)) ? [RECORD_PATH] : [];
  return save(plan, live.contentId, [...live.files, ...record], ports);
}

function notWorthIt(newBytes: number, bytes: number): string | undefined {
  if (newBytes === 0) return "nothing is new";
  if (newBytes >= LEAST_BYTES && newBytes >= bytes * LEAST_SHARE) return undefined;
  return `only ${newBytes} of ${bytes} bytes are new`;
}

async function save(
  { name, folder, keys }: StorePlan,
  contentId: string,
  files: readonly string[],
  ports: Ports,
): Promise<Saved> {
  return ports.timeline.phase(`save ${name}`, async (phase) => {
    let result: SaveResult;
    try {
      result = await ports.store.save({
        name,
        key: `${keys.scope}-${contentId}`,
        roots: { [name]: folder },
        files: { [name]: files },
        signal: ports.signal,
      });
    } catch (error) {
      ports.signal.throwIfAborted();
      result = { kind: "failed", detail: messageOf(error) };
    }
    const bytes = result.kind === "saved" ? result.bytes : 0;
    if (result.kind === "saved") phase.count("files", result.files);
    phase.cache(name, result.kind, bytes);
    return result;
  });
}
