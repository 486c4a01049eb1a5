import { describe, expect, it } from "@jest/globals";
import { isVersion, parseTools, programName } from "./wanted.ts";

describe("lines of tools", () => {
  it("takes packages with versions, and leaves comments out", () => {
    const tools = parseTools([
      "# generators",
      "golang.org/x/tools/cmd/stringer@v0.38.0 # enums",
      "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@latest",
      "example.com/acme/gen/v3@main",
    ]);
    expect(tools).toEqual([
      { path: "golang.org/x/tools/cmd/stringer", query: "v0.38.0", name: "stringer" },
      {
        path: "github.com/golangci/golangci-lint/v2/cmd/golangci-lint",
        query: "latest",
        name: "golangci-lint",
      },
      { path: "example.com/acme/gen/v3", query: "main", name: "gen" },
    ]);
  });

  it("names every bad line at once", () => {
    const bad = [
      "golang.org/x/tools/cmd/stringer",
      "https://github.com/a/b@v1.0.0",
      "stringer@v1.0.0",
      "example.com/a@b@c",
      "example.com/a@v1.0.0;rm",
      "example.com/a/../b@v1.0.0",
      "example.com/-x@v1.0.0 -toolexec=x",
      "example.com/tool@upgrade",
      "-toolexec=x.com/a@v1.0.0",
    ];
    let message = "";
    try {
      parseTools(["example.com/good@v1.0.0", ...bad]);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message.split("\n")).toHaveLength(bad.length + 1);
    for (const line of bad) expect(message).toContain(JSON.stringify(line));
    expect(message).not.toContain("good");
  });

  it("refuses two programs of one name", () => {
    expect(() => parseTools(["example.com/a/gen@v1.0.0", "example.com/b/Gen@v1.0.0"])).toThrow(
      /would both be called Gen/,
    );
  });

  it.each([
    ["example.com/acme/gen", "gen"],
    ["example.com/acme/gen/v2", "gen"],
    ["example.com/acme/gen/v1", "v1"],
    ["example.com/acme/v0x", "v0x"],
    ["gopkg.in/gen.v2", "gen.v2"],
  ])("%s becomes %s, as the go command calls it", (path, name) => {
    expect(programName(path)).toBe(name);
  });

  it.each([
    ["v1.2.3", true],
    ["v1.2.3-rc.1", true],
    ["v0.0.0-20260102030405-0123456789ab", true],
    ["v2.0.0+incompatible", true],
    ["v1.2", false],
    ["latest", false],
    ["0123456", false],
  ])("%s is a whole version: %s", (query, whole) => {
    expect(isVersion(query)).toBe(whole);
  });
});
