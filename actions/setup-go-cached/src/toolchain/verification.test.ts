import { describe, expect, it } from "@jest/globals";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { h1 } from "../dirhash.ts";
import { candidates, goProgram } from "./local.ts";
import { TOOLCHAIN_SUMS } from "./sums.ts";
import { matchesToolchain, readVerification } from "./verification.ts";

describe("patterns that exempt modules from verification", () => {
  it.each([
    ["golang.org/toolchain", true],
    ["golang.org", true],
    ["golang.org/*", true],
    ["*", true],
    ["*.org/t*", true],
    ["github.com/acme/*,golang.org/", true],
    ["", false],
    ["github.com/*", false],
    ["golang.org/x", false],
    ["golang.org/toolchain/v2", false],
    ["golangXorg", false],
    ["golang.org/[", false],
  ])("%j names the toolchain: %s", (patterns, answer) => {
    expect(matchesToolchain(patterns)).toBe(answer);
  });
});

describe("settings that decide on verification", () => {
  const read = async (env: Record<string, string>) => {
    const ports = fakePorts({ env });
    const settings = await readVerification(undefined, ports);
    return { settings, said: ports.log.messages().join("\n") };
  };

  it("are said where they would do without, or trust somebody else", async () => {
    const plain = await read({ GOSUMDB: "sum.example", GOPRIVATE: "github.com/acme" });
    expect(plain).toEqual({ settings: { goproxy: "", gosumdb: "sum.example" }, said: "" });
    const { said } = await read({
      GOSUMDB: "sum.acme.example+0123abcd+Axyz https://sums.acme.example",
      GOINSECURE: "*",
      GOFLAGS: "-mod=mod -insecure",
    });
    expect(said).toContain("GOSUMDB names a database of its own, sum.acme.example:");
    expect(said).toContain("GOINSECURE=* would exempt the toolchain");
    expect(said).toContain("GOFLAGS has -insecure");
    expect(said).not.toContain("Axyz");
  });
});

describe("the table of sums", () => {
  it("holds the sum of each toolchain in the form of go.sum", () => {
    const versions = Object.entries(TOOLCHAIN_SUMS);
    expect(versions.length).toBeGreaterThan(30);
    const seen = new Set<string>();
    for (const [version, sums] of versions) {
      expect(version).toMatch(/^1\.(2[4-9]|[3-9]\d)(\.\d+|(rc|beta)\d+)$/);
      expect(sums).toHaveProperty("linux-amd64");
      for (const sum of Object.values(sums)) {
        expect(sum).toMatch(/^h1:[A-Za-z0-9+/]{43}=$/);
        expect(seen.has(sum)).toBe(false);
        seen.add(sum);
      }
    }
  });

  it("are taken as in go.sum, in the order of bytes", () => {
    // An empty module is the hash of nothing.
    expect(h1("x@v1", new Map())).toBe("h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    const sums = [
      ["b", "2"],
      ["B", "1"],
      ["a/b", "3"],
    ] as const;
    expect(h1("x@v1", new Map(sums))).toBe(h1("x@v1", new Map(sums.toReversed())));
    expect(h1("x@v1", new Map(sums))).not.toBe(h1("x@v2", new Map(sums)));
  });
});

describe("a go on PATH", () => {
  it.each([
    ["linux", { PATH: "/usr/bin::/go/bin" }, ["/usr/bin/go", "/go/bin/go"]],
    ["darwin", { PATH: "/usr/local/go/bin" }, ["/usr/local/go/bin/go"]],
    [
      "win32",
      { Path: 'C:\\Windows;"C:\\Program Files\\Go\\bin";' },
      ["C:\\Windows\\go.exe", "C:\\Program Files\\Go\\bin\\go.exe"],
    ],
    ["linux", {}, []],
  ])("on %s is looked for by %j", (platform, env, paths) => {
    expect(candidates(env, platform)).toEqual(paths);
  });

  it("is a program in bin", () => {
    expect(goProgram("/go", "linux")).toBe("/go/bin/go");
    expect(goProgram("C:\\go", "windows")).toBe("C:\\go\\bin\\go.exe");
  });
});
