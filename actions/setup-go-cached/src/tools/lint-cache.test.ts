import { createHash } from "node:crypto";
import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { memoryStore, type MemoryStore } from "@go-cicd/core/testing/store.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { decideTrust } from "../trust.ts";
import { restoreLint, saveLint, type LintRequest } from "./lint-cache.ts";

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Writes an index entry and its output, as golangci-lint does. */
function put(folder: string, action: string, output: string): string[] {
  const [a, d] = [sha(action), sha(output)];
  const files = [`${a.slice(0, 2)}/${a}-a`, `${d.slice(0, 2)}/${d}-d`];
  const texts = [
    `v1 ${a} ${d} ${String(output.length).padStart(20)} ${"1".padStart(20)}\n`,
    output,
  ];
  for (const [index, file] of files.entries()) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), texts[index] ?? "");
  }
  return files;
}

describe("the cache of golangci-lint", () => {
  const folder = (ports: { env: Readonly<Record<string, string | undefined>> }): string =>
    join(ports.env["HOME"] ?? "", ".cache/golangci-lint");

  async function job(
    store: MemoryStore,
    work: (folder: string) => void,
    {
      env = {},
      workspace = "/srv/none",
      ...change
    }: Partial<LintRequest> & { env?: Record<string, string>; workspace?: string } = {},
  ) {
    const ports = fakePorts({ store, env: { XDG_CACHE_HOME: "", ...env } });
    ports.context.workspace = workspace;
    const request: LintRequest = {
      wanted: true,
      trust: decideTrust(ports.context, ports.env),
      goVersion: "1.26.3",
      matrix: "",
      sums: [],
      startMs: Date.now(),
      ...change,
    };
    const plan = await restoreLint(request, ports, ports.signal);
    work(folder(ports));
    return { ports, plan, saved: plan === undefined ? undefined : await saveLint(plan, ports) };
  }

  it("comes back, and is saved when it changed", async () => {
    const store = memoryStore();
    let first: string[] = [];
    const cold = await job(store, (at) => {
      first = put(at, "a", "one");
      put(at, "b", "two");
    });
    expect(cold.saved?.kind).toBe("saved");
    expect(store.files(store.keys()[0] ?? "")).toHaveLength(4);
    const touch = (at: string, files: string[]): void => {
      const now = new Date();
      for (const file of files) utimesSync(join(at, file), now, now);
    };
    // Nothing new, whatever was used: an unchanged package does not touch what its imports need.
    const same = await job(store, (at) => {
      touch(at, first);
    });
    expect(same.saved).toEqual({ kind: "skipped", detail: "nothing is new" });
    const more = await job(store, (at) => put(at, "c", "three"));
    expect(more.saved?.kind).toBe("saved");
    expect(store.files(store.keys()[1] ?? "")).toHaveLength(6);
  });

  it("leaves behind what nothing used when go.sum has changed", async () => {
    const store = memoryStore();
    const workspace = tempFolder();
    const sums = (line: string): void => writeFileSync(join(workspace, "go.sum"), line);
    sums("a.org/x v1.0.0 h1:x=\n");
    let first: string[] = [];
    const fill = (at: string): void => {
      first = put(at, "a", "one");
      put(at, "b", "two");
    };
    await job(store, fill, { workspace });
    sums("a.org/x v1.0.1 h1:y=\n");
    // An index entry alone was renewed: its output stays with it.
    const renew = (at: string): void => {
      const now = new Date();
      utimesSync(join(at, first[0] ?? ""), now, now);
    };
    const { plan, saved } = await job(store, renew, { workspace });
    expect(plan?.restored).toBe(store.keys()[0]);
    expect(saved?.kind).toBe("saved");
    const files = store.files(store.keys()[1] ?? "");
    expect(files).toEqual(first.map((file) => `lint/${file}`).sort());
  });

  it("is not saved when golangci-lint did not run", async () => {
    const store = memoryStore();
    await job(store, (at) => put(at, "a", "one"));
    const { saved } = await job(store, () => undefined);
    expect(saved).toEqual({ kind: "skipped", detail: "golangci-lint did not run" });
    const gone = await job(store, (at) => rmSync(at, { recursive: true }));
    expect(gone.saved?.kind).toBe("skipped");
  });

  it("is for one job, matrix leg and minor version of Go", async () => {
    const store = memoryStore();
    const keys: string[] = [];
    for (const change of [
      {},
      { matrix: '{"os":"x"}' },
      { goVersion: "1.27.0" },
      { env: { GITHUB_JOB: "lint" } },
    ]) {
      const { plan } = await job(store, (at) => put(at, "a", "one"), change);
      expect(plan?.restored).toBe("");
      keys.push(plan?.scope ?? "");
    }
    expect(new Set(keys).size).toBe(4);
    for (const key of keys) expect(key).not.toMatch(/main|refs/);
  });

  it("is not touched unless asked for, and not by a release", async () => {
    const store = memoryStore();
    const none = await job(store, (at) => put(at, "a", "one"), { wanted: false });
    const tag = await job(store, (at) => put(at, "a", "one"), {
      env: { GITHUB_REF: "refs/tags/v1" },
    });
    const off = await job(store, () => undefined, { env: { GOLANGCI_LINT_CACHE: "off" } });
    expect([none.plan, tag.plan, off.plan]).toEqual([undefined, undefined, undefined]);
    expect(store.restores).toEqual([]);
  });
});
