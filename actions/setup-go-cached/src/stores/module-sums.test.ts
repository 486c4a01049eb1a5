import { hash } from "node:crypto";
import { describe, expect, it } from "@jest/globals";
import type { EntryFile } from "@go-cicd/core/store.ts";
import { h1, modSum } from "../dirhash.ts";
import { sumTable } from "./go-sums.ts";
import { judgeModules } from "./module-sums.ts";

const ID = "github.com/BurntSushi/toml@v1.0.0";
const TREE = "github.com/!burnt!sushi/toml@v1.0.0";
const DOWNLOAD = "cache/download/github.com/!burnt!sushi/toml/@v/v1.0.0";

const sha = (text: string): string => hash("sha256", text, "hex");
const SUM = h1(
  ID,
  new Map([
    ["toml.go", sha("package toml\n")],
    ["internal/a.go", sha("package a\n")],
  ]),
);
const MOD = modSum(sha("module toml\n"));
const LINES = [
  `github.com/BurntSushi/toml v1.0.0 ${SUM}`,
  `github.com/BurntSushi/toml v1.0.0/go.mod ${MOD}`,
  `example.com/only v2.0.0/go.mod ${modSum(sha("module only\n"))}`,
];
const FILES: Record<string, string> = {
  [`${TREE}/toml.go`]: "package toml\n",
  [`${TREE}/internal/a.go`]: "package a\n",
  [`${DOWNLOAD}.mod`]: "module toml\n",
  [`${DOWNLOAD}.info`]: "{}",
  [`${DOWNLOAD}.ziphash`]: SUM,
  "cache/download/example.com/only/@v/v2.0.0.mod": "module only\n",
};

const judge = (files: Record<string, string>, lines: string[] = LINES) => {
  const listed = Object.entries(files).map(([path, content]): EntryFile => ({
    root: "modules",
    path,
    size: content.length,
    sha256: sha(content),
  }));
  const { verified, unknown, altered, strays } = judgeModules(listed, sumTable(lines));
  return { verified: [...verified], unknown: [...unknown], altered: [...altered], strays };
};

describe("what go.sum says of an entry's modules", () => {
  it("takes the sum of a go.mod as go.sum has it", () => {
    // github.com/pkg/errors v0.9.1/go.mod
    expect(modSum(sha("module github.com/pkg/errors\n"))).toBe(
      "h1:bwawxfHBFNV+L2hUp1rHADufV3IMtnDRdf1r5NINEl0=",
    );
  });

  it("is known from the sums of their files alone", () => {
    expect(judge(FILES)).toEqual({
      verified: [ID, "example.com/only@v2.0.0/go.mod"],
      unknown: [],
      altered: [],
      strays: [],
    });
  });

  it("tells what no line names, and what is of no module", () => {
    expect(judge({ ...FILES, "notes.txt": "x" }, LINES.slice(2))).toEqual({
      verified: ["example.com/only@v2.0.0/go.mod"],
      unknown: [ID],
      altered: [],
      strays: ["notes.txt"],
    });
    // Only its go.mod is named: its tree is not proven.
    expect(judge(FILES, LINES.slice(1)).unknown).toEqual([ID]);
  });

  it.each([
    ["a changed file", { [`${TREE}/toml.go`]: "package tomL\n" }],
    ["a file more", { [`${TREE}/init.go`]: "package toml\n" }],
    ["another go.mod", { [`${DOWNLOAD}.mod`]: "module toml\nretract v1.0.0\n" }],
    // With this one the go command would end in a security error.
    ["a sum beside it that is not the tree's", { [`${DOWNLOAD}.ziphash`]: "h1:x" }],
  ])("finds a module with %s", (_, changes) => {
    expect(judge({ ...FILES, ...changes }).altered).toEqual([ID]);
  });

  it("finds a module with a file less", () => {
    const less = Object.entries(FILES).filter(([path]) => !path.endsWith("/internal/a.go"));
    expect(judge(Object.fromEntries(less)).altered).toEqual([ID]);
  });
});
