import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JOB_FOLDER } from "@go-cicd/core/names.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { SaveResult } from "@go-cicd/core/store.ts";
import type { Keys } from "./keys.ts";

export type StoreName = "modules" | "build";

/** What came of restoring a store. `exact`: an entry of exactly these ingredients. */
export type Restored =
  | { kind: "exact" | "prefix"; key: string; bytes: number; files: number; skipped: number }
  /** `lookup-only`: an entry is there, and was left there. */
  | { kind: "seen"; key: string; exact: boolean }
  | { kind: "miss" | "corrupt" | "off"; detail: string };

/** Bytes that were written. */
export function bytesOf(restored: Restored): number {
  return "bytes" in restored ? restored.bytes : 0;
}

/** Name of the entry that was restored or seen; empty where there is none. */
export function keyOf(restored: Restored): string {
  return "key" in restored ? restored.key : "";
}

/** Whether the entry is one of exactly these ingredients. */
export function isExact(restored: Restored): boolean {
  return restored.kind === "exact" || (restored.kind === "seen" && restored.exact);
}

export type Saved = SaveResult | { kind: "skipped"; detail: string };

/** What became of a store at the end of the job. */
export interface SavedStore {
  title: string;
  saved: Saved;
  /** Bytes that were there and that nothing used. */
  leftBehind?: number;
}

/** The base that a delta of this job may stand on. */
export interface BaseLayer {
  key: string;
  /** What of it need not be saved again: outputs of the build cache, units of the module cache. */
  contents: string[];
  bytes: number;
}

/** What was there when the job's own steps began. */
export interface Baseline {
  /** Names of what is in the folder, restored or not. */
  before: string[];
  base: BaseLayer | undefined;
}

/** What main leaves for post about one store. */
export interface StorePlan {
  name: StoreName;
  folder: string;
  keys: Keys;
  restored: Restored;
  /** File with the baseline. */
  baseline: string;
}

/** A folder of this step's own, which lasts until the end of the job. */
export function stepFolder({ context }: Pick<Ports, "context">): string {
  const parent = join(context.temp === "" ? tmpdir() : context.temp, JOB_FOLDER);
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, "setup-go-cached-"));
}

/** Notes the baseline, and returns the file's path. */
export function writeBaseline(folder: string, baseline: Baseline): string {
  const path = join(folder, "baseline.json");
  writeFileSync(path, JSON.stringify(baseline));
  return path;
}

/** Where a step of the job emptied the temporary folder everything counts as new. */
export function readBaseline({ baseline }: StorePlan): Baseline {
  try {
    return JSON.parse(readFileSync(baseline, "utf8")) as Baseline;
  } catch {
    return { before: [], base: undefined };
  }
}
