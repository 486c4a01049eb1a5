import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { decideVersion, type Asked } from "./decide.ts";

function asked(given: Partial<Asked> = {}, settings: Record<string, string> = {}): Asked {
  const setting = (name: string): string => settings[name] ?? "";
  return { goVersion: undefined, goVersionFile: undefined, setting, ...given };
}

function repository(files: Record<string, string>): string {
  const root = tempFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

describe("the version is decided", () => {
  const all = {
    "go.work": "go 1.26.6\n",
    "go.mod": "module x\ngo 1.26.5\n",
    ".go-version": "1.26.4\n",
    ".tool-versions": "golang 1.26.3\n",
    "mise.toml": '[tools]\ngo = "1.26.2"\n',
    ".mise.toml": '[tools]\ngolang = "1.26.1"\n',
  };

  it("by the first file there is, and which one it was is said", () => {
    const left: Partial<typeof all> = { ...all };
    for (const [name, text] of [
      ["go.work", "1.26.6"],
      ["go.mod", "1.26.5"],
      [".go-version", "1.26.4"],
      [".tool-versions", "1.26.3"],
      ["mise.toml", "1.26.2"],
      [".mise.toml", "1.26.1"],
    ] as const) {
      const root = repository(left);
      const { wanted, source } = decideVersion(asked(), root, root);
      expect(wanted.text).toBe(text);
      expect(source).toContain(name);
      Reflect.deleteProperty(left, name);
    }
  });

  it("by the input before all, then by the named file", () => {
    const root = repository({ ...all, "ci/versions/go": "1.24.1" });
    const file = asked({ goVersionFile: "ci/versions/go" });
    expect(decideVersion(file, root, root).wanted.text).toBe("1.24.1");
    const absolute = asked({ goVersionFile: join(root, "ci/versions/go") });
    expect(decideVersion(absolute, root, root).wanted.text).toBe("1.24.1");
    const input = asked({ goVersion: "1.25", goVersionFile: "ci/versions/go" });
    expect(decideVersion(input, root, root)).toMatchObject({ source: "the input go-version" });
  });

  it("from above the working directory, but never from above the workspace", () => {
    const root = repository({
      "go.mod": "go 1.20\n",
      "repo/go.work": "go 1.26.4\n",
      "repo/a/x": "",
    });
    const workspace = join(root, "repo");
    expect(decideVersion(asked(), workspace, join(workspace, "a")).wanted.text).toBe("1.26.4");
    const bare = repository({ "go.mod": "go 1.26.4\n", "repo/a/x": "" });
    expect(() => decideVersion(asked(), join(bare, "repo"), join(bare, "repo/a"))).toThrow(
      /Nothing in .* says which Go version/,
    );
  });

  it("by the next file where one says nothing of Go", () => {
    const root = repository({ ".tool-versions": "nodejs 24\n", "mise.toml": all["mise.toml"] });
    expect(decideVersion(asked(), root, root)).toMatchObject({ source: "mise.toml" });
  });

  it("not by a file that is missing, cannot be read or says nothing", () => {
    const root = repository({ "empty.mod": "", "folder/x": "" });
    const by = (goVersionFile: string) => () => decideVersion(asked({ goVersionFile }), root, root);
    expect(by("none")).toThrow(/does not exist/);
    expect(by("folder")).toThrow(/cannot be read/);
    expect(by("empty.mod")).toThrow(/names no Go version/);
  });

  it("by none where the only file is no go.mod, and that file is named", () => {
    const root = repository({ "go.mod": "<<<<<<< HEAD\n" });
    expect(() => decideVersion(asked(), root, root)).toThrow(/^go\.mod names no Go version$/);
  });

  it("by what GOWORK says of go.work", () => {
    const root = repository({ ...all, "ci/all.work": "go 1.26.9\n" });
    const by = (GOWORK: string) => decideVersion(asked({}, { GOWORK }), root, root);
    expect(by("off")).toMatchObject({ source: "go.mod (go line)" });
    expect(by(join(root, "ci/all.work"))).toMatchObject({ wanted: { text: "1.26.9" } });
  });

  it("without toolchain lines where the user sets GOTOOLCHAIN to local", () => {
    const root = repository({ "go.mod": "module x\ngo 1.25.1\ntoolchain go1.26.2\n" });
    const { source } = decideVersion(asked({}, { GOTOOLCHAIN: "local" }), root, root);
    expect(source).toMatch(/^go\.mod \(go line; .* GOTOOLCHAIN is local\)$/);
    expect(decideVersion(asked(), root, root).source).toBe("go.mod (toolchain line)");
  });
});

describe("modules that disagree", () => {
  const modules = {
    "services/a/go.mod": "module a\ngo 1.25\n",
    "services/b/go.mod": "module b\ngo 1.24.3\ntoolchain go1.26.4\n",
    "services/c/go.mod": "module c\ngo 1.26.2\n",
    "services/c/testdata/m/go.mod": "module m\ngo 1.99.9\n",
    "node_modules/x/go.mod": "module x\ngo 1.99.9\n",
    "_old/go.mod": "module old\ngo 1.99.9\n",
    "services/d/go.mod": "module d\ngo one\n",
  };

  it("get the highest version, so that all of them build, and the others are said", () => {
    const root = repository(modules);
    expect(decideVersion(asked(), root, root)).toMatchObject({
      wanted: { text: "1.26.4" },
      source:
        "services/b/go.mod (toolchain line), the highest of 3 modules, so that all of them build,",
      notes: ["services/c/go.mod asks for 1.26.2.", "services/a/go.mod asks for 1.25."],
    });
  });

  it("leave it to the working directory's own, which says what it does not build", () => {
    const root = repository({ ...modules, "go.mod": "module root\ngo 1.26\n" });
    const decision = decideVersion(asked(), root, root);
    expect(decision).toMatchObject({ wanted: { text: "1.26" }, source: "go.mod (go line)" });
    // The newest of the line 1.26 builds what asks for 1.26.4.
    expect(decision.notes).toEqual([]);
    const old = repository({ ...modules, "go.mod": "module root\ngo 1.25.1\n" });
    expect(decideVersion(asked(), old, old).notes).toEqual([
      expect.stringMatching(
        /^services\/b\/go\.mod asks for 1\.26\.4, which is more than .* go\.mod/,
      ),
      expect.stringMatching(/^services\/c\/go\.mod asks for 1\.26\.2/),
    ]);
  });

  it("do not matter where one is the working directory", () => {
    const root = repository(modules);
    const decision = decideVersion(asked(), root, join(root, "services/a"));
    expect(decision).toMatchObject({ wanted: { text: "1.25" }, notes: [] });
  });

  it("are one module like any other when there is one only", () => {
    const root = repository({ "app/go.mod": "module app\ngo 1.26.2\n" });
    expect(decideVersion(asked(), root, root)).toMatchObject({
      source: "app/go.mod (go line)",
      notes: [],
    });
  });
});
