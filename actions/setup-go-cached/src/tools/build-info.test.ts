import { describe, expect, it } from "@jest/globals";
import { isBelow, minorOf, mismatch, parseBuildInfo } from "./build-info.ts";

const TEXT = [
  "/tmp/a: b/stringer: go1.26.8 X:jsonv2",
  "\tpath\tgolang.org/x/tools/cmd/stringer",
  "\tmod\tgolang.org/x/tools\tv0.30.0\th1:BgcpHewrV5AUp2G9MebG4XPFI1E2W41zU1SaqVA9vJY=",
  "\tdep\tgolang.org/x/mod\tv0.23.0\th1:Zb7khfcRGKk+kqfxFaP5tZqCnDZMjC5VtUBs87Hr6QM=",
  "\tbuild\t-buildmode=exe",
  "\tbuild\tGOARCH=amd64",
  "\tbuild\tGOOS=linux",
  "",
].join("\n");

const WANTED = {
  path: "golang.org/x/tools/cmd/stringer",
  version: "v0.30.0",
  minor: "1.26",
  goos: "linux",
  goarch: "amd64",
};

describe("what a program says of itself", () => {
  it("is read from `go version -m`", () => {
    expect(parseBuildInfo(TEXT)).toEqual({
      go: "go1.26.8",
      path: WANTED.path,
      module: "golang.org/x/tools",
      version: "v0.30.0",
      sum: "h1:BgcpHewrV5AUp2G9MebG4XPFI1E2W41zU1SaqVA9vJY=",
      goos: "linux",
      goarch: "amd64",
    });
    expect(parseBuildInfo("/tmp/x: could not read Go build info")).toBeUndefined();
    expect(parseBuildInfo("")).toBeUndefined();
  });

  it("fits what is wanted", () => {
    expect(mismatch(parseBuildInfo(TEXT), WANTED)).toBeUndefined();
  });

  it.each([
    ["path", { path: "golang.org/x/tools/cmd/goimports" }, "other", "built from"],
    ["version", { version: "v0.31.0" }, "other", "v0.30.0"],
    ["Go", { minor: "1.27" }, "other", "go1.26.8"],
    ["system", { goos: "darwin" }, "other", "linux/amd64"],
    ["processor", { goarch: "arm64" }, "other", "linux/amd64"],
  ])("does not fit another %s", (_, change, kind, detail) => {
    const why = mismatch(parseBuildInfo(TEXT), { ...WANTED, ...change });
    expect(why?.kind).toBe(kind);
    expect(why?.detail).toContain(detail);
  });

  it("is wrong where there is none, and where the module is not the package's", () => {
    expect(mismatch(undefined, WANTED)?.kind).toBe("wrong");
    const foreign = TEXT.replace("mod\tgolang.org/x/tools\t", "mod\tgolang.org/x/too\t");
    expect(mismatch(parseBuildInfo(foreign), WANTED)).toMatchObject({ kind: "wrong" });
    expect(isBelow("a.b/c", "a.b/c")).toBe(true);
    expect(isBelow("a.b/cd", "a.b/c")).toBe(false);
  });

  it("knows minor versions", () => {
    expect(["go1.26.8", "1.27rc1", "go1.25"].map(minorOf)).toEqual(["1.26", "1.27", "1.25"]);
  });
});
