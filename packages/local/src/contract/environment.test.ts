import { describe, expect, it, test } from "@jest/globals";
import {
  githubContext,
  inheritedEnvironment,
  inputVariable,
  runnerContext,
  stageEnvironment,
  type EnvironmentParts,
} from "./environment.ts";

const parts = (changes: Partial<EnvironmentParts> = {}): EnvironmentParts => ({
  inherited: { PATH: "/usr/bin", HOME: "/home/me" },
  env: {},
  state: {},
  inputs: {},
  path: [],
  github: githubContext({ token: "ghs_x", workspace: "/w/s" }),
  runner: runnerContext({ temp: "/t", tool_cache: "/tools", workspace: "/w" }),
  services: {},
  fileCommands: { GITHUB_OUTPUT: "/t/out" },
  trackingId: "github_1",
  ...changes,
});

describe("the environment of a stage", () => {
  it("inherits three variables of this process, and no others", () => {
    const env = { PATH: "/bin", HOME: "/h", LANG: "C", AWS_SECRET_ACCESS_KEY: "x", npm_x: "y" };
    expect(inheritedEnvironment(env)).toEqual({ PATH: "/bin", HOME: "/h", LANG: "C" });
  });

  it("has no GITHUB_TOKEN and no event, and no debug variable unless debugging", () => {
    const names = Object.keys(stageEnvironment(parts()));
    expect(names).not.toContain("GITHUB_TOKEN");
    expect(names).not.toContain("GITHUB_EVENT");
    expect(names).not.toContain("RUNNER_DEBUG");
    const debug = stageEnvironment(parts({ runner: { ...parts().runner, debug: "1" } }));
    expect(debug["RUNNER_DEBUG"]).toBe("1");
  });

  it("lets nobody override the contexts", () => {
    const env = { GITHUB_REF: "refs/heads/evil", RUNNER_TEMP: "/evil", GITHUB_ACTIONS: "false" };
    const made = stageEnvironment(parts({ env }));
    expect(made).toMatchObject({
      GITHUB_REF: "refs/heads/main",
      RUNNER_TEMP: "/t",
      GITHUB_ACTIONS: "true",
    });
  });

  it("sets CI unless it is set", () => {
    expect(stageEnvironment(parts())["CI"]).toBe("true");
    expect(stageEnvironment(parts({ env: { CI: "no" } }))["CI"]).toBe("no");
  });

  it("drops NODE_ICU_DATA", () => {
    expect(stageEnvironment(parts({ env: { NODE_ICU_DATA: "/x" } }))).not.toHaveProperty(
      "NODE_ICU_DATA",
    );
  });

  it("puts added folders in front of PATH", () => {
    expect(stageEnvironment(parts({ path: ["/b", "/a"] }))["PATH"]).toBe("/b:/a:/usr/bin");
  });

  it("names state as it was saved", () => {
    expect(stageEnvironment(parts({ state: { myPid: "7" } }))["STATE_myPid"]).toBe("7");
  });

  test.each([
    ["go-version", "INPUT_GO-VERSION"],
    ["two words here", "INPUT_TWO_WORDS_HERE"],
    ["dotted.name", "INPUT_DOTTED.NAME"],
  ])("names the input %s %s", (name, variable) => {
    expect(inputVariable(name)).toBe(variable);
  });
});

describe("the github context", () => {
  test.each([
    ["refs/heads/feature/x", "feature/x", "branch"],
    ["refs/tags/v1", "v1", "tag"],
    ["refs/pull/7/merge", "7/merge", "branch"],
  ])("of %s names it %s, a %s", (ref, name, type) => {
    expect(githubContext({ ref })).toMatchObject({ ref_name: name, ref_type: type });
  });
});
