import { describe, expect, it } from "@jest/globals";
import { jobContext } from "@go-cicd/core/context.ts";
import { decideTrust } from "./trust.ts";

const context = jobContext({ GITHUB_EVENT_NAME: "push", GITHUB_REF: "refs/heads/main" }, "/");

describe("what a job may do with caches", () => {
  it("is everything for a push or a pull request of the repository itself", () => {
    const full = { build: true, tools: true, verifyModules: false, save: true, reason: undefined };
    expect(decideTrust(context, {})).toEqual(full);
    for (const eventName of ["pull_request", "schedule", "workflow_dispatch", "merge_group"]) {
      expect(decideTrust({ ...context, eventName }, {})).toEqual(full);
    }
  });

  it.each([
    ["a fork's pull request", { eventName: "pull_request", fromFork: true }],
    ["pull_request_target", { eventName: "pull_request_target" }],
    ["issue_comment", { eventName: "issue_comment" }],
    ["workflow_run", { eventName: "workflow_run" }],
    // Anybody can open an issue, and its text may reach a shell of the default branch.
    ["issues", { eventName: "issues" }],
    ["discussion_comment", { eventName: "discussion_comment" }],
    ["gollum", { eventName: "gollum" }],
    ["check_run", { eventName: "check_run" }],
    ["a fork's review", { eventName: "pull_request_review", fromFork: true }],
  ])("is restoring for %s", (_, changes) => {
    expect(decideTrust({ ...context, ...changes }, {})).toMatchObject({
      build: true,
      save: false,
      reason: expect.stringContaining("saves nothing") as unknown,
    });
  });

  it.each([
    ["a tag", { ref: "refs/tags/v1" }, {}],
    ["a release", { eventName: "release" }, {}],
    ["an OIDC token", {}, { ACTIONS_ID_TOKEN_REQUEST_URL: "https://x/?y" }],
    ["a fork with one", { fromFork: true }, { ACTIONS_ID_TOKEN_REQUEST_URL: "https://x/?y" }],
  ])("is verified modules and nothing else for %s", (_, changes, env) => {
    expect(decideTrust({ ...context, ...changes }, env)).toMatchObject({
      build: false,
      verifyModules: true,
      save: false,
    });
  });
});
