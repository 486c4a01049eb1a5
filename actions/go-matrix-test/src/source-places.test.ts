import { describe, expect, test } from "@jest/globals";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { changedLines } from "./checks.ts";
import {
  buildSections,
  diagnostics,
  errorLines,
  sourcePlaces,
  type SourcePlaces,
} from "./source-places.ts";
import type { Located } from "./transcript.ts";

function workspace(
  files: Record<string, string>,
  path = tempFolder(),
): { path: string; places: SourcePlaces } {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  const packages = [
    { module: "svc", path: "example.com/svc/a", dir: "svc/a", tests: 1, estimate: 1 },
  ];
  const foreign = [join(path, "gomodcache"), "/usr/local/go"];
  return { path, places: sourcePlaces({ workspace: path, foreign, packages }) };
}

const FILES = {
  "svc/a/a_test.go":
    'package a\n\nfunc TestA(t *testing.T) {\n\tt.Log("log")\n\tt.Error("bad")\n}\n',
  "svc/a/vendor/x/x.go": "package x\n",
  "gomodcache/y/y.go": "package y\n",
};

describe("places", () => {
  test("exist in the workspace, or are none", () => {
    const { path, places } = workspace(FILES);
    const at = { file: "svc/a/a_test.go", line: 5 };
    expect(places.find(join(path, "svc/a/a_test.go"), 5, [])).toEqual(at);
    expect(places.find("a_test.go", 5, [join(path, "svc/a")])).toEqual(at);
    expect(places.find("./a/a_test.go", 5, [join(path, "svc")])).toEqual(at);
    expect(places.find("example.com/svc/a/a_test.go", 5, [])).toEqual(at);
    expect(places.find("a_test.go", 500, [join(path, "svc/a")])).toBeUndefined();
    expect(places.find("/etc/passwd", 1, [])).toBeUndefined();
    expect(places.find("../../../etc/passwd", 1, [path])).toBeUndefined();
    expect(places.find(join(path, "gomodcache/y/y.go"), 1, [])).toBeUndefined();
  });

  test("are found when the workspace is a symbolic link", () => {
    const { path } = workspace(FILES);
    const link = join(tempFolder(), "link");
    symlinkSync(path, link);
    const { places } = workspace({}, link);
    expect(places.find(join(path, "svc/a/a_test.go"), 5, [])?.file).toBe("svc/a/a_test.go");
  });

  test("of a stack are the first frame in the repository's own code", () => {
    const { path, places } = workspace(FILES);
    const frames = [
      { file: "/usr/local/go/src/runtime/panic.go", line: 1 },
      { file: join(path, "gomodcache/y/y.go"), line: 1 },
      { file: join(path, "svc/a/vendor/x/x.go"), line: 1 },
      { file: join(path, "svc/a/a_test.go"), line: 5 },
    ];
    expect(places.firstFrame(frames)).toEqual({ file: "svc/a/a_test.go", line: 5 });
  });

  test("of an error are not those of a log", () => {
    const { path, places } = workspace(FILES);
    const located = (line: number, error: boolean | null): Located => ({
      ...{ file: join(path, "svc/a/a_test.go"), line, column: null, message: "", error },
    });
    const lines = (all: Located[]): number[] =>
      errorLines(all, places, path).map(({ place }) => place.line);
    expect(lines([located(4, null), located(5, null)])).toEqual([5]);
    expect(lines([located(5, null), located(4, true)])).toEqual([4]);
  });

  test("of a test without any are its declaration", () => {
    const { places } = workspace(FILES);
    expect(places.declaration("svc/a", "TestA/sub")).toEqual({ file: "svc/a/a_test.go", line: 3 });
    expect(places.declaration("svc/a", "TestNo")).toBeUndefined();
    expect(places.declaration("svc/a", "Test.*")).toBeUndefined();
  });
});

test("diagnostics of compiler, loader and vet", () => {
  const text =
    "# example.com/m [example.com/m.test]\n./a_test.go:8:6: declared and not used: n\n" +
    "vet: b/b.go:3:23: undefined: missing\na.go:5:2: no module provides x; to add it:\n\tgo get x\n" +
    "note: module requires Go 1.99\n";
  expect(diagnostics(text)).toEqual([
    { file: "./a_test.go", line: 8, column: 6, message: "declared and not used: n" },
    { file: "b/b.go", line: 3, column: 23, message: "undefined: missing" },
    { file: "a.go", line: 5, column: 2, message: "no module provides x; to add it:\ngo get x" },
  ]);
  expect([...buildSections(text).keys()]).toEqual(["example.com/m"]);
});

test("the first line that gofmt changes, in the file as it is", () => {
  const diff =
    "diff a.go.orig a.go\n--- a.go.orig\n+++ a.go\n@@ -3,4 +3,4 @@\n \n same\n-old\n+new\n" +
    "diff b.go.orig b.go\n--- b.go.orig\n+++ b.go\n@@ -1 +1 @@\n-x\n+y\n";
  expect([...changedLines(diff)]).toEqual([
    ["a.go", 5],
    ["b.go", 1],
  ]);
});
