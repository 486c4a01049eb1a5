import { describe, expect, test } from "@jest/globals";
import { cacheScopes, type ScopeFacts } from "./scopes.ts";

const words = (facts: ScopeFacts): string[] =>
  cacheScopes(facts).map(
    ({ scope, read, write }) => `${scope} ${read ? "r" : "-"}${write ? "w" : "-"}`,
  );

describe("cacheScopes", () => {
  test.each<[string, ScopeFacts, string[]]>([
    [
      "a push to the default branch",
      { eventName: "push", ref: "refs/heads/main", defaultBranch: "main" },
      ["refs/heads/main rw"],
    ],
    [
      "a push to another branch",
      { eventName: "push", ref: "refs/heads/x", defaultBranch: "main" },
      ["refs/heads/x rw", "refs/heads/main r-"],
    ],
    [
      "a pull request into a release branch",
      {
        eventName: "pull_request",
        ref: "refs/pull/7/merge",
        baseRef: "release-1",
        defaultBranch: "main",
      },
      ["refs/pull/7/merge rw", "refs/heads/release-1 r-", "refs/heads/main r-"],
    ],
    [
      "a pull request into the default branch",
      {
        eventName: "pull_request",
        ref: "refs/pull/7/merge",
        baseRef: "main",
        defaultBranch: "main",
      },
      ["refs/pull/7/merge rw", "refs/heads/main r-"],
    ],
    [
      "a tag",
      { eventName: "push", ref: "refs/tags/v1", defaultBranch: "main" },
      ["refs/tags/v1 rw", "refs/heads/main r-"],
    ],
    [
      "pull_request_target",
      { eventName: "pull_request_target", ref: "refs/heads/main", defaultBranch: "main" },
      ["refs/heads/main r-"],
    ],
    [
      "workflow_run from a fork",
      { eventName: "workflow_run", ref: "refs/heads/main", defaultBranch: "main", fromFork: true },
      ["refs/heads/main r-"],
    ],
    [
      "workflow_run of our own",
      { eventName: "workflow_run", ref: "refs/heads/main", defaultBranch: "main" },
      ["refs/heads/main rw"],
    ],
  ])("of %s", (_, facts, expected) => {
    expect(words(facts)).toEqual(expected);
  });
});
