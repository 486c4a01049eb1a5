import type { JobContext } from "@go-cicd/core/context.ts";
import type { Environment } from "@go-cicd/core/process.ts";

/** What this job may do with caches. Decided by its own context, never by what an entry says. */
export interface Trust {
  /** Whether the build cache is restored and saved. It cannot be checked against anything. */
  build: boolean;
  /**
   * Whether programs and analyses that other jobs made are used. A program can be held against what
   * it says of itself, which whoever makes it can write.
   */
  tools: boolean;
  /** Whether restored modules are checked against go.sum before anything runs. */
  verifyModules: boolean;
  save: boolean;
  /** Why it is less than everything; undefined when it is everything. */
  reason: string | undefined;
}

/**
 * Events that run with the default branch's rights on behalf of somebody else, or that anybody can
 * cause. Their caches are visible to every branch (TanStack CVE-2026-45321 came that way).
 */
const FOREIGN_EVENTS = [
  "check_run",
  "check_suite",
  "discussion",
  "discussion_comment",
  "fork",
  "gollum",
  "issue_comment",
  "issues",
  "pull_request_target",
  "status",
  "watch",
  "workflow_run",
];

/** The rules of the design: section 10, Trust. */
export function decideTrust(context: JobContext, env: Environment): Trust {
  const { eventName, ref, fromFork } = context;
  if (ref.startsWith("refs/tags/") || eventName === "release") {
    return privileged("a tag or release is built from what can be verified only");
  }
  if ((env["ACTIONS_ID_TOKEN_REQUEST_URL"] ?? "") !== "") {
    return privileged("a job that can ask for an OIDC token uses only what can be verified");
  }
  if (fromFork) return restoreOnly("a pull request from a fork saves nothing");
  if (FOREIGN_EVENTS.includes(eventName)) return restoreOnly(`${eventName} saves nothing`);
  return { build: true, tools: true, verifyModules: false, save: true, reason: undefined };
}

function privileged(reason: string): Trust {
  return { build: false, tools: false, verifyModules: true, save: false, reason };
}

function restoreOnly(reason: string): Trust {
  return { build: true, tools: true, verifyModules: false, save: false, reason };
}
