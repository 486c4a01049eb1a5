import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import { inspectProject } from "./project.ts";

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

function project(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "project-"));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

describe("inspectProject", () => {
  it("finds the main packages of the module", () => {
    const folder = project({
      "go.mod": "module x\n",
      "main.go": "// Command x.\npackage main\n",
      "cmd/b/main.go": "/* package lib */\npackage main\n",
      "lib/lib.go": "package lib\n",
      "lib/lib_test.go": "package lib\n",
    });
    expect(inspectProject(folder)).toEqual({ mains: [".", "./cmd/b"], hasTests: true, nested: [] });
  });

  it("leaves out what the go command leaves out", () => {
    const folder = project({
      "go.mod": "module x\n",
      "x.go": "package x\n",
      "gen.go": "//go:build ignore\n\npackage main\n",
      "vendor/v/main.go": "package main\n",
      "testdata/t/main.go": "package main\n",
      "_old/main.go": "package main\n",
      "tools/go.mod": "module tools\n",
      "tools/main.go": "package main\n",
    });
    expect(inspectProject(folder)).toEqual({ mains: [], hasTests: false, nested: ["tools"] });
  });

  it("does not take a test's package for a program", () => {
    const folder = project({ "go.mod": "module x\n", "x_test.go": "package main\n" });
    expect(inspectProject(folder).mains).toEqual([]);
  });
});
