// The store's two sides against each other: entries written by the real toolkit (with the real tar
// and zstd), read by our own reader, over the loopback cache services.
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { actionsStore } from "@go-cicd/core/adapters/actions-store.ts";
import { systemClock } from "@go-cicd/core/adapters/clock.ts";
import { httpClient } from "@go-cicd/core/adapters/http.ts";
import { realProcesses } from "@go-cicd/core/adapters/processes.ts";
import { recordingLog } from "@go-cicd/core/testing/log.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import type { Store } from "@go-cicd/core/store.ts";
import { startServices, type Services } from "@go-cicd/local/services/server.ts";
import type { CacheScope } from "@go-cicd/local/services/scopes.ts";

const MAIN: CacheScope = { scope: "refs/heads/main", read: true, write: true };

jest.setTimeout(60_000);

let services: Services;
const saved = { ...process.env };

beforeEach(async () => {
  services = await startServices({ folder: tempFolder() });
});
afterEach(async () => {
  for (const name of Object.keys(process.env)) {
    if (!(name in saved)) Reflect.deleteProperty(process.env, name);
  }
  Object.assign(process.env, saved);
  await services.close();
});

/** A store in a job; the toolkit reads the same environment from the process. */
function jobStore(
  options: {
    version?: 1 | 2;
    mode?: "read" | "write" | "write-only" | "none";
    scopes?: CacheScope[];
    env?: Record<string, string | undefined>;
  } = {},
): Store {
  const { version = 2, mode, scopes = [MAIN], env: extra = {} } = options;
  for (const name of Object.keys(process.env)) {
    if (name.startsWith("ACTIONS_")) Reflect.deleteProperty(process.env, name);
  }
  const env = {
    ...services.environment(
      { runId: "run", jobId: "job", scopes },
      { cacheService: version, ...(mode !== undefined && { cacheMode: mode }) },
    ),
    RUNNER_TEMP: tempFolder(),
    GITHUB_WORKSPACE: tempFolder(),
    ...extra,
  };
  for (const [name, value] of Object.entries<string | undefined>(env)) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
  return actionsStore({
    env: process.env,
    http: httpClient({ ...systemClock(), sleep: () => Promise.resolve() }),
    processes: realProcesses(),
    log: recordingLog(),
  });
}

/** A folder with a few hundred files of all sizes; the same content for the same seed. */
function tree(): { root: string; files: string[] } {
  const root = tempFolder();
  const files: string[] = [];
  for (let index = 0; index < 300; index += 1) {
    const path = `d${index % 17}/e${index % 5}/f${index}`;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    const size = index === 7 ? 3_000_000 : index * 11;
    writeFileSync(join(root, path), randomBytes(size), { mode: index % 2 === 0 ? 0o644 : 0o755 });
    files.push(path);
  }
  return { root, files };
}

function snapshot(root: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [
        path.slice(root.length + 1),
        `${statSync(path).mode & 0o777} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`,
      ]),
  );
}

const save = (store: Store, key: string, { root, files }: ReturnType<typeof tree>) =>
  store.save({ name: "build", key, roots: { cache: root }, files: { cache: files } });

const restore = (store: Store, key: string, root: string, restoreKeys: string[] = []) =>
  store.restore({ name: "build", key, restoreKeys, roots: { cache: root } });

describe.each([1, 2] as const)("the store over cache service v%i", (version) => {
  it("brings back what the toolkit saved, byte for byte, by key and by prefix", async () => {
    const source = tree();
    const store = jobStore({ version });
    await expect(save(store, "k-1", source)).resolves.toMatchObject({ kind: "saved", files: 300 });
    const exact = tempFolder();
    await expect(restore(store, "k-1", exact)).resolves.toMatchObject({
      kind: "hit",
      key: "k-1",
      files: 300,
      skipped: 0,
    });
    expect(snapshot(exact)).toEqual(snapshot(source.root));
    await expect(restore(store, "k-1", exact)).resolves.toMatchObject({
      kind: "hit",
      files: 0,
      skipped: 300,
    });
    const other = tempFolder();
    await expect(restore(store, "k-2", other, ["k-"])).resolves.toMatchObject({
      kind: "prefix",
      key: "k-1",
    });
    expect(snapshot(other)).toEqual(snapshot(source.root));
  });

  it("writes entries that the toolkit itself can restore", async () => {
    const source = tree();
    await save(jobStore({ version }), "k-1", source);
    const workspace = tempFolder();
    const home = process.cwd();
    process.chdir(workspace);
    process.env["GITHUB_WORKSPACE"] = workspace;
    try {
      const { restoreCache } = await import("@actions/cache");
      await expect(restoreCache(["go-cicd/build.pack"], "k-1")).resolves.toBe("k-1");
    } finally {
      process.chdir(home);
    }
    expect(readFileSync(join(workspace, "go-cicd/build.pack")).toString("latin1", 0, 14)).toBe(
      "go-cicd pack 1",
    );
  });

  it("finds nothing under another kind's name, and says so", async () => {
    const store = jobStore({ version });
    await save(store, "k-1", tree());
    await expect(
      store.restore({ name: "modules", key: "k-1", restoreKeys: [], roots: { cache: "/x" } }),
    ).resolves.toMatchObject({ kind: "miss", reason: "not-found" });
  });

  it("saves a key once", async () => {
    const store = jobStore({ version });
    await save(store, "k-1", tree());
    await expect(save(store, "k-1", tree())).resolves.toEqual({ kind: "exists", key: "k-1" });
  });

  it("keeps to the token and to the cache mode", async () => {
    const source = tree();
    const reader = { ...MAIN, write: false };
    await expect(save(jobStore({ version, scopes: [reader] }), "k", source)).resolves.toMatchObject(
      { kind: "refused", reason: "read-only" },
    );
    await expect(save(jobStore({ version, mode: "read" }), "k", source)).resolves.toMatchObject({
      kind: "refused",
      reason: "read-only",
    });
    await expect(save(jobStore({ version, mode: "none" }), "k", source)).resolves.toMatchObject({
      kind: "refused",
      reason: "disabled",
    });
    await expect(restore(jobStore({ version, mode: "none" }), "k", "/x")).resolves.toMatchObject({
      kind: "miss",
      reason: "disabled",
    });
    expect(services.requests.filter(({ method }) => method === "PUT")).toEqual([]);
    await save(jobStore({ version, mode: "write-only" }), "k", source);
    await expect(
      restore(jobStore({ version, mode: "write-only" }), "k", "/x"),
    ).resolves.toMatchObject({ kind: "miss", reason: "disabled" });
    await expect(restore(jobStore({ version }), "k", tempFolder())).resolves.toMatchObject({
      kind: "hit",
    });
  });
});

describe("the store", () => {
  it("uses gzip where there is no zstd, as the toolkit does", async () => {
    const tools = tempFolder();
    for (const name of ["tar", "gzip"]) {
      const found = execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
      symlinkSync(found, join(tools, name));
    }
    const source = tree();
    const store = jobStore({ env: { PATH: tools } });
    await expect(save(store, "k", source)).resolves.toMatchObject({ kind: "saved" });
    const root = tempFolder();
    await expect(restore(store, "k", root)).resolves.toMatchObject({ kind: "hit", files: 300 });
    expect(snapshot(root)).toEqual(snapshot(source.root));
    // zstd users make entries of another version.
    const other = jobStore({ env: { PATH: saved["PATH"] } });
    expect(saved["PATH"]?.split(delimiter).length).toBeGreaterThan(1);
    await expect(restore(other, "k", tempFolder())).resolves.toMatchObject({ kind: "miss" });
  });

  it("leaves the process and the workspace as they were", async () => {
    const store = jobStore();
    const workspace = process.env["GITHUB_WORKSPACE"] ?? "";
    const [cwd, temp] = [process.cwd(), process.env["RUNNER_TEMP"] ?? ""];
    await Promise.all([save(store, "a", tree()), save(store, "b", tree())]);
    expect(process.cwd()).toBe(cwd);
    expect(process.env["GITHUB_WORKSPACE"]).toBe(workspace);
    expect(readdirSync(workspace)).toEqual([]);
    expect(readdirSync(temp)).toEqual([]);
  });

  it("says that there is no service, or none that answers in a known way", async () => {
    const none = jobStore({ env: { ACTIONS_RESULTS_URL: undefined } });
    await expect(restore(none, "k", "/x")).resolves.toMatchObject({
      kind: "miss",
      reason: "unavailable",
    });
    await expect(save(none, "k", tree())).resolves.toMatchObject({ kind: "failed" });
    for (const body of ["<html>", "[]", '{"ok":true}', '{"ok":true,"matched_key":1}']) {
      const end = services.fault({
        path: /GetCacheEntryDownloadURL$/,
        misbehaviour: { kind: "status", status: 200, body },
      });
      const result = await restore(jobStore(), "k", "/x");
      expect(result.kind).toBe("miss");
      end();
    }
  });

  it.each([
    [429, { "retry-after": "1" }, "rate-limited"],
    [403, {}, "read-only"],
  ] as const)("tells why it could not save: %i", async (status, headers, reason) => {
    services.fault({
      path: /CreateCacheEntry$/,
      misbehaviour: { kind: "status", status, headers, body: '{"code":"x","msg":"no"}' },
    });
    await expect(save(jobStore(), "k", tree())).resolves.toMatchObject({ kind: "refused", reason });
  });

  it("reports a key that somebody saved while this job packed", async () => {
    services.fault({
      path: /CreateCacheEntry$/,
      misbehaviour: {
        kind: "status",
        status: 409,
        body: '{"code":"already_exists","msg":"cache entry with the same key exists"}',
      },
    });
    await expect(save(jobStore(), "k", tree())).resolves.toEqual({ kind: "exists", key: "k" });
  });

  it("refuses an entry with any byte altered or cut off, and leaves nothing of it", async () => {
    const store = jobStore();
    const source = tree();
    await save(store, "k", source);
    const whole = snapshot(source.root);
    const size = Math.max(...services.requests.map(({ received }) => received));
    const offsets = Array.from({ length: 25 }, (_, index) => Math.floor((index * (size - 1)) / 24));
    for (const at of offsets) {
      for (const misbehaviour of [
        { kind: "alter", at } as const,
        { kind: "truncate", bytes: at } as const,
        { kind: "reset", afterBytes: at, side: "response" } as const,
      ]) {
        const end = services.fault({ method: "GET", misbehaviour });
        const root = tempFolder();
        const result = await restore(store, "k", root);
        end();
        // What decides nothing may be missing (the last zeros of the archive); files may not.
        if (result.kind === "hit") expect(snapshot(root)).toEqual(whole);
        else expect(readdirSync(root)).toEqual([]);
        const inside = at > 20 && (misbehaviour.kind === "alter" || at < size - 100);
        if (inside && misbehaviour.kind !== "reset") {
          expect(result).toMatchObject({ kind: "corrupt" });
        }
      }
    }
  });

  it("takes no error page for an archive", async () => {
    const store = jobStore();
    await save(store, "k", tree());
    services.fault({
      method: "GET",
      misbehaviour: { kind: "status", status: 404, body: "gone" },
    });
    await expect(restore(store, "k", tempFolder())).resolves.toMatchObject({
      kind: "miss",
      reason: "unavailable",
    });
  });

  it("stops when it is cancelled", async () => {
    const store = jobStore();
    const abort = new AbortController();
    services.fault({ path: /GetCacheEntryDownloadURL$/, misbehaviour: { kind: "hang" } });
    const root = tempFolder();
    const restoring = store.restore({
      name: "build",
      key: "k",
      restoreKeys: [],
      roots: { cache: root },
      signal: abort.signal,
    });
    setTimeout(() => abort.abort(new Error("cancelled")), 50);
    await expect(restoring).rejects.toThrow("cancelled");
    expect(readdirSync(root)).toEqual([]);
  });
});
