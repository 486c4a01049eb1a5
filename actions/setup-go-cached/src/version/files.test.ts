import { describe, expect, it } from "@jest/globals";
import { readVersion } from "./files.ts";
import { wantedByGoLine } from "./wanted.ts";

describe("what a version file says", () => {
  it.each([
    ["go.mod", "module x\n\ngo 1.24\n\ntoolchain go1.26.3\n", "1.26.3"],
    ["go.mod", "module x\ntoolchain go1.26.3-custom\ngo 1.24\n", "1.26.3"],
    ["go.mod", "module x\n\ngo 1.25.4 // why\n", "1.25.4"],
    ["go.mod", "module x\r\n\r\ngo 1.25.4\r\ntoolchain default\r\n", "1.25.4"],
    ["go.work", "go 1.26.1\n\nuse ./a\n", "1.26.1"],
    [".go-version", "# ours\n1.26.2\n", "1.26.2"],
    [".go-version", "go1.26.2", "1.26.2"],
    ["go.mod", "module x\ntoolchain go1.25.1\ngo 1.26.2\n", "1.26.2"],
    [".go-version", "1.26.2 # pinned\n", "1.26.2"],
    [".tool-versions", "nodejs 24.1.0\ngolang 1.26.2 1.25.0\n", "1.26.2"],
    [".tool-versions", "# golang 1.20\n\n  go\t1.26   # the line\r\n", "1.26"],
    [".tool-versions", "golang system 1.26.2\n", "1.26.2"],
    [".tool-versions", "golang path:/opt/go ref:master latest\n", "stable"],
    [".tool-versions", "golang latest:1.25\n", "1.25"],
    [".tool-versions", "golangci-lint 2.12.2\ngolang prefix:1.25\n", "1.25"],
    ["mise.toml", '[tools]\ngo = "1.26"\n', "1.26"],
    ["other.txt", "1.26", "1.26"],
  ])("%s: %j", (name, content, text) => {
    expect(readVersion(name, content, name)?.wanted.text).toBe(text);
  });

  it.each([
    [".tool-versions", "nodejs 24\n"],
    [".tool-versions", "golang system\n"],
    ["mise.toml", '[env]\ngo = "1.26"\n'],
    ["go.mod", "// nothing\n"],
    [".go-version", "\n# nothing\n"],
  ])("%s can say nothing: %j", (name, content) => {
    expect(readVersion(name, content, name)).toBeUndefined();
  });

  it("counts a toolchain line only where GOTOOLCHAIN lets it", () => {
    const mod = "module x\ngo 1.25.1\ntoolchain go1.26.2\n";
    expect(readVersion("go.mod", mod, "go.mod", false)).toMatchObject({
      wanted: { text: "1.25.1" },
      part: expect.stringContaining("GOTOOLCHAIN is local") as unknown,
    });
    expect(readVersion("go.mod", mod, "go.mod", true)?.wanted.text).toBe("1.26.2");
  });

  it.each(["go 1.24 ::error::x", "go latest"])("refuses %j, as the go command does", (line) => {
    expect(() => readVersion("go.mod", `module a\n\n${line}\n`, "go.mod")).toThrow(/no Go version/);
  });

  it("takes any Go for a go.mod without a go line", () => {
    expect(readVersion("go.mod", "module example.com/acme/money\n", "go.mod")).toEqual({
      wanted: wantedByGoLine("1.16", "go.mod"),
      part: "no go line: any Go",
    });
  });
});
