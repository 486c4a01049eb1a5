import { describe, expect, test } from "@jest/globals";
import { eventTags, eventVersion } from "./event-tags.ts";

const sha = "0123456789abcdef0123456789abcdef01234567";

describe("tags of an event", () => {
  test.each<[string, string, Record<string, unknown>, string[]]>([
    ["push", "refs/heads/main", {}, ["main", "sha-0123456"]],
    ["push", "refs/heads/feature/Größe 1", {}, ["feature-Gr-e-1", "sha-0123456"]],
    ["push", "refs/tags/v1.2.3", {}, ["1.2.3", "1.2", "1", "latest", "sha-0123456"]],
    ["push", "refs/tags/1.2.3", {}, ["1.2.3", "1.2", "1", "latest", "sha-0123456"]],
    ["push", "refs/tags/v0.4.0", {}, ["0.4.0", "0.4", "latest", "sha-0123456"]],
    ["push", "refs/tags/v1.2.3-rc.1", {}, ["1.2.3-rc.1", "sha-0123456"]],
    ["push", "refs/tags/v1.2.3+build.5", {}, ["1.2.3", "1.2", "1", "latest", "sha-0123456"]],
    ["push", "refs/tags/nightly-2", {}, ["nightly-2", "sha-0123456"]],
    ["release", "refs/tags/v2.0.0", {}, ["2.0.0", "2.0", "2", "latest", "sha-0123456"]],
    ["schedule", "refs/heads/main", {}, ["nightly", "sha-0123456"]],
    ["workflow_dispatch", "refs/heads/main", {}, ["main", "sha-0123456"]],
    ["pull_request", "refs/pull/7/merge", { pull_request: { number: 7 } }, ["pr-7", "sha-0123456"]],
    ["pull_request", "refs/pull/7/merge", { number: 7 }, ["pr-7", "sha-0123456"]],
    ["", "", {}, ["sha-0123456"]],
    ["push", "refs/heads/...", {}, ["sha-0123456"]],
  ])("%s of %s", (eventName, ref, event, tags) => {
    expect(eventTags({ eventName, ref, event, sha })).toEqual(tags);
  });

  test("without a commit there may be none", () => {
    expect(eventTags({ eventName: "", ref: "", event: {}, sha: "" })).toEqual([]);
  });

  test.each([
    ["refs/tags/v1.2.3", "1.2.3"],
    ["refs/tags/v1", "v1"],
    ["refs/heads/v1.2.3", undefined],
  ])("the version of %s is %s", (ref, version) => {
    expect(eventVersion(ref)).toBe(version);
  });
});
