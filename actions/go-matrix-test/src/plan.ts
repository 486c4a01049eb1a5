import { createHash } from "node:crypto";
import * as v from "valibot";
import type { Environment } from "@go-cicd/core/process.ts";

const shardSchema = v.object({
  shard: v.number(),
  estimate: v.number(),
  /** Checks that this shard runs; `vet` for its own packages, `fmt` for all modules. */
  checks: v.array(v.picklist(["fmt", "vet"])),
  packages: v.array(
    v.object({
      module: v.string(),
      path: v.string(),
      dir: v.string(),
      tests: v.number(),
      estimate: v.number(),
    }),
  ),
});

const cellSchema = v.object({
  id: v.string(),
  /** Version for the job to set up; empty where the repository's files decide. */
  go: v.string(),
  /** Runner label. */
  os: v.string(),
  /** GOOS that the label promises, or empty where it promises none. */
  goos: v.string(),
  shards: v.array(shardSchema),
});

/**
 * Everything that is to run, and with which flags. No time and no attempt stand in it: the same
 * sources and inputs give the same bytes, so that a job that is run again gets the same slice.
 */
export const planSchema = v.object({
  version: v.literal(1),
  repository: v.string(),
  commit: v.string(),
  folder: v.string(),
  /** Patterns of the input `packages`. */
  patterns: v.array(v.string()),
  flags: v.object({
    race: v.boolean(),
    tags: v.array(v.string()),
    testFlags: v.array(v.string()),
    timeoutMs: v.number(),
  }),
  modules: v.array(v.object({ folder: v.string(), alone: v.boolean() })),
  cells: v.array(cellSchema),
});

export type Plan = v.InferOutput<typeof planSchema>;
export type PlannedCell = v.InferOutput<typeof cellSchema>;
export type PlannedShard = v.InferOutput<typeof shardSchema>;

/** The plan's bytes, as hashed, stored and uploaded. */
export function planText(plan: Plan): string {
  return `${JSON.stringify(plan)}\n`;
}

/** A plan by name and content: the output `plan`. */
export interface PlanReference {
  /** Artifact and file name: content-addressed, so a second matrix in one run has its own. */
  name: string;
  /** Hex. */
  sha256: string;
  /** Results of attempts before this one belong to an earlier run of everything. */
  attempt: number;
}

export const PLAN_PREFIX = "go-cicd-plan-";

export function planReference(text: string, attempt: number): PlanReference {
  const sha256 = createHash("sha256").update(text).digest("hex");
  return { name: `${PLAN_PREFIX}${sha256.slice(0, 12)}`, sha256, attempt };
}

export function formatReference({ name, sha256, attempt }: PlanReference): string {
  return `${name}@sha256:${sha256};attempt=${attempt}`;
}

/** The reference in an input, or undefined when it is none. */
export function parseReference(text: string): PlanReference | undefined {
  const match = /^(go-cicd-plan-[0-9a-f]{12})@sha256:([0-9a-f]{64});attempt=(\d{1,6})$/.exec(text);
  if (match === null) return undefined;
  const [, name = "", sha256 = "", attempt = ""] = match;
  return name === `${PLAN_PREFIX}${sha256.slice(0, 12)}`
    ? { name, sha256, attempt: Number(attempt) }
    : undefined;
}

/** One job of the matrix. */
export interface MatrixJob {
  id: string;
  cell: string;
  go: string;
  os: string;
  shard: number;
  shards: number;
  estimate: number;
}

/** The matrix as GitHub takes it: ids and estimates only, a job output holds 1 MB. */
export function matrixOf(plan: Plan): { include: MatrixJob[] } {
  return {
    include: plan.cells.flatMap(({ id, go, os, shards }) =>
      shards.map(({ shard, estimate }) => ({
        id: `${id}-${shard}`,
        cell: id,
        go,
        os,
        shard,
        shards: shards.length,
        estimate,
      })),
    ),
  };
}

/** Go version and label as one word that artifact names may hold. */
export function cellId(go: string, os: string): string {
  return `${go === "" ? "default" : go}-${os}`;
}

/**
 * GOOS (and GOARCH where it is known) of GitHub's runner labels; empty for a label of somebody's
 * own, whose packages are listed for the machine that plans.
 */
export function platformOf(label: string): Environment {
  const arm = /(^|-)arm(64)?($|-)/.test(label);
  if (/^(ubuntu|linux)(-|$)/.test(label)) return { GOOS: "linux", GOARCH: arm ? "arm64" : "amd64" };
  if (/^windows(-|$)/.test(label)) return { GOOS: "windows", GOARCH: arm ? "arm64" : "amd64" };
  if (/^macos(-|$)/.test(label)) {
    const intel = /-(intel|large|13)($|-)/.test(label);
    return { GOOS: "darwin", GOARCH: intel ? "amd64" : "arm64" };
  }
  return {};
}

/** True when a machine's `go1.26.8` is the version that the cell asks for; words promise nothing. */
export function isVersion(goVersion: string, wanted: string): boolean {
  if (!/^\d+\.\d+(\.\d+|rc\d+|beta\d+)?$/.test(wanted)) return true;
  const have = goVersion.replace(/^go/, "").split(/[ -]/)[0] ?? "";
  return have === wanted || have.startsWith(`${wanted}.`) || have.startsWith(`${wanted}rc`);
}
