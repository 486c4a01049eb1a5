import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
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
  secondName,
  shardResultsSchema,
  type ShardResults,
} from "./results.ts";

/** An artifact that should hold results and does not. */
interface Trouble {
  artifact: string;
  /** One sentence. */
  detail: string;
}

/** What was found. */
export interface FoundResults {
  results: ShardResults[];
  troubles: Trouble[];
}

function localFolder(reference: PlanReference, ports: Ports): string {
  const folder = join(jobFolder(ports), "results", reference.name.slice(-12));
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Writes a shard's results for later steps of this job, beside those of an earlier step. */
export function keepResults(results: ShardResults, reference: PlanReference, ports: Ports): void {
  const name = resultsName(reference, results);
  const text = JSON.stringify(results);
  const file = (other: string): string => join(localFolder(reference, ports), `${other}.json`);
  writeFileSync(file(existsSync(file(name)) ? secondName(name, text) : name), text);
}

/**
 * Hands a shard's results to the report. What is not uploaded will be missing there: red. A shard
 * that two jobs of one attempt have run is handed over twice, so that neither hides the other.
 */
export async function shareResults(
  results: ShardResults,
  reference: PlanReference,
  ports: Ports,
): Promise<void> {
  const folder = mkdtempSync(join(jobFolder(ports), "upload-"));
  const file = join(folder, RESULTS_FILE);
  const text = JSON.stringify(results);
  writeFileSync(file, text);
  const name = resultsName(reference, results);
  let upload = await ports.artifacts.upload(name, [file], folder);
  if (upload.kind === "exists") {
    ports.log.warning(`${name} was uploaded before in this attempt: two jobs ran this shard`);
    upload = await ports.artifacts.upload(secondName(name, text), [file], folder);
  }
  if (upload.kind === "unavailable") {
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
      found.troubles.push({
        artifact: artifact.name,
        detail: `${artifact.name} cannot be read: ${result.detail}`,
      });
      continue;
    }
    take(found, artifact.name, readText(join(target, RESULTS_FILE)));
  }
  return found;
}

function take(found: FoundResults, artifact: string, text: string | undefined): void {
  const results = v.safeParse(shardResultsSchema, parse(text));
  if (results.success) found.results.push(results.output);
  else found.troubles.push({ artifact, detail: `${artifact} holds no results of a known form` });
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
