import { describe, expect, it } from "@jest/globals";
import { buildKeys, moduleKeys } from "./keys.ts";
import { baseBelow, baseKey, deltaKey, inScope, isBase, isBaseFor, wantsBase } from "./layers.ts";

const build = (job: string) =>
  buildKeys({
    context: { os: "Linux", arch: "X64", workflow: "ci", job, workspace: "/w" },
    env: {},
    goVersion: "1.26.3",
    gomodcache: "/m",
    matrix: "",
    setting: () => "",
  });
const modules = (...sums: string[]) => moduleKeys({ os: "Linux" }, sums);

describe("names of layered entries", () => {
  it("lead from a delta to its base: of the same job, and of any sums", () => {
    const test = build("test");
    const base = baseKey(test, ["a"]);
    const delta = deltaKey(test, ["b"], base);
    expect(baseBelow(delta)).toBe(base);
    expect([isBase(base), isBase(delta)]).toEqual([true, false]);
    expect([inScope(base, test), inScope(delta, test)]).toEqual([true, true]);

    const below = baseKey(modules("old"), ["m"]);
    const above = deltaKey(modules("new"), ["m", "n"], below);
    expect(baseBelow(above)).toBe(below);
    expect(inScope(above, modules("new"))).toBe(true);
    expect(inScope(above, modules("old"))).toBe(false);
    expect(isBaseFor(below, modules("new"))).toBe(true);
  });

  it("are keys that the service takes", () => {
    const long = build("j".repeat(300));
    const keys = [
      deltaKey(long, ["b"], baseKey(long, ["a"])),
      deltaKey(modules("a"), ["b"], baseKey(modules("c"), ["a"])),
    ];
    for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9._-]{1,512}$/);
  });

  it("name no base for a base, for a delta on nothing, and for what is not of the grammar", () => {
    const test = build("test");
    expect(baseBelow(baseKey(test, ["a"]))).toBeUndefined();
    expect(baseBelow(deltaKey(test, ["a"], undefined))).toBeUndefined();
    expect(baseBelow(`${test.scope}-delta-0123456789ab-on-../../x`)).toBeUndefined();
    expect(baseBelow(`${test.scope}-delta-0123456789ab-on-base-short`)).toBeUndefined();
    expect(baseBelow("anything")).toBeUndefined();
  });

  it("keep jobs apart: another one's base is none for ours, even if its name begins alike", () => {
    const [test, tests] = [build("test"), build("tests")];
    const base = baseKey(tests, ["a"]);
    expect(isBaseFor(base, test)).toBe(false);
    expect(inScope(base, test)).toBe(false);
    expect(inScope(`${test.scope}x-base-0123456789ab`, test)).toBe(false);
    expect(baseBelow(deltaKey(tests, ["b"], base))).toBe(base);
  });
});

describe("a new base", () => {
  const base = { bytes: 1_000, liveBytes: 900 };
  it.each([
    ["there is none", { base: undefined, deltaBytes: 0 }, true],
    ["little is new", { base, deltaBytes: 300 }, false],
    ["much is new", { base, deltaBytes: 301 }, true],
    ["half of it is waste", { base: { ...base, liveBytes: 499 }, deltaBytes: 0 }, true],
  ])("is begun or not where %s", (_, sizes, wanted) => {
    expect(wantsBase(sizes)).toBe(wanted);
  });
});
