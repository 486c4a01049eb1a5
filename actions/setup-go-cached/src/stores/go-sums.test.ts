import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { readGoSums, sumTable } from "./go-sums.ts";

function workspace(files: Record<string, string>): string {
  const root = tempFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

describe("the sums of a repository", () => {
  const files = {
    "go.sum": "b v1 h1:b\r\na v1 h1:a\n",
    "tools/go.sum": "a v1 h1:a\nc v1 h1:c\n",
    "vendor/x/go.sum": "no v1 h1:no\n",
    "internal/testdata/m/go.sum": "no v1 h1:no\n",
    "node_modules/m/go.sum": "no v1 h1:no\n",
    "deps.txt": "pinned\n",
  };

  it("come from all go.sum files that say what it builds", () => {
    expect(readGoSums(workspace(files), [])).toEqual({
      files: ["go.sum", "tools/go.sum"],
      lines: ["a v1 h1:a", "b v1 h1:b", "c v1 h1:c"],
    });
  });

  it("come from the named files, and a pattern that finds none is an error", () => {
    const root = workspace(files);
    expect(readGoSums(root, ["tools/*.sum", "deps.txt"]).lines).toEqual([
      "a v1 h1:a",
      "c v1 h1:c",
      "pinned",
    ]);
    expect(() => readGoSums(root, ["none/**"])).toThrow(/none\/\*\* matches no file/);
  });

  it("are told apart: trees and go.mod files", () => {
    const { trees, mods } = sumTable(["a v1 h1:tree", "a v1/go.mod h1:mod", "b v1 h2:unknown", ""]);
    expect([...trees]).toEqual([["a@v1", "h1:tree"]]);
    expect([...mods]).toEqual([["a@v1", "h1:mod"]]);
  });
});
