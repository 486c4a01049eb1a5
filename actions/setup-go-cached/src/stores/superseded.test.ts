import { describe, expect, it } from "@jest/globals";
import { scriptedHttp } from "@go-cicd/core/testing/http.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { baseKey, deltaKey } from "./layers.ts";
import { moduleKeys, type Keys } from "./keys.ts";
import { deleteSuperseded, superseded } from "./superseded.ts";

const BUILD: Keys = { scope: "build-test", family: "build-test", fallbacks: [], ingredients: [] };
const base = (name: string) => baseKey(BUILD, [name]);
const delta = (name: string, on?: string) => deltaKey(BUILD, [name], on);
const listed = (...keys: string[]) => keys.map((key, id) => ({ id, key }));

describe("entries that nobody needs any more", () => {
  it("are those of the same scope that are neither the new one, nor the one before, nor below them", () => {
    const [old, current] = [base("old"), base("new")];
    const [first, second, third] = [delta("1", old), delta("2", current), delta("3", current)];
    const other = `${BUILD.scope}er-base-0123456789ab`;
    const all = listed(old, current, first, second, third, other, "somebody-else");
    const gone = superseded(all, BUILD, third, second).map(({ key }) => key);
    expect(gone).toEqual([old, first]);
    expect(superseded(all, BUILD, third, first).map(({ key }) => key)).toEqual([second]);
  });

  it("never are bases of modules: deltas of other sums may stand on them", () => {
    const keys = moduleKeys({ os: "Linux" }, ["a"]);
    const [below, saved] = [baseKey(keys, ["x"]), deltaKey(keys, ["z"], undefined)];
    const before = deltaKey(keys, ["y"], below);
    expect(superseded(listed(below, before, saved), keys, saved, "").map(({ key }) => key)).toEqual(
      [before],
    );
  });

  it("are not deleted where the API refuses, and that is said with its remedy", async () => {
    const ports = fakePorts({ http: scriptedHttp({ "GET https:*": { status: 403 } }) });
    await deleteSuperseded(BUILD, delta("1"), "", "token", ports);
    expect(ports.log.messages().join("\n")).toMatch(/not deleted: .*403.*actions: write/);
  });
});
