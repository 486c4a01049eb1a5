import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  covers,
  fits,
  fromSemver,
  lowest,
  nearestVersions,
  newest,
  parseWanted,
  toSemver,
  wantedByGoLine,
} from "./wanted.ts";

const KNOWN = [
  "1.4.1",
  "1.21.0",
  "1.24.0",
  "1.24.13",
  "1.25rc2",
  "1.25.0",
  "1.25.10",
  "1.25.9",
  "1.26.3",
  "1.27rc1",
];

const settle = (text: string) => newest(KNOWN, parseWanted(text, "go-version"));

describe("a wanted Go version", () => {
  it.each([
    ["1.26.3", "1.26.3"],
    ["go1.26.3", "1.26.3"],
    ["1.27rc1", "1.27rc1"],
    ["1.99.9", "1.99.9"],
    ["1.25", "1.25.10"],
    ["1.25.x", "1.25.10"],
    ["^1.24", "1.26.3"],
    ["~1.24.0", "1.24.13"],
    [">=1.25 <1.26", "1.25.10"],
    ["1.x", "1.26.3"],
    ["stable", "1.26.3"],
    ["oldstable", "1.25.10"],
    ["1.27", undefined],
    ["1.27.0-rc.1", "1.27rc1"],
    ["1.25.0-rc2", "1.25rc2"],
    [">=1.27rc1", "1.27rc1"],
    ["1.25.0 || 1.24.13", "1.25.0"],
    ["1.28", undefined],
  ])("%s is settled to %s", (text, version) => {
    expect(settle(text)).toBe(version);
  });

  it.each(["", "one", "1.2.3.4", "latest", "1.26.3-custom!", "$(id)"])("%j is refused", (text) => {
    expect(() => parseWanted(text, "go-version")).toThrow(/go-version: .* is no Go version/);
  });

  it.each(["1.19", "1.23.12", "1.24rc3x", "<1.24", "1.20.x"])("%s is too old or none", (text) => {
    expect(() => parseWanted(text, "go-version")).toThrow(/older than 1\.24|no Go version/);
  });

  it("from a go line that is older than what is supported is any that is not", () => {
    const wanted = wantedByGoLine("1.16", "go.mod");
    expect(newest(KNOWN, wanted)).toBe("1.26.3");
    expect(fits("1.24.0", wanted)).toBe(true);
    expect(fits("1.21.0", wanted)).toBe(false);
  });

  it("from a go line of a language version is its newest release, or else any newer one", () => {
    const wanted = wantedByGoLine("1.25", "go.mod");
    expect(newest(KNOWN, wanted)).toBe("1.25.10");
    expect(wanted).toMatchObject({ otherwise: ">=1.25.0" });
  });

  it("sorts by number, candidates before releases", () => {
    fc.assert(
      fc.property(fc.nat(40), fc.nat(40), fc.nat(9), (minor, patch, candidate) => {
        const form = toSemver(`1.${minor}.${patch}`);
        expect(form).toBe(`1.${minor}.${patch}`);
        expect(toSemver(`1.${minor}rc${candidate}`)).toBe(`1.${minor}.0-rc.${candidate}`);
      }),
    );
  });

  it("has one semantic form", () => {
    for (const version of ["1.26.3", "1.27rc1", "1.24beta2"]) {
      expect(fromSemver(toSemver(version) ?? "")).toBe(version);
    }
    for (const name of ["1.26", "go1.26.3", "1.26.3-rc.1", "1.26.0-custom", ".fresh-x"]) {
      expect(fromSemver(name)).toBeUndefined();
    }
  });

  it.each([
    ["1.25.99", ["1.25.10", "1.25.9", "1.25.0"]],
    ["1.24.1", ["1.24.0", "1.24.13", "1.25.10"]],
    ["1.99.0", ["1.26.3"]],
    // Of a line that has no release yet, its candidates.
    ["1.27", ["1.27rc1", "1.26.3"]],
    ["1.27rc9", ["1.27rc1", "1.26.3"]],
    ["1.25rc9", ["1.25rc2", "1.25.9", "1.25.10"]],
    // Never one that is refused for its age.
    ["1.24.99", ["1.24.13", "1.24.0"]],
    ["~1.26.40", ["1.26.3"]],
    [">=1.26.4 <1.27", ["1.26.3"]],
    ["<1.25.0-0 >1.24.20", ["1.24.13", "1.24.0"]],
  ])("%s, which does not exist, has the neighbours %j", (text, neighbours) => {
    const found = nearestVersions(lowest(parseWanted(text, "x")), KNOWN);
    expect(found.slice(0, neighbours.length)).toEqual(neighbours);
    expect(found).toHaveLength(3);
    expect(found).not.toContain("1.21.0");
  });

  it("that does not exist has no neighbour that would be refused for its age", () => {
    expect(nearestVersions("1.24.5", ["1.23.9", "1.24.1", "1.26.0"])).toEqual(["1.24.1", "1.26.0"]);
  });

  it.each([
    ["1.26.3", "1.26", true],
    ["1.26", "1.26.3", true],
    ["1.26.3", "1.26.4", false],
    ["1.25", "1.26", false],
    [">=1.24", "1.26.3", true],
    ["stable", "1.26.3", true],
  ])("%s covers %s: %s", (wanted, other, answer) => {
    expect(covers(parseWanted(wanted, "x"), parseWanted(other, "y"))).toBe(answer);
    expect(lowest(parseWanted("1.25", "x"))).toBe("1.25.0");
  });
});
