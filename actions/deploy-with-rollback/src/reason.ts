import type { DeployResult } from "@go-cicd/core/record.ts";

/** Why a deploy ended as it did. The set is closed: consumers decide by code, never by words. */
export const REASONS = {
  ok: "the release is healthy and final",
  unchanged: "the same release serves already and is healthy",
  requested: "the rollback that was asked for is done and verified",
  interrupted: "a deploy that was killed has been finished or undone",
  "nothing-open": "there was nothing to recover",
  "health-status": "the health check was answered with a status that is not accepted",
  "health-timeout": "the health check was not answered in time",
  crash: "the process ended",
  unstable: "the release was healthy and did not stay so",
  "version-mismatch": "another version answers than the one that was brought out",
  "foreign-listener": "another process answers on the service's port",
  "port-taken": "the service's port is taken by another process",
  integrity: "the copy on the host is not what it should be",
  start: "the service could not be started",
  cancelled: "the step was cancelled",
  "dead-man": "the host heard nothing of this step for too long and went back by itself",
  locked: "another deploy is at work on this target",
  "no-good-release": "there is no verified release to go back to",
  host: "the host's agent could not do its work",
} as const;

export type Reason = keyof typeof REASONS;

/** What a whole run came to. */
export interface Verdict {
  result: DeployResult;
  reason: Reason;
  /** One sentence or more with what was seen; free of values of the service's environment. */
  detail: string;
}

/** Results that make the step green: those in which what was asked for is so. */
export function isSuccess(kind: "deploy" | "rollback" | "recover", result: DeployResult): boolean {
  if (result === "deployed" || result === "unchanged") return true;
  return kind !== "deploy" && result === "rolled-back";
}

/** False where post has something left to try. */
export function isFinished({ result }: Verdict): boolean {
  return result !== "inconclusive" && result !== "rollback-failed";
}
