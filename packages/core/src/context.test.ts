import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { at, jobContext } from "./context.ts";
import { tempFolder } from "./testing/temp.ts";

function contextOf(
  event: unknown,
  env: Record<string, string> = {},
): ReturnType<typeof jobContext> {
  const path = join(tempFolder(), "event.json");
  writeFileSync(path, typeof event === "string" ? event : JSON.stringify(event));
  return jobContext({ GITHUB_EVENT_PATH: path, GITHUB_REPOSITORY: "acme/orders", ...env }, "/cwd");
}

describe("jobContext", () => {
  it("has harmless values outside a runner", () => {
    expect(jobContext({}, "/here")).toMatchObject({
      workspace: "/here",
      temp: "",
      event: {},
      runAttempt: 1,
      defaultBranch: undefined,
      fromFork: false,
      onDefaultBranch: false,
      serverUrl: "https://github.com",
    });
  });

  it("knows a push to the default branch", () => {
    const event = { repository: { default_branch: "trunk" } };
    expect(contextOf(event, { GITHUB_REF: "refs/heads/trunk" }).onDefaultBranch).toBe(true);
    expect(contextOf(event, { GITHUB_REF: "refs/heads/x" }).onDefaultBranch).toBe(false);
    expect(contextOf(event, { GITHUB_REF: "refs/tags/trunk" }).onDefaultBranch).toBe(false);
  });

  it.each<[string, unknown, boolean]>([
    ["of this repository", { head: { repo: { full_name: "acme/orders" } } }, false],
    ["of a fork", { head: { repo: { full_name: "eve/orders" } } }, true],
    ["of a deleted fork", { head: { repo: null } }, true],
  ])("tells a pull request %s", (_, pull_request, fromFork) => {
    const event = { repository: { default_branch: "main" }, pull_request };
    const context = contextOf(event, { GITHUB_REF: "refs/heads/main" });
    expect(context.fromFork).toBe(fromFork);
    // Not even when its ref says so: its event is a pull request's.
    expect(context.onDefaultBranch).toBe(false);
  });

  it.each(["", "not json", "null", "[1]", '"x"'])("bears the event file %j", (event) => {
    expect(contextOf(event).defaultBranch).toBeUndefined();
  });
});

describe("at", () => {
  it("walks into unknown values", () => {
    expect(at({ a: { b: [1] } }, "a", "b")).toEqual([1]);
    expect(at({ a: 1 }, "a", "b")).toBeUndefined();
    expect(at(null, "a")).toBeUndefined();
  });
});
