import { createHash } from "node:crypto";
import type { JobContext } from "@go-cicd/core/context.ts";
import type { DeployResult, ReleaseRecord } from "@go-cicd/core/record.ts";

/** The four ends of a deploy that metrics and webhooks tell apart. */
export type DeployStatus = "success" | "failure" | "cancelled" | "rolled_back";

/** One deploy as every sink gets it: its start, or its end together with its start. */
export interface Deploy {
  /** Same for start, finish and re-runs of one workflow run. */
  id: string;
  service: string;
  environment: string;
  version: string;
  repository: string;
  commit: string;
  runId: string;
  runAttempt: number;
  runUrl: string;
  kind: "deploy" | "rollback";
  /** Epoch milliseconds. */
  started: number;
  end: DeployEnd | null;
}

interface DeployEnd {
  status: DeployStatus;
  /** Epoch milliseconds. */
  finished: number;
  record: ReleaseRecord;
}

/**
 * The identity of a deploy. The attempt is left out, so that a re-run finds what the first run
 * wrote.
 */
export function deployId(deploy: {
  repository: string;
  runId: string;
  service: string;
  environment: string;
}): string {
  const identity = [deploy.repository, deploy.runId, deploy.service, deploy.environment];
  return createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 20);
}

const STATUS: Record<DeployResult, DeployStatus> = {
  deployed: "success",
  unchanged: "success",
  "rolled-back": "rolled_back",
  "rollback-failed": "failure",
  failed: "failure",
  refused: "failure",
  inconclusive: "failure",
};

/** What metrics call the result of a record. */
export function statusOf(record: Pick<ReleaseRecord, "result" | "reason">): DeployStatus {
  const status = STATUS[record.result];
  return status === "failure" && record.reason === "cancelled" ? "cancelled" : status;
}

/** The deploy of a record; `version` replaces the short commit. */
export function deployOfRecord(
  record: ReleaseRecord,
  context: JobContext,
  version: string | undefined,
): Deploy {
  return {
    id: deployId(record),
    service: record.service,
    environment: record.environment,
    version: version ?? shortVersion(record.commit, record.release),
    repository: record.repository,
    commit: record.commit,
    runId: record.runId,
    runAttempt: record.runAttempt,
    runUrl: runUrl(context, record.repository, record.runId, record.runAttempt),
    // A recovery puts back what was there before, as a rollback does.
    kind: record.kind === "deploy" ? "deploy" : "rollback",
    started: record.times.started,
    end: { status: statusOf(record), finished: record.times.finished, record },
  };
}

/** The deploy that starts now. */
export function startingDeploy(
  {
    service,
    environment,
    version,
  }: Record<"service" | "version", string | undefined> & {
    environment: string;
  },
  context: JobContext,
  now: number,
): Deploy {
  const { repository, runId, runAttempt, sha } = context;
  const named = service ?? repository.split("/").at(-1) ?? "";
  return {
    id: deployId({ repository, runId, service: named, environment }),
    service: named,
    environment,
    version: version ?? shortVersion(sha, ""),
    repository,
    commit: sha,
    runId,
    runAttempt,
    runUrl: runUrl(context, repository, runId, runAttempt),
    kind: "deploy",
    started: now,
    end: null,
  };
}

function shortVersion(commit: string, release: string): string {
  return /^[0-9a-f]{40,64}$/.test(commit) ? commit.slice(0, 12) : commit || release;
}

function runUrl(context: JobContext, repository: string, runId: string, attempt: number): string {
  if (repository === "" || runId === "") return "";
  return `${context.serverUrl}/${repository}/actions/runs/${runId}/attempts/${attempt}`;
}
