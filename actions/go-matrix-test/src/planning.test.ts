import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { findModules, modulePatterns } from "./modules.ts";
import { countTests, patternMatches, type PlannedPackage } from "./packages.ts";
import {
  formatReference,
  isVersion,
  matrixOf,
  parseReference,
  planReference,
  platformOf,
  type Plan,
} from "./plan.ts";
import { workingFolder } from "./planning.ts";
import { shardPackages } from "./shards.ts";

function item(path: string, estimate: number): PlannedPackage {
  return { module: ".", path, dir: path, tests: 1, estimate };
}

describe("the shards of a plan", () => {
  const packages = fc
    .uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 60 })
    .chain((paths) =>
      fc
        .array(fc.integer({ min: 20, max: 5000 }), {
          minLength: paths.length,
          maxLength: paths.length,
        })
        .map((costs) => paths.map((path, index) => item(path, (costs[index] ?? 1) / 100))),
    );

  test("hold every package exactly once, and none is empty", () => {
    fc.assert(
      fc.property(packages, fc.integer({ min: 1, max: 20 }), (all, count) => {
        const shards = shardPackages(all, count);
        expect(shards).toHaveLength(Math.min(count, all.length));
        const paths = shards.flatMap((shard) => shard.packages.map(({ path }) => path));
        expect(paths.sort()).toEqual(all.map(({ path }) => path).sort());
        for (const shard of shards) expect(shard.packages.length).toBeGreaterThan(0);
      }),
    );
  });

  test("go to whoever has least: the dearest first", () => {
    const all = [5, 4, 3, 3, 3].map((cost, index) => item(`p${index}`, cost));
    expect(shardPackages(all, 2).map(({ estimate }) => estimate)).toEqual([8, 10]);
  });

  test("do not depend on the order of the packages", () => {
    fc.assert(
      fc.property(packages, fc.integer({ min: 1, max: 9 }), (all, count) => {
        expect(shardPackages([...all].reverse(), count)).toEqual(shardPackages(all, count));
      }),
    );
  });

  test("are within Graham's bound of the lower bound", () => {
    fc.assert(
      fc.property(packages, fc.integer({ min: 1, max: 9 }), (all, count) => {
        const shards = shardPackages(all, count);
        const m = shards.length;
        const total = all.reduce((sum, { estimate }) => sum + estimate, 0);
        const bySize = all.map(({ estimate }) => estimate).sort((a, b) => b - a);
        const lower = Math.max(total / m, bySize[0] ?? 0, (bySize[m - 1] ?? 0) + (bySize[m] ?? 0));
        const longest = Math.max(...shards.map(({ estimate }) => estimate));
        expect(longest).toBeLessThanOrEqual(lower * (4 / 3) + 0.01);
      }),
    );
  });
});

describe("modules of a repository", () => {
  function tree(...paths: string[]): string {
    const folder = tempFolder();
    for (const path of paths) {
      mkdirSync(join(folder, path), { recursive: true });
      writeFileSync(join(folder, path, "go.mod"), "module x\n");
    }
    return folder;
  }

  test("are all but those that the go command skips", () => {
    const root = tree(".", "svc/a", "testdata/x", "vendor/y", "_old", ".hidden", "node_modules/z");
    expect(findModules(root, root)).toEqual([".", "svc/a"]);
  });

  test("in reach of a folder are those below it and the one it lies in", () => {
    const root = tree(".", "svc", "svc/sub", "other");
    mkdirSync(join(root, "svc/cmd"));
    expect(findModules(root, join(root, "svc/cmd"))).toEqual(["svc"]);
    expect(findModules(root, join(root, "svc"))).toEqual(["svc", "svc/sub"]);
  });

  test("that lie outside the workspace are none", () => {
    const root = tree(".");
    mkdirSync(join(root, "workspace"));
    const workspace = join(root, "workspace");
    expect(() => findModules(workspace, workspace)).toThrow("There is no go.mod");
  });

  const modules = [".", "svc", "svc/sub", "tools"];
  test.each([
    [".", "./...", { ".": ["./..."], svc: ["./..."], "svc/sub": ["./..."], tools: ["./..."] }],
    [".", "./svc/...", { svc: ["./..."], "svc/sub": ["./..."] }],
    [".", "./svc/cmd/...", { svc: ["./cmd/..."] }],
    [".", "./cmd/...", { ".": ["./cmd/..."] }],
    [".", "./svc", { svc: ["."] }],
    [".", "./svc/sub/x", { "svc/sub": ["./x"] }],
    ["svc", ".", { svc: ["."] }],
    ["svc", "./cmd/...", { svc: ["./cmd/..."] }],
  ])("seen from %s, %s names", (folder, pattern, expected: Record<string, string[]>) => {
    const seen = Object.fromEntries(
      modules
        .map((module) => [module, modulePatterns(module, modules, folder, [pattern])] as const)
        .filter(([, patterns]) => patterns.length > 0),
    );
    expect(seen).toEqual(expected);
  });

  test.each([
    ["./...", "a/b", true],
    ["./a/...", "a/b", true],
    ["./a/...", "ab", false],
    ["./a", "a/b", false],
    ["example.com/x/...", "a/b", true],
    ["example.com/y/...", "a/b", false],
    ["./.../b", "a/b", true],
  ])("%s against %s: %s", (pattern, folder, matches) => {
    expect(patternMatches(pattern, ".", { folder, path: `example.com/x/${folder}` })).toBe(matches);
  });
});

test("tests are counted by a scan of declarations", () => {
  const source =
    "package a\n\nfunc TestA(t *testing.T) {}\nfunc ExampleB() {}\nfunc FuzzC(f *testing.F) {}\n" +
    "func BenchmarkÄ_1(b *testing.B) {}\n// func TestNot(\nfunc helper() {}\n\tfunc TestInner(\n";
  expect(countTests(source)).toBe(4);
});

describe("a plan", () => {
  const plan: Plan = {
    version: 1,
    repository: "acme/orders",
    commit: "0".repeat(40),
    folder: ".",
    patterns: ["./..."],
    flags: { race: false, tags: [], testFlags: [], timeoutMs: 600_000 },
    modules: [{ folder: ".", alone: false }],
    cells: [
      {
        ...{ id: "1.26-ubuntu-latest", go: "1.26", os: "ubuntu-latest", goos: "linux" },
        shards: [
          { shard: 1, estimate: 3, checks: ["vet"], packages: [item("example.com/a", 3)] },
          { shard: 2, estimate: 2, checks: ["vet"], packages: [item("example.com/b", 2)] },
        ],
      },
    ],
  };

  test("becomes a matrix of ids and estimates, without a single package", () => {
    const matrix = matrixOf(plan);
    expect(matrix.include[1]).toEqual({
      id: "1.26-ubuntu-latest-2",
      cell: "1.26-ubuntu-latest",
      ...{ go: "1.26", os: "ubuntu-latest", shard: 2, shards: 2, estimate: 2 },
    });
    expect(JSON.stringify(matrix)).not.toContain("example.com");
  });

  test("is known by the hash of its bytes", () => {
    const reference = planReference("plan\n", 2);
    expect(parseReference(formatReference(reference))).toEqual(reference);
    const other = formatReference(reference).replace(/-[0-9a-f]{12}@/, "-000000000000@");
    expect(parseReference(other)).toBeUndefined();
    expect(parseReference("")).toBeUndefined();
  });

  test.each([
    ["ubuntu-24.04", "linux", "amd64"],
    ["ubuntu-24.04-arm", "linux", "arm64"],
    ["windows-latest", "windows", "amd64"],
    ["macos-latest", "darwin", "arm64"],
    ["macos-15-intel", "darwin", "amd64"],
    ["my-own-label", undefined, undefined],
  ])("lists %s for %s/%s", (label, os, arch) => {
    expect([platformOf(label)["GOOS"], platformOf(label)["GOARCH"]]).toEqual([os, arch]);
  });

  test.each([
    ["go1.26.8", "1.26", true],
    ["go1.26.8", "1.26.8", true],
    ["go1.26.8 X:rangefunc", "1.26.8", true],
    ["go1.26.8", "1.2", false],
    ["go1.26.8", "1.25", false],
    ["go1.27rc1", "1.27", true],
    ["go1.26.8", "stable", true],
    ["go1.26.8", "", true],
  ])("%s is what %j asks for: %s", (have, wanted, fits) => {
    expect(isVersion(have, wanted)).toBe(fits);
  });
});

test("a working-directory outside the workspace, or that is none, is refused", () => {
  const workspace = tempFolder();
  mkdirSync(join(workspace, "svc"));
  expect(workingFolder(workspace, "./svc/")).toBe("svc");
  expect(workingFolder(workspace, ".")).toBe(".");
  expect(() => workingFolder(workspace, "../x")).toThrow("leaves the workspace");
  expect(() => workingFolder(workspace, "nowhere")).toThrow("there is no folder");
});
