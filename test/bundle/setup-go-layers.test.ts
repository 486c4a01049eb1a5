// The layers of the build cache and of the modules: bases, deltas, and what a job may ask of them.
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import type { CacheScope } from "@go-cicd/local/services/scopes.ts";
import { startServices, type Services } from "@go-cicd/local/services/server.ts";
import { cacheApi } from "../support/cache-api.ts";
import {
  contents,
  filesBelow,
  go,
  jobOn,
  machine,
  MAIN,
  text,
  type Options,
} from "../support/go-job.ts";

jest.setTimeout(240_000);

const TOKEN = "ghs_may_write_actions";

let services: Services;
beforeEach(async () => {
  services = await startServices({
    folder: tempFolder(),
    routes: cacheApi(() => services, TOKEN),
  });
});
afterEach(() => services.close());

const job = (options: Options) => jobOn(services, machine(), options);

/** A job of a branch: it reads what the default branch has, and writes its own. */
const BRANCH: CacheScope[] = [{ scope: "refs/heads/topic", read: true, write: true }, MAIN];
const onBranch = (options: Options): Options => ({
  ...options,
  scopes: BRANCH,
  github: { ref: "refs/heads/topic", event: { repository: { default_branch: "main" } } },
});

const keys = async (prefix = "go-cicd-build"): Promise<string[]> =>
  (await services.cache.list())
    .sort((a, b) => a.createdAt - b.createdAt || a.id - b.id)
    .map(({ key }) => key)
    .filter((key) => key.startsWith(prefix));

(go === undefined ? describe.skip : describe)("the layers of the build cache", () => {
  it("are a base of the default branch, and deltas that hold what is new alone", async () => {
    await job({ seed: "one" });
    const { post: saving } = await job({ seed: "one", extra: 20 });
    const [base = "", delta = "", ...more] = await keys();
    expect(base).toMatch(/-base-[0-9a-f]{12}$/);
    expect(delta).toMatch(/-delta-[0-9a-f]{12}-on-base-[0-9a-f]{12}$/);
    expect(more).toEqual([]);
    // 20 outputs, the list of what made all 220, and how long a cold job takes.
    expect(text(saving)).toMatch(/build cache: saved .* in 22 files/);

    // Both come back as one, on a machine that had neither.
    const { on, main, post } = await job({});
    expect(main.outputs).toMatchObject({ "build-hit": "true", "cache-matched-key": delta });
    expect(filesBelow(on.gocache).filter((path) => path.endsWith("-d"))).toHaveLength(220);
    expect(filesBelow(on.gocache).filter((path) => path.endsWith("-a"))).toHaveLength(220);
    expect(text(post)).toContain("build cache: not saved: nothing was built");
  });

  it("begin anew when most of the base is not used any more", async () => {
    await job({ seed: "one" });
    await job({ seed: "two" });
    const [, second = ""] = await keys();
    expect(second).toMatch(/-single-base-[0-9a-f]{12}$/);
  });

  it("serve a branch, which adds deltas of its own to the base of the default branch", async () => {
    await job({ seed: "one" });
    const { main } = await job(onBranch({ seed: "one", extra: 20 }));
    expect(main.outputs["build-hit"]).toBe("true");
    const [base = "", delta = ""] = await keys();
    expect(delta.endsWith(`-on-${base.slice(base.indexOf("base-"))}`)).toBe(true);
    const next = await job(onBranch({}));
    expect(next.main.outputs["cache-matched-key"]).toBe(delta);
    // The default branch does not see them.
    const other = await job({});
    expect(other.main.outputs["cache-matched-key"]).toBe(base);
  });

  it("on a branch without any base are a delta on nothing, which holds everything", async () => {
    await job(onBranch({ seed: "one" }));
    const [only = ""] = await keys();
    expect(only).toMatch(/-delta-[0-9a-f]{12}-on-nothing$/);
    const { on, main } = await job(onBranch({}));
    expect(main.outputs["build-hit"]).toBe("true");
    expect(filesBelow(on.gocache).filter((path) => path.endsWith("-d"))).toHaveLength(200);
  });

  it("are right also where the base is gone: what is left is used, and a new base is saved", async () => {
    await job({ seed: "one" });
    await job({ seed: "one", extra: 20 });
    const [base] = await keys();
    for (const entry of await services.cache.list()) {
      if (entry.key === base) await services.cache.remove(entry);
    }
    const { on, main, post } = await job({ seed: "one", extra: 20 });
    expect(main.outputs["build-hit"]).toBe("false");
    expect(Object.keys(contents(on.gocache)).length).toBeGreaterThan(400);
    expect(text(post)).toMatch(/build cache: saved .*-base-/);
    const after = await job({});
    expect(after.main.outputs["build-hit"]).toBe("true");
  });

  it.each([
    ["the delta", 0, 200],
    ["the base", 1, 20],
  ])("are refused one by one: %s is damaged", async (_, which, left) => {
    await job({ seed: "one" });
    await job({ seed: "one", extra: 20 });
    // Of the blobs of the build cache, in the order in which they are asked for.
    const [base = "", delta = ""] = await keys();
    const entry = (await services.cache.list()).find(({ key }) => key === [delta, base][which]);
    services.fault({
      method: "GET",
      path: new RegExp(entry?.blob ?? "none"),
      misbehaviour: { kind: "alter", at: 3_000 },
    });
    const { on, main } = await job({});
    expect(main.conclusion).toBe("success");
    expect(main.outputs["build-hit"]).toBe("false");
    expect(main.annotations.map(({ title }) => title)).toEqual(["Damaged cache entry"]);
    const outputs = filesBelow(on.gocache).filter((path) => path.endsWith("-d"));
    expect(outputs).toHaveLength(left);
    // Nothing names an output that is not there.
    expect(filesBelow(on.gocache).filter((path) => path.endsWith("-a"))).toHaveLength(left);
  });
});

(go === undefined ? describe.skip : describe)("what a job may ask of its caches", () => {
  it("lookup-only: what is there is said, and nothing is restored or saved", async () => {
    await job({ seed: "one" });
    const before = await keys("");
    const { on, main, post } = await job({ seed: "two", inputs: { "lookup-only": "true" } });
    expect(main.outputs).toMatchObject({
      "cache-hit": "true",
      "modules-hit": "true",
      "build-hit": "true",
      "restored-bytes": "0",
      "cache-matched-key": (await keys())[0],
    });
    expect(filesBelow(on.gocache).filter((path) => path.endsWith("-d"))).toHaveLength(200);
    expect(text(post)).toContain("Nothing is saved by this job.");
    expect(await keys("")).toEqual(before);
  });

  it.each([{ "restore-only": "true" }, { "save-if": "false" }])(
    "%j: what is there is restored, and nothing is saved",
    async (inputs) => {
      await job({ seed: "one" });
      const before = await keys("");
      const { main, post } = await job({ seed: "one", extra: 50, inputs });
      expect(main.outputs["cache-hit"]).toBe("true");
      expect(text(post)).toContain("Nothing is saved by this job.");
      expect(await keys("")).toEqual(before);
    },
  );

  it("cache-budget: the largest outputs stay out", async () => {
    const { post } = await job({ seed: "one", inputs: { "cache-budget": "400kB" } });
    expect(text(post)).toMatch(/10[1-9] outputs \(\d+ bytes\) are left out, the largest ones/);
    const { on } = await job({});
    const outputs = filesBelow(on.gocache).filter((path) => path.endsWith("-d"));
    expect(outputs.length).toBeGreaterThan(90);
    expect(outputs.length).toBeLessThan(100);
    expect(filesBelow(on.gocache).filter((path) => path.endsWith("-a"))).toHaveLength(
      outputs.length,
    );
  });

  it("says how long a job takes that finds nothing, beside this one", async () => {
    const first = await job({ seed: "one" });
    expect(text(first.post)).not.toContain("in the last job that found no build cache");
    const second = await job({ seed: "one" });
    const words =
      /(Saved about \d+ s|Nothing saved this time): \d+ s .* \d+ s in the last job that found no build cache/;
    expect(text(second.post)).toMatch(words);
    expect(second.post.summary).toMatch(words);
  });

  it("cache-token: entries that nobody needs any more are deleted, and only with it", async () => {
    const github = {
      api_url: `${services.origin}/api`,
      event: { repository: { default_branch: "main" } },
    };
    const inputs = { "cache-token": TOKEN };
    await job({ seed: "one", github });
    await job({ seed: "one", extra: 20, github });
    await job({ seed: "one", extra: 40, github });
    expect(await keys()).toHaveLength(3);
    const [base = "", , before = ""] = await keys();
    await job({ seed: "one", extra: 58, github, inputs });
    const [left, second, third = "", ...more] = await keys();
    expect([left, second, more]).toEqual([base, before, []]);
    expect(third).toContain("-delta-");

    const refused = await job({
      seed: "one",
      extra: 90,
      github,
      inputs: { "cache-token": "ghs_other" },
    });
    expect(refused.post.conclusion).toBe("success");
    expect(text(refused.post)).toMatch(/not deleted: .*403.*actions: write/);
    expect(text(refused.post)).not.toContain("ghs_other");
  });

  it("says what is wrong with a size", async () => {
    const { main } = await job({ inputs: { "cache-budget": "lots" } });
    expect(main.conclusion).toBe("failure");
    expect(main.annotations[0]?.message).toMatch(/cache-budget must be a size such as 800MB/);
  });
});
