import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { sumTable } from "./go-sums.ts";
import {
  filesOf,
  listModules,
  modSum,
  modulesToKeep,
  treeSum,
  unescapePath,
  verifyModules,
} from "./module-cache.ts";

function cache(files: Record<string, string>): string {
  const root = tempFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

const FILES = {
  "cache/lock": "",
  "cache/download/github.com/!burnt!sushi/toml/@v/v1.0.0.mod": "module toml\n",
  "cache/download/github.com/!burnt!sushi/toml/@v/v1.0.0.info": "{}",
  "cache/download/github.com/!burnt!sushi/toml/@v/v1.0.0.ziphash": "h1:x",
  "cache/download/github.com/!burnt!sushi/toml/@v/v1.0.0.zip": "zip",
  "cache/download/github.com/!burnt!sushi/toml/@v/list": "v1.0.0",
  "cache/download/example.com/only/@v/v2.0.0.mod": "module only\n",
  "cache/download/example.com/half/@v/v1.0.0.mod": "module half\n",
  "cache/download/example.com/half/@v/v1.0.0.partial": "",
  "cache/download/example.com/acme/orders/@v/v0.0.0-2026.info": "{}",
  "cache/download/golang.org/toolchain/@v/v0.0.1-go1.26.3.linux-amd64.mod": "module toolchain\n",
  "github.com/!burnt!sushi/toml@v1.0.0/toml.go": "package toml\n",
  "github.com/!burnt!sushi/toml@v1.0.0/internal/a.go": "package a\n",
  "example.com/half@v1.0.0/half.go": "package half\n",
  "golang.org/toolchain@v0.0.1-go1.26.3.linux-amd64/bin/go": "go",
};

describe("a module cache", () => {
  it("is listed by module, without zips, half trees, toolchains and the main module", () => {
    const root = cache(FILES);
    const modules = listModules(root);
    expect(modules.map(({ id, tree }) => [id, tree]).sort()).toEqual([
      ["example.com/half@v1.0.0", undefined],
      ["example.com/only@v2.0.0", undefined],
      ["github.com/BurntSushi/toml@v1.0.0", "github.com/!burnt!sushi/toml@v1.0.0"],
    ]);
    expect(modules.flatMap((module) => filesOf(root, module)).sort()).toEqual([
      "cache/download/example.com/half/@v/v1.0.0.mod",
      "cache/download/example.com/only/@v/v2.0.0.mod",
      "cache/download/github.com/!burnt!sushi/toml/@v/v1.0.0.info",
      "cache/download/github.com/!burnt!sushi/toml/@v/v1.0.0.mod",
      "cache/download/github.com/!burnt!sushi/toml/@v/v1.0.0.ziphash",
      "github.com/!burnt!sushi/toml@v1.0.0/internal/a.go",
      "github.com/!burnt!sushi/toml@v1.0.0/toml.go",
    ]);
    expect(listModules(join(root, "none"))).toEqual([]);
  });

  it("unescapes capital letters", () => {
    expect(unescapePath("github.com/!burnt!sushi/x")).toBe("github.com/BurntSushi/x");
  });

  it("takes the sum of a go.mod as go.sum has it", () => {
    // github.com/pkg/errors v0.9.1/go.mod
    expect(modSum(Buffer.from("module github.com/pkg/errors\n"))).toBe(
      "h1:bwawxfHBFNV+L2hUp1rHADufV3IMtnDRdf1r5NINEl0=",
    );
  });

  it("keeps all while the sums are the same, else what go.sum names or the job added", () => {
    const module = (id: string) => ({ id, tree: id, downloads: [] });
    const modules = ["old@v1", "named@v1", "added@v1"].map(module);
    const sums = sumTable(["named v1 h1:x"]);
    const ids = new Set(["old@v1", "named@v1"]);
    const kept = (sameSums: boolean) =>
      modulesToKeep(modules, { ids, sameSums }, sums).map(({ id }) => id);
    expect(kept(true)).toEqual(["old@v1", "named@v1", "added@v1"]);
    expect(kept(false)).toEqual(["named@v1", "added@v1"]);
  });
});

describe("verifying modules against go.sum", () => {
  const tree = "github.com/!burnt!sushi/toml@v1.0.0";
  const id = "github.com/BurntSushi/toml@v1.0.0";
  const lines = (root: string) => [
    `github.com/BurntSushi/toml v1.0.0 ${treeSum(root, id, tree)}`,
    `github.com/BurntSushi/toml v1.0.0/go.mod ${modSum(Buffer.from("module toml\n"))}`,
  ];

  it("keeps what is right, and removes what no line names", () => {
    const root = cache(FILES);
    const result = verifyModules(root, sumTable(lines(root)));
    expect(result).toMatchObject({ verified: 1, altered: [] });
    expect(result.unknown.sort()).toEqual(["example.com/half@v1.0.0", "example.com/only@v2.0.0"]);
    expect(existsSync(join(root, tree))).toBe(true);
    expect(listModules(root)).toHaveLength(1);
  });

  it.each([
    [
      "a changed file",
      (root: string) => writeFileSync(join(root, tree, "toml.go"), "package tomL\n"),
    ],
    ["a file more", (root: string) => writeFileSync(join(root, tree, "init.go"), "package toml\n")],
    [
      "another go.mod",
      (root: string) =>
        writeFileSync(
          join(root, "cache/download/github.com/!burnt!sushi/toml/@v/v1.0.0.mod"),
          "module toml\nretract v1.0.0\n",
        ),
    ],
  ])("removes a module with %s", (_, alter) => {
    const root = cache(FILES);
    const sums = sumTable(lines(root));
    alter(root);
    expect(verifyModules(root, sums).altered).toEqual([id]);
    expect(existsSync(join(root, tree))).toBe(false);
    expect(filesOf(root, { id, tree: undefined, downloads: [] })).toEqual([]);
  });

  it("does not look at what was there before the restore", () => {
    const root = cache(FILES);
    const before = new Set(listModules(root).map((module) => module.id));
    expect(verifyModules(root, sumTable([]), before)).toMatchObject({ unknown: [], altered: [] });
    expect(existsSync(join(root, tree))).toBe(true);
  });
});
