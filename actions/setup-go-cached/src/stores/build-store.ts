import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PackError } from "@go-cicd/core/pack-format.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { EntryFile, FoundEntry } from "@go-cicd/core/store.ts";
import { RECORD_PATH } from "../test-results/record.ts";
import { decodeMap, encodeMap, writeIndexEntries, type IndexEntry } from "./action-map.ts";
import { itemNames, markUnused, sweep, total, type LiveCache } from "./build-cache.ts";
import { COLD_RUN, readColdRun, type ColdRun } from "./cold-run.ts";
import type { Keys } from "./keys.ts";
import { baseKey, deltaKey, isBaseFor, wantsBase } from "./layers.ts";
import { arrived, restoreLayers, type Layers } from "./restore-layers.ts";
import { CLOCK_MARGIN_MS, notWorthIt, saveEntry, skipped, within } from "./save-entry.ts";
import { readBaseline, type BaseLayer, type SavedStore, type StorePlan } from "./store-plan.ts";

/** Root of an entry's own files, which have no place in GOCACHE. */
const ABOUT = "about";
const ACTIONS = "actions";
const OUTPUT = /^[0-9a-f]{2}\/([0-9a-f]{64})-d(?:\/[^/]+)?$/;

export interface RestoredBuild {
  layers: Layers;
  base: BaseLayer | undefined;
  /** Index entries that were written. */
  actions: number;
  cold: ColdRun | undefined;
}

/**
 * Restores a build cache: outputs first, then the index entries that name them. Of a base only what
 * the delta's job used lands.
 */
export async function restoreBuild(
  gocache: string,
  found: FoundEntry,
  keys: Keys,
  folder: string,
  ports: Ports,
  signal: AbortSignal,
): Promise<RestoredBuild> {
  const about = (which: "top" | "base"): string => join(folder, which);
  const listed = new Map<string, EntryFile[]>();
  const mapOf = (which: "top" | "base"): IndexEntry[] =>
    decodeMap(readFileSync(join(about(which), ACTIONS), "latin1"));
  const layers = await restoreLayers(
    "build",
    found,
    (which) => ({
      roots: { build: gocache, [ABOUT]: about(which) },
      choose: (files, key, above) => {
        const outputs = files.filter(({ root, path }) => root === "build" && path !== RECORD_PATH);
        for (const file of outputs) checkOutput(file);
        listed.set(key, outputs);
        if (!arrived(above)) return () => true;
        const live = new Set(mapOf("top").map(({ output }) => output));
        return ({ root, path }) => root === "build" && live.has(OUTPUT.exec(path)?.[1] ?? "");
      },
    }),
    ports,
    signal,
  );
  const newest = arrived(layers.top) ? "top" : arrived(layers.base) ? "base" : undefined;
  const actions = newest === undefined ? 0 : writeIndexEntries(gocache, mapOf(newest));
  const base = [layers.base, layers.top].find(
    (layer) => arrived(layer) && isBaseFor(layer.key, keys),
  );
  return {
    layers,
    actions,
    cold: newest === undefined ? undefined : readColdRun(about(newest)),
    base: arrived(base) ? baseLayer(base.key, listed.get(base.key) ?? []) : undefined,
  };
}

/**
 * An output's name is the sum of its content: what has another one is not what it says. The go
 * command itself looks at the size alone (cache.go, GetFile).
 * @throws PackError
 */
function checkOutput({ path, sha256 }: EntryFile): void {
  const [, hash] = OUTPUT.exec(path) ?? [];
  if (hash === undefined) throw new PackError(`${JSON.stringify(path)} is no output of a build`);
  if (hash !== sha256) throw new PackError(`${path} is not what its name says`);
}

function baseLayer(key: string, files: readonly EntryFile[]): BaseLayer {
  const contents = new Set(files.map(({ path }) => outputName(path)));
  return { key, contents: [...contents], bytes: files.reduce((sum, { size }) => sum + size, 0) };
}

/** `xx/<hash>-d`, also for the file in a folder of that name. */
function outputName(path: string): string {
  return path.split("/").slice(0, 2).join("/");
}

/** Makes a restored build cache ready for the job, and says what is in it. */
export function prepareBuild(gocache: string, startMs: number): string[] {
  markUnused(gocache, startMs);
  return itemNames(gocache);
}

export interface BuildSave {
  startMs: number;
  /** A job that failed has not asked for everything it needs: then nothing is left behind. */
  jobFailed: boolean;
  /** Results of tests that this job added. */
  newTests: number;
  /** Bytes that the outputs may take; undefined: as many as there are. */
  budget: number | undefined;
  /** How long a job takes that finds no build cache, where that is known. */
  cold: ColdRun | undefined;
}

/** Saves what the job used or made of its build cache: as a base, or what the base has not. */
export async function saveBuild(
  plan: StorePlan,
  { startMs, jobFailed, newTests, budget, cold }: BuildSave,
  ports: Ports,
): Promise<SavedStore> {
  const title = "build cache";
  const { folder, keys, restored } = plan;
  if (!existsSync(folder)) return { title, saved: skipped("there is no build cache") };
  const { before, base } = readBaseline(plan);
  const used = sweep(folder, startMs - CLOCK_MARGIN_MS, jobFailed);
  const leftBehind = used.droppedBytes;
  const live = withinBudget(used, budget);
  ports.log.info(
    `Build cache: ${live.outputs.length} outputs used or new, ${used.dropped} items left behind (${used.droppedBytes} bytes)`,
  );
  if (live.outputs.length < used.outputs.length) {
    ports.log.info(
      `${used.outputs.length - live.outputs.length} outputs (${used.bytes - live.bytes} bytes) are left out, the largest ones, to keep to cache-budget`,
    );
  }
  if (live.outputs.length === 0) return { title, saved: skipped("nothing was built"), leftBehind };
  const known = new Set(before);
  const fresh = total(live.outputs.filter(({ name }) => !known.has(name)));
  if (restored.kind === "exact" && newTests === 0) {
    const why = notWorthIt(fresh, live.bytes);
    if (why !== undefined) return { title, saved: skipped(why), leftBehind };
  }
  const inBase = new Set(base?.contents);
  const delta = live.outputs.filter(({ name }) => !inBase.has(name));
  const deltaBytes = total(delta);
  const sizes = {
    base: base && { bytes: base.bytes, liveBytes: live.bytes - deltaBytes },
    deltaBytes,
  };
  const asBase = ports.context.onDefaultBranch && wantsBase(sizes);
  const content = live.actions.map(({ action, output }) => `${action} ${output}`);
  const about = join(plan.baseline, "..", "new");
  mkdirSync(about, { recursive: true });
  writeFileSync(join(about, ACTIONS), encodeMap(live.actions));
  if (cold !== undefined) writeFileSync(join(about, COLD_RUN), JSON.stringify(cold));
  // What explains the results goes with them.
  const record = existsSync(join(folder, RECORD_PATH)) ? [RECORD_PATH] : [];
  const saved = await saveEntry(
    {
      name: "build",
      key: asBase ? baseKey(keys, content) : deltaKey(keys, content, base?.key),
      roots: { [ABOUT]: about, build: folder },
      files: {
        [ABOUT]: [ACTIONS, ...(cold === undefined ? [] : [COLD_RUN])],
        build: [...record, ...(asBase ? live.outputs : delta).flatMap(({ files }) => files)],
      },
    },
    ports,
  );
  return { title, saved, leftBehind };
}

/**
 * What fits: small outputs first. What a compiler makes takes time by its size, so that each byte is
 * worth about the same, and many small ones save more commands than one large one.
 */
function withinBudget(live: LiveCache, budget: number | undefined): LiveCache {
  if (budget === undefined || live.bytes <= budget) return live;
  const outputs = within(live.outputs, budget);
  const kept = new Set(outputs.map(({ name }) => name.slice(3, 67)));
  return {
    ...live,
    outputs,
    actions: live.actions.filter(({ output }) => kept.has(output)),
    bytes: total(outputs),
  };
}
