import type { Ports } from "@go-cicd/core/ports.ts";
import type {
  EntryFile,
  FoundEntry,
  Landed,
  RestoreResult,
  StoreRoots,
} from "@go-cicd/core/store.ts";
import type { Keys } from "./keys.ts";
import { baseBelow, inScope } from "./layers.ts";
import type { Restored, StoreName } from "./store-plan.ts";

/** How one layer lands. */
export interface LayerPlan {
  roots: StoreRoots;
  /**
   * Told the layer's files before any of them lands. For the base below a delta `above` is what came
   * of that delta, once it is there.
   */
  choose(
    files: readonly EntryFile[],
    key: string,
    above?: RestoreResult,
  ): (file: EntryFile) => boolean;
}

export interface Layers {
  /** The newest entry that fits. */
  top: RestoreResult;
  /** The base that it stands on. */
  base: RestoreResult | undefined;
}

/** The newest entry for these keys. */
export function findTop(name: StoreName, keys: Keys, { store }: Ports, signal: AbortSignal) {
  return store.lookUp({
    name,
    key: keys.scope,
    restoreKeys: [`${keys.scope}-`, ...keys.fallbacks],
    signal,
  });
}

/** Restores an entry, and the base below it while it comes. */
export async function restoreLayers(
  name: StoreName,
  found: FoundEntry,
  layer: (which: "top" | "base") => LayerPlan,
  { store }: Ports,
  signal: AbortSignal,
): Promise<Layers> {
  const upper = layer("top");
  const top = store.restore({
    name,
    key: found.key,
    restoreKeys: [],
    found,
    roots: upper.roots,
    choose: (files) => Promise.resolve(upper.choose(files, found.key)),
    signal,
  });
  const key = baseBelow(found.key);
  if (key === undefined) return { top: await top, base: undefined };
  const lower = layer("base");
  const base = store.restore({
    name,
    key,
    restoreKeys: [],
    roots: lower.roots,
    choose: async (files) => lower.choose(files, key, await top),
    signal,
  });
  const [above, below] = await Promise.all([top, base]);
  return { top: above, base: below };
}

/** Whether anything of an entry is on disk now. */
export function arrived(
  result: RestoreResult | undefined,
): result is Extract<RestoreResult, { kind: "hit" | "prefix" }> {
  return result?.kind === "hit" || result?.kind === "prefix";
}

export function damagedLayers({ top, base }: Layers): { key: string; detail: string }[] {
  return [top, base].flatMap((layer) => (layer?.kind === "corrupt" ? [layer] : []));
}

/** One result of two layers: exact only when all that belongs to it is there. */
export function outcomeOf({ top, base }: Layers, keys: Keys): Restored {
  const there = [top, base].filter(arrived);
  const [newest] = there;
  if (newest === undefined) {
    return top.kind === "corrupt"
      ? { kind: "corrupt", detail: `${top.key}: ${top.detail}` }
      : { kind: "miss", detail: "reason" in top ? `${top.reason}: ${top.detail}` : "" };
  }
  const whole = arrived(top) && (base === undefined || arrived(base));
  const sum = (of: (layer: Landed) => number): number =>
    there.reduce((total, layer) => total + of(layer), 0);
  return {
    kind: whole && inScope(newest.key, keys) ? "exact" : "prefix",
    key: newest.key,
    bytes: sum(({ bytes }) => bytes),
    files: sum(({ files }) => files),
    skipped: sum(({ skipped }) => skipped),
  };
}
