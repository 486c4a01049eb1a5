import { byText } from "./modules.ts";
import type { PlannedPackage } from "./packages.ts";

/** The packages of one shard, in the order of modules and paths. */
export interface Shard {
  packages: PlannedPackage[];
  /** Sum of its packages' costs. */
  estimate: number;
}

/**
 * Longest processing time first: the dearest package goes to the shard that has least. With exact
 * costs it stays within 4/3 − 1/(3m) of the best (Graham 1969). The same packages always give the
 * same shards, so that a job that is run again gets the same slice.
 */
export function shardPackages(packages: readonly PlannedPackage[], count: number): Shard[] {
  const shards = Array.from({ length: Math.max(1, Math.min(count, packages.length)) }, () => ({
    packages: [] as PlannedPackage[],
    estimate: 0,
  }));
  const dearestFirst = [...packages].sort(
    (one, other) => other.estimate - one.estimate || byPlace(one, other),
  );
  for (const item of dearestFirst) {
    const least = shards.reduce((best, shard) => (shard.estimate < best.estimate ? shard : best));
    least.packages.push(item);
    least.estimate += item.estimate;
  }
  for (const shard of shards) {
    shard.packages.sort(byPlace);
    shard.estimate = Math.round(shard.estimate * 100) / 100;
  }
  return shards;
}

function byPlace(one: PlannedPackage, other: PlannedPackage): number {
  return byText(one.module, other.module) || byText(one.path, other.path);
}
