import { describe, expect, it } from "@jest/globals";
import { ActionError } from "./errors.ts";
import { childEnvironment, commandLine, expectSuccess, type Exit } from "./process.ts";

const command = { file: "go", args: ["build", "./..."], cwd: "/", env: {} };
const said = { stdout: "", stderr: "", durationMs: 1 };

describe("childEnvironment", () => {
  it("keeps from a child what could be a secret or speak for the step", () => {
    const env = childEnvironment({
      PATH: "/bin",
      HOME: "/root",
      GITHUB_SHA: "abc",
      INPUT_TOKEN: "s",
      "INPUT_GO-VERSION": "1.24",
      STATE_lock: "s",
      ACTIONS_RUNTIME_TOKEN: "s",
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "s",
      GITHUB_TOKEN: "s",
      GITHUB_ENV: "/f",
      GITHUB_PATH: "/f",
      GITHUB_OUTPUT: "/f",
      GITHUB_STATE: "/f",
      GITHUB_STEP_SUMMARY: "/f",
      GITHUB_ARTIFACTS: "/f",
    });
    expect(env).toEqual({ PATH: "/bin", HOME: "/root", GITHUB_SHA: "abc" });
  });

  it("lets the caller set and remove variables", () => {
    const env = childEnvironment({ A: "1", B: "2" }, { A: undefined, C: "3" });
    expect(env).toStrictEqual({ B: "2", C: "3" });
  });
});

describe("commandLine", () => {
  it.each([
    [["build", "-o", "./bin/x"], "go build -o ./bin/x"],
    [["run", "a b", "", '"'], 'go run "a b" "" "\\""'],
    [["-ldflags=-X main.v=1"], 'go "-ldflags=-X main.v=1"'],
  ])("quotes %j where a reader needs it", (args, line) => {
    expect(commandLine({ file: "go", args })).toBe(line);
  });
});

describe("expectSuccess", () => {
  it("gives the output of a command that succeeded", () => {
    expect(expectSuccess(command, { ...said, stdout: "x\n", kind: "exited", code: 0 })).toBe("x\n");
  });

  it.each<[Exit, string, RegExp]>([
    [{ ...said, kind: "not-found" }, "environment", /^go is not on PATH$/],
    [{ ...said, stderr: "boom\n", kind: "exited", code: 2 }, "process", /exited with 2:\nboom$/],
    [{ ...said, stdout: "red", stderr: " ", kind: "exited", code: 1 }, "process", /:\nred$/],
    [{ ...said, kind: "signalled", signal: "SIGKILL" }, "process", /ended by SIGKILL$/],
    [{ ...said, kind: "timed-out", afterMs: 50 }, "process", /longer than 50 ms$/],
    [{ ...said, kind: "cancelled" }, "cancelled", /was cancelled$/],
  ])("turns %j into an error of its kind", (exit, code, message) => {
    const thrown = catching(() => expectSuccess(command, exit));
    expect(thrown.code).toBe(code);
    expect(thrown.message).toMatch(message);
  });

  it("shows the last lines of much output only", () => {
    const stderr = Array.from({ length: 100 }, (_, line) => `line ${line}`).join("\n");
    const { message } = catching(() =>
      expectSuccess(command, { ...said, stderr, kind: "exited", code: 1 }),
    );
    expect(message).toContain("line 99");
    expect(message).not.toContain("line 79\n");
  });
});

function catching(work: () => unknown): ActionError {
  try {
    work();
  } catch (error) {
    if (error instanceof ActionError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
