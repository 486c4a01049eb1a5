/** A cache scope of a token: a ref, and what may be done with its entries. */
export interface CacheScope {
  /** `refs/heads/main`, `refs/pull/7/merge` */
  scope: string;
  read: boolean;
  write: boolean;
}

export interface ScopeFacts {
  eventName: string;
  /** `github.ref` */
  ref: string;
  /** Name of the default branch. */
  defaultBranch: string;
  /** Name of the branch a pull request wants to change. */
  baseRef?: string;
  /** A `workflow_run` whose run came from a fork. */
  fromFork?: boolean;
}

/** Triggers whose token is read-only on the default branch (GitHub changelog, 2026-06-26). */
const UNTRUSTED = new Set(["pull_request_target", "issue_comment"]);

/**
 * The scopes of a job in the order they are searched: its own ref, the base of a pull request, the
 * default branch. A job writes to its own ref only; tags and pull requests are islands
 * (docs.github.com, "Restrictions for accessing a cache").
 */
export function cacheScopes(facts: ScopeFacts): CacheScope[] {
  const home = `refs/heads/${facts.defaultBranch}`;
  const untrusted =
    UNTRUSTED.has(facts.eventName) ||
    (facts.eventName === "workflow_run" && facts.fromFork === true);
  if (untrusted) return [{ scope: home, read: true, write: false }];
  const own = { scope: facts.ref, read: true, write: true };
  const others = [facts.baseRef === undefined ? home : `refs/heads/${facts.baseRef}`, home];
  return [
    own,
    ...[...new Set(others)]
      .filter((scope) => scope !== facts.ref)
      .map((scope) => ({ scope, read: true, write: false })),
  ];
}
