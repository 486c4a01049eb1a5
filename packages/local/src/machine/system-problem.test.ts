import { mkdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { systemProblem } from "./system-problem.ts";

function refused(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: permission denied, open '${path}'`), { code, path });
}

describe("what the machine refuses", () => {
  it("names the file of the repository that cannot be read", () => {
    const problem = systemProblem(refused("EACCES", "/repo/go.mod"), "/kept", "/repo");
    expect(problem?.message).toBe("/repo/go.mod cannot be read: permission denied");
    expect(problem?.hint).toContain("must be readable");
  });

  it("names the folder of the runner, and how to have another one", () => {
    const problem = systemProblem(refused("EROFS", "/kept/slot-1"), "/kept", "/repo");
    expect(problem?.message).toBe("/kept/slot-1 cannot be used: the file system is read-only");
    expect(problem?.hint).toContain("XDG_CACHE_HOME");
  });

  it("is what Node says of a real file", () => {
    const folder = `${import.meta.filename}/below`;
    for (const fails of [() => mkdirSync(folder), () => readFileSync(folder)]) {
      let thrown: unknown;
      try {
        fails();
      } catch (error) {
        thrown = error;
      }
      expect(systemProblem(thrown, import.meta.filename, undefined)?.message).toContain(
        "a part of the path is no folder",
      );
    }
  });

  it("leaves defects what they are", () => {
    expect(systemProblem(refused("EACCES", "/elsewhere"), "/kept", "/repo")).toBeUndefined();
    expect(systemProblem(refused("EWHAT", "/repo/x"), "/kept", "/repo")).toBeUndefined();
    expect(systemProblem(new TypeError("x is not a function"), "/kept", "/repo")).toBeUndefined();
  });
});
