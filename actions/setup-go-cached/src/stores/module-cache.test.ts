import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { sumTable } from "./go-sums.ts";
import {
  filesOf,
  listModules,
  moduleOf,
  modulesToKeep,
  treeOf,
  unescapePath,
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

  it("knows which module a file belongs to", () => {
    const trees = (path: string) => [moduleOf(path), treeOf(path)];
    const toml = "github.com/!burnt!sushi/toml@v1.0.0";
    const id = "github.com/BurntSushi/toml@v1.0.0";
    expect(trees(`${toml}/a/b@c/x.go`)).toEqual([id, toml]);
    expect(trees("cache/download/github.com/!burnt!sushi/toml/@v/v1.0.0.mod")).toEqual([
      id,
      undefined,
    ]);
    expect(trees("cache/download/x@v1/y")).toEqual([undefined, undefined]);
    expect(trees("cache/lock")).toEqual([undefined, undefined]);
    expect(trees("plain/file.go")).toEqual([undefined, undefined]);
    expect(trees("x@v1")).toEqual([undefined, undefined]);
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
