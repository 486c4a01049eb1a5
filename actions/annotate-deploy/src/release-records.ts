import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as v from "valibot";
import { ActionError, isSystemError } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { releaseRecordSchema, type ReleaseRecord } from "@go-cicd/core/record.ts";
import { gatherArtifacts } from "./gather.ts";

/** A record and the file it was read from. */
export interface FoundRecord {
  record: ReleaseRecord;
  path: string;
}

/** Artifacts of release records, one per release. */
export const RECORD_PREFIX = "go-cicd-release-";

/**
 * The records to tell of: the given one, else all record artifacts of the run, oldest first.
 * @throws ActionError when there is none, or one cannot be read: a deploy is never left untold
 * silently.
 */
export async function findRecords(given: string | undefined, ports: Ports): Promise<FoundRecord[]> {
  if (given !== undefined) return [readRecord(resolve(ports.context.workspace, given))];
  const gathered = await gatherArtifacts(RECORD_PREFIX, "record.json", ports);
  if (gathered.problems.length > 0) {
    throw new ActionError("network", gathered.problems.join("\n"), {
      hint: "Give the path of the record as input `record`, or run the job again.",
    });
  }
  if (gathered.files.length === 0) {
    throw new ActionError("input", "There is no deploy to tell of.", {
      hint: `Give the output \`record\` of deploy-with-rollback as input \`record\`; this run has no artifact whose name starts with ${RECORD_PREFIX}.`,
    });
  }
  return gathered.files
    .map(readRecord)
    .sort((one, other) => one.record.times.started - other.record.times.started);
}

/** @throws ActionError `input` when there is no record at this path. */
export function readRecord(path: string): FoundRecord {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (!isSystemError(error, "ENOENT", "EISDIR", "ENOTDIR", "EACCES")) throw error;
    throw new ActionError(
      "input",
      `The release record ${path} cannot be read (${error.code ?? ""})`,
      {
        hint: "Input `record` is the output `record` of deploy-with-rollback in the same job; between jobs the record travels as an artifact, without this input.",
      },
    );
  }
  const parsed = parseRecord(text);
  if (typeof parsed === "string") {
    throw new ActionError("input", `${path} is not a release record: ${parsed}`);
  }
  return { record: parsed, path };
}

/** The record, or what is wrong with the text. */
export function parseRecord(text: string): ReleaseRecord | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return "it is not JSON";
  }
  const result = v.safeParse(releaseRecordSchema, json);
  if (result.success) return result.output;
  const flat = v.flatten<typeof releaseRecordSchema>(result.issues);
  const nested: [string, readonly string[] | undefined][] = Object.entries(flat.nested ?? {});
  const problems = nested.map(([path, said]) => `${path}: ${said?.[0] ?? "wrong"}`);
  return problems.slice(0, 5).join("; ") || "it does not have the record's shape";
}
