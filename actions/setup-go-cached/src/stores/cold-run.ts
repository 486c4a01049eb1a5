import { readFileSync } from "node:fs";
import { join } from "node:path";

/** File in an entry of the build cache: how long a job takes that finds none. */
export const COLD_RUN = "cold-run.json";

/** A job of this kind that found no build cache. */
export interface ColdRun {
  /** Milliseconds from the beginning of the set-up to the end of the job's steps. */
  ms: number;
}

/** Of the entry that was restored to `folder`; undefined when it knows of none. */
export function readColdRun(folder: string): ColdRun | undefined {
  try {
    const { ms } = JSON.parse(readFileSync(join(folder, COLD_RUN), "utf8")) as Partial<ColdRun>;
    return typeof ms === "number" && Number.isFinite(ms) && ms > 0 ? { ms } : undefined;
  } catch {
    // It only informs.
    return undefined;
  }
}

/** What the caches saved, as far as one can tell: other steps of the job took time, too. */
export function savingText({ ms }: ColdRun, thisMs: number): string {
  const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(0)} s`;
  const took = `${seconds(thisMs)} from set-up to the end of the job's steps, ${seconds(ms)} in the last job that found no build cache`;
  return thisMs < ms
    ? `Saved about ${seconds(ms - thisMs)}: ${took}`
    : `Nothing saved this time: ${took}`;
}
