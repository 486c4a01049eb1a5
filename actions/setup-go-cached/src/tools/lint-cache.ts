import { lutimesSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { messageOf } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { userCache } from "../go-settings.ts";
import { sweep } from "../stores/build-cache.ts";
import { readGoSums } from "../stores/go-sums.ts";
import { sizeOf } from "../stores/module-cache.ts";
import { CLOCK_MARGIN_MS, saveEntry, skipped } from "../stores/save-entry.ts";
import type { Saved } from "../stores/store-plan.ts";
import { filesBelow } from "../tree.ts";
import type { Trust } from "../trust.ts";
import { minorOf } from "./build-info.ts";
import { digest } from "./key.ts";

/** Name of the state that main leaves for post. */
export const LINT = "lint";

/** Part of every key: entries of another format are never looked at. */
const FORMAT = "v1";
const NAME = "golangci-lint";
/** Its cache is a copy of Go's: index entries `-a` that name outputs `-d` (internal/go/cache). */
const ITEM = /^[0-9a-f]{2}\/[0-9a-f]{64}-[ad]$/;
/** It touches what it uses only when its time is more than one hour old. */
const BEFORE_START_MS = 2 * 60 * 60 * 1000;
/** What nothing used is kept up to this size. */
const ROOM_BYTES = 300_000_000;

/** What main leaves for post. */
export interface LintPlan {
  folder: string;
  scope: string;
  /** Key of what was restored, or empty. */
  restored: string;
  startMs: number;
}

export interface LintRequest {
  /** `golangci-lint-cache` and `cache` together. */
  wanted: boolean;
  trust: Trust;
  goVersion: string;
  /** The matrix leg as JSON, or empty. */
  matrix: string;
  /** Patterns of `cache-dependency-path`. */
  sums: readonly string[];
  startMs: number;
}

/**
 * Brings back the cache of golangci-lint. What an analysis said cannot be checked, so a job that
 * trusts only what can be checked does without. Undefined where nothing is to be saved.
 */
export async function restoreLint(
  request: LintRequest,
  ports: Ports,
  signal: AbortSignal,
): Promise<LintPlan | undefined> {
  const { trust, startMs } = request;
  if (!request.wanted || !trust.tools) return undefined;
  const folder = lintFolder(ports);
  if (folder === undefined) {
    ports.log.info("golangci-lint's cache: not kept, GOLANGCI_LINT_CACHE is no absolute path");
    return undefined;
  }
  const { scope, job } = lintKeys(request, ports);
  let restored = "";
  let what: string;
  try {
    const result = await ports.timeline.phase("restore golangci-lint", async (phase) => {
      const answer = await ports.store.restore({
        name: NAME,
        key: scope,
        restoreKeys: [`${scope}-`, `${job}-`],
        roots: { lint: folder },
        signal,
      });
      phase.cache(NAME, answer.kind, "bytes" in answer ? answer.bytes : 0);
      return answer;
    });
    if ("bytes" in result) restored = result.key;
    what = "bytes" in result ? `restored ${result.key}` : `${result.kind} (${result.detail})`;
    // From now on everything looks unused, so that post can tell what the job used.
    for (const file of itemsOf(folder)) stamp(join(folder, file), startMs - BEFORE_START_MS);
  } catch (error) {
    signal.throwIfAborted();
    what = `not restored: ${messageOf(error)}`;
  }
  ports.log.info(`golangci-lint's cache: ${what}; key ${scope}`);
  return trust.save ? { folder, scope, restored, startMs } : undefined;
}

/** Where golangci-lint keeps its cache (internal/go/cache, DefaultDir). */
function lintFolder({ env }: Pick<Ports, "env">): string | undefined {
  const given = env["GOLANGCI_LINT_CACHE"] ?? "";
  if (given === "") return join(userCache(env, process.platform), NAME);
  return isAbsolute(given) ? given : undefined;
}

function lintKeys(
  { goVersion, matrix, sums }: LintRequest,
  { context }: Pick<Ports, "context">,
): { scope: string; job: string } {
  const { os, arch, workflow, job, workspace } = context;
  // Paths of files are part of what it caches.
  const place = digest([workflow, job, matrix, workspace], 12);
  const jobPart = [`go-cicd-${NAME}`, FORMAT, os, arch, `go${minorOf(goVersion)}`, place].join("-");
  return { scope: `${jobPart}-${digest(readGoSums(workspace, sums).lines, 12)}`, job: jobPart };
}

function itemsOf(folder: string): string[] {
  try {
    return filesBelow(folder, "").filter((file) => ITEM.test(file));
  } catch {
    // There is none yet.
    return [];
  }
}

function stamp(path: string, timeMs: number): void {
  try {
    lutimesSync(path, timeMs / 1000, timeMs / 1000);
  } catch {
    // Another user's, on a machine that is kept: then it counts as used.
  }
}

/** Saves the cache, when it is not what the job was given. */
export async function saveLint(
  { folder, scope, restored, startMs }: LintPlan,
  ports: Pick<Ports, "signal" | "store" | "timeline">,
): Promise<Saved> {
  const used = liveFiles(folder, startMs - CLOCK_MARGIN_MS);
  if (used.length === 0) return skipped("golangci-lint did not run");
  // A package that did not change is answered by its result alone, which leaves what was found out
  // about its imports untouched; the next change to it needs that. So all stays while the imports
  // stay, which is as long as go.sum does.
  const all = restored.startsWith(`${scope}-`) ? itemsOf(folder).sort() : used;
  const files = sizeOf(folder, all) > ROOM_BYTES ? used : all;
  const key = `${scope}-${digest(files, 12)}`;
  if (key === restored) return skipped("nothing is new");
  return saveEntry({ name: NAME, key, roots: { lint: folder }, files: { lint: files } }, ports);
}

/** What the job touched, and what that needs. */
function liveFiles(folder: string, sinceMs: number): string[] {
  const { actions, outputs } = sweep(folder, sinceMs);
  return [
    ...actions.map(({ action }) => `${action.slice(0, 2)}/${action}-a`),
    ...outputs.flatMap(({ files }) => files),
  ].sort();
}
