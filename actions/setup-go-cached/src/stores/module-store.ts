import type { Ports } from "@go-cicd/core/ports.ts";
import { PackError } from "@go-cicd/core/pack-format.ts";
import type { EntryFile, FoundEntry } from "@go-cicd/core/store.ts";
import { total } from "./build-cache.ts";
import { readGoSums, sumTable, type SumTable } from "./go-sums.ts";
import type { Keys } from "./keys.ts";
import { baseKey, deltaKey, inScope, isBaseFor, wantsBase } from "./layers.ts";
import {
  filesOf,
  listModules,
  moduleOf,
  modulesToKeep,
  sizeOf,
  unitOf,
  type CachedModule,
} from "./module-cache.ts";
import { judgeModules, type ModuleVerdicts } from "./module-sums.ts";
import { arrived, restoreLayers, type Layers } from "./restore-layers.ts";
import { notWorthIt, saveEntry, skipped, within } from "./save-entry.ts";
import { readBaseline, type BaseLayer, type SavedStore, type StorePlan } from "./store-plan.ts";

export interface RestoredModules {
  layers: Layers;
  base: BaseLayer | undefined;
  /** Modules that landed and are what go.sum says. */
  verified: Set<string>;
  /** Modules that were left out: no go.sum names them. */
  unknown: Set<string>;
  /** Modules that were left out: their content is not what go.sum says. */
  altered: Set<string>;
}

/**
 * Restores modules. Each is held against go.sum before anything of it lands. One that no go.sum names
 * lands only from an entry of these very sums: a job used it beside what the repository needs
 * (`go run package@version`). With `provenOnly` not even then.
 */
export async function restoreModules(
  gomodcache: string,
  found: FoundEntry,
  keys: Keys,
  { sums, provenOnly }: { sums: SumTable; provenOnly: boolean },
  ports: Ports,
  signal: AbortSignal,
): Promise<RestoredModules> {
  const listed = new Map<string, { files: readonly EntryFile[]; admitted: Set<string> }>();
  const all: Pick<ModuleVerdicts, "verified" | "unknown" | "altered"> = {
    verified: new Set(),
    unknown: new Set(),
    altered: new Set(),
  };
  const layers = await restoreLayers(
    "modules",
    found,
    () => ({
      roots: { modules: gomodcache },
      choose: (files, key) => {
        const { verified, unknown, altered, strays } = judgeModules(files, sums);
        if (strays.length > 0) {
          throw new PackError(`${JSON.stringify(strays[0])} belongs to no module`);
        }
        const admitted = new Set(verified);
        for (const unit of unknown) {
          if (inScope(key, keys) && !provenOnly) admitted.add(unit);
          else all.unknown.add(unit);
        }
        for (const unit of verified) all.verified.add(unit);
        for (const unit of altered) all.altered.add(unit);
        listed.set(key, { files, admitted });
        const ids = new Set([...admitted].map(idOf));
        return ({ path }) => ids.has(moduleOf(path) ?? "");
      },
    }),
    ports,
    signal,
  );
  const base = [layers.base, layers.top].find(
    (layer) => arrived(layer) && isBaseFor(layer.key, keys),
  );
  return {
    layers,
    base: arrived(base) ? baseLayer(base.key, listed.get(base.key)) : undefined,
    ...all,
  };
}

/**
 * Of a base that much counts as there as may land: what was left out may land from a delta.
 */
function baseLayer(
  key: string,
  listed: { files: readonly EntryFile[]; admitted: ReadonlySet<string> } | undefined,
): BaseLayer {
  const bytes = listed?.files.reduce((sum, { size }) => sum + size, 0) ?? 0;
  return { key, contents: [...(listed?.admitted ?? [])], bytes };
}

/** `path@version` of a unit. */
function idOf(unit: string): string {
  return unit.replace(/\/go\.mod$/, "");
}

/** What is in a module cache, by units. */
export function unitsIn(gomodcache: string): string[] {
  return listModules(gomodcache).map(unitOf);
}

/** Saves the modules, without zips and without what no go.sum names any more. */
export async function saveModules(
  plan: StorePlan,
  { patterns, budget }: { patterns: readonly string[]; budget: number | undefined },
  ports: Ports,
): Promise<SavedStore> {
  const title = "modules";
  const { keys, folder } = plan;
  const { before, base } = readBaseline(plan);
  const known = new Set(before);
  const sums = sumTable(readGoSums(ports.context.workspace, patterns).lines);
  const ids = new Set(before.map(idOf));
  const sameSums = plan.restored.kind === "exact";
  const sized = (module: CachedModule) => {
    const files = filesOf(folder, module);
    return { unit: unitOf(module), files, bytes: sizeOf(folder, files) };
  };
  const modules = modulesToKeep(listModules(folder), { ids, sameSums }, sums);
  if (modules.length === 0) return { title, saved: skipped("no module was used") };
  // Before anything is measured: a module cache has very many files.
  const isNew = modules.some((module) => !known.has(unitOf(module)));
  if (!isNew && (sameSums || plan.restored.kind === "prefix")) {
    return { title, saved: skipped("nothing is new") };
  }
  const used = modules.map(sized);
  const kept = budget === undefined ? used : within(used, budget);
  if (kept.length < used.length) {
    ports.log.info(
      `${used.length - kept.length} modules (${total(used) - total(kept)} bytes) are left out, the largest ones, to keep to cache-budget`,
    );
  }
  if (kept.length === 0) return { title, saved: skipped("no module fits into cache-budget") };
  const fresh = total(kept.filter(({ unit }) => !known.has(unit)));
  const why = sameSums ? notWorthIt(fresh, total(kept)) : undefined;
  if (why !== undefined) return { title, saved: skipped(why) };
  const inBase = new Set(base?.contents);
  const delta = kept.filter(({ unit }) => !inBase.has(unit));
  const deltaBytes = total(delta);
  const sizes = {
    base: base && { bytes: base.bytes, liveBytes: total(kept) - deltaBytes },
    deltaBytes,
  };
  const asBase = ports.context.onDefaultBranch && wantsBase(sizes);
  const content = kept.map(({ unit }) => unit).sort();
  const saved = await saveEntry(
    {
      name: "modules",
      key: asBase ? baseKey(keys, content) : deltaKey(keys, content, base?.key),
      roots: { modules: folder },
      files: { modules: (asBase ? kept : delta).flatMap(({ files }) => files) },
    },
    ports,
  );
  return { title, saved };
}
