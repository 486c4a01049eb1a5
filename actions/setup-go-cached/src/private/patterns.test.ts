import { describe, expect, it } from "@jest/globals";
import { joinPatterns, parsePatterns, whyNoToken } from "./patterns.ts";

describe("patterns of private modules", () => {
  it.each([
    ["github.com/acme/*", "github.com", "acme/"],
    ["github.com/acme", "github.com", "acme/"],
    ["GitHub.com/acme/", "github.com", "acme/"],
    ["github.com/acme/money", "github.com", "acme/money"],
    ["github.com/acme/mon*", "github.com", "acme/"],
    ["git.example.com", "git.example.com", ""],
    ["git.example.com/group/sub/*", "git.example.com", "group/sub/"],
    ["*.example.com/x", "*.example.com", "x/"],
  ])("%s is host %s and prefix %s", (text, host, prefix) => {
    const { patterns, problems } = parsePatterns([text]);
    expect(problems).toEqual([]);
    expect(patterns).toEqual([{ text, host, prefix }]);
  });

  it("says everything that is wrong, each with what it should be", () => {
    const { problems } = parsePatterns(["https://github.com/acme", "git@github.com:acme", "a b"]);
    expect(problems).toHaveLength(3);
    expect(problems[0]).toContain("begins with the host");
    expect(problems[1]).toContain("holds an @");
    expect(problems[2]).toContain('"a b"');
  });

  it.each([
    [[], "needs private"],
    [["*.example.com"], "anybody's"],
    [["github.com/acme", "git.example.com/x"], "one host"],
    [["acme"], "no dot"],
  ])("sends no token for %j", (texts, why) => {
    expect(whyNoToken(parsePatterns(texts).patterns)).toContain(why);
  });

  it("sends one to the host of all patterns", () => {
    const { patterns } = parsePatterns(["github.com/acme", "github.com/other/x"]);
    expect(whyNoToken(patterns)).toBeUndefined();
  });

  it("joins GOPRIVATE, each pattern once", () => {
    const { patterns } = parsePatterns(["github.com/acme", "x.org"]);
    expect(joinPatterns("x.org, y.org", patterns)).toBe("x.org,y.org,github.com/acme");
    expect(joinPatterns("", patterns)).toBe("github.com/acme,x.org");
  });
});
