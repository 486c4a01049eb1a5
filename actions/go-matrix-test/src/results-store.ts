import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { isSystemError } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { PlanReference } from "./plan.ts";
import { jobFolder } from "./plan-store.ts";
import {
  RESULTS_FILE,
  resultsName,
  resultsPrefix,
  shardResultsSchema,
  type ShardResults,
} from "./results.ts";

/** Results that were found, and artifacts that should hold some and do not: one sentence each. */
export interface FoundResults {
  results: ShardResults[];
  troubles: string[];
}

function localFolder(reference: PlanReference, ports: Ports): string {
  const folder = join(jobFolder(ports), "results", reference.name.slice(-12));
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Writes a shard's results for later steps of this job. */
export function keepResults(results: ShardResults, reference: PlanReference, ports: Ports): void {
  const name = resultsName(reference, results);
  writeFileSync(join(localFolder(reference, ports), `${name}.json`), JSON.stringify(results));
}

/** Hands a shard's results to the report. What is not uploaded will be missing there: red. */
export async function shareResults(
  results: ShardResults,
  reference: PlanReference,
  ports: Ports,
): Promise<void> {
  const folder = mkdtempSync(join(jobFolder(ports), "upload-"));
  const file = join(folder, RESULTS_FILE);
  writeFileSync(file, JSON.stringify(results));
  const name = resultsName(reference, results);
  const upload = await ports.artifacts.upload(name, [file], folder);
  if (upload.kind === "exists") {
    ports.log.warning(
      `${name} was uploaded before in this attempt: a report in another job sees the first results`,
    );
  } else if (upload.kind === "unavailable") {
    ports.log.warning(
      `The results are not uploaded (${upload.detail}): a report in another job will miss this shard and be red`,
    );
  }
}

/** All results of a plan: of this job's folder and of the run's artifacts. */
export async function findResults(reference: PlanReference, ports: Ports): Promise<FoundResults> {
  const folder = localFolder(reference, ports);
  const found: FoundResults = { results: [], troubles: [] };
  const local = new Set<string>();
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort()) {
    const name = file.slice(0, -".json".length);
    local.add(name);
    take(found, name, readFileSync(join(folder, file), "utf8"));
  }
  const list = await ports.artifacts.list(resultsPrefix(reference));
  if (list.kind === "unavailable") {
    ports.log.info(`Only results of this job are seen: ${list.detail}`);
    return found;
  }
  for (const artifact of list.artifacts) {
    if (local.has(artifact.name)) continue;
    const target = mkdtempSync(join(jobFolder(ports), "results-"));
    const result = await ports.artifacts.download(artifact, target);
    if (result.kind !== "downloaded") {
      found.troubles.push(`${artifact.name} cannot be read: ${result.detail}`);
      continue;
    }
    take(found, artifact.name, readText(join(target, RESULTS_FILE)));
  }
  return found;
}

function take(found: FoundResults, name: string, text: string | undefined): void {
  const results = v.safeParse(shardResultsSchema, parse(text));
  if (results.success) found.results.push(results.output);
  else found.troubles.push(`${name} holds no results of a known form`);
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isSystemError(error, "ENOENT", "EISDIR")) return undefined;
    throw error;
  }
}
