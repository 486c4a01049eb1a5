// The services must satisfy the toolkit's real clients. Each rule has a twin: a server that breaks
// it, on which the same check must come out differently.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, jest, test } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { inheritedEnvironment } from "@go-cicd/local/contract/environment.ts";
import type { Fault, Lie } from "@go-cicd/local/services/faults.ts";
import { cacheScopes, type CacheScope } from "@go-cicd/local/services/scopes.ts";
import {
  startServices,
  type CacheMode,
  type Services,
  type ServicesOptions,
} from "@go-cicd/local/services/server.ts";

// Not a claim about speed: a bound for a machine that is busy with other things.
jest.setTimeout(300_000);

const CLIENT = fileURLToPath(new URL("../support/toolkit-client.mjs", import.meta.url));

const open: Services[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((services) => services.close()));
});

async function start(options: Partial<ServicesOptions> = {}): Promise<Services> {
  const services = await startServices({ folder: tempFolder(), ...options });
  open.push(services);
  return services;
}

const scopesOf = (eventName: string, ref: string): CacheScope[] =>
  cacheScopes({ eventName, ref, defaultBranch: "main", baseRef: "main" });
const MAIN = scopesOf("push", "refs/heads/main");
const BRANCH = scopesOf("push", "refs/heads/topic");
const PULL = scopesOf("pull_request", "refs/pull/7/merge");
const UNTRUSTED = scopesOf("pull_request_target", "refs/heads/main");

type Call = { call: string } & Record<string, unknown>;

interface ClientOptions {
  scopes?: CacheScope[];
  runId?: string;
  cacheService?: 1 | 2;
  cacheMode?: CacheMode;
  workspace?: string;
  env?: Record<string, string>;
}

/** Makes the calls in a process of their own, as a job with that token would. */
async function client(
  services: Services,
  calls: readonly Call[],
  options: ClientOptions = {},
): Promise<unknown[] & { log: string }> {
  const temp = tempFolder();
  const workspace = options.workspace ?? tempFolder();
  mkdirSync(join(workspace, "store"), { recursive: true });
  writeFileSync(join(workspace, "store", "a"), "content of a");
  const file = join(temp, "calls.json");
  writeFileSync(file, JSON.stringify(calls));
  const { scopes = MAIN, runId = "run", cacheService = 2, cacheMode } = options;
  const grant = { runId, jobId: "job", scopes, idToken: { sub: "repo:acme/orders:ref:x" } };
  const child = spawn(process.execPath, [CLIENT, file], {
    env: {
      ...inheritedEnvironment(),
      GITHUB_SERVER_URL: "https://github.com",
      GITHUB_WORKSPACE: workspace,
      RUNNER_TEMP: temp,
      ...services.environment(grant, { cacheService, ...(cacheMode && { cacheMode }) }),
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 240_000,
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (log += chunk.toString("utf8")));
  }
  const code = await new Promise((done) => child.once("close", done));
  if (code !== 0) throw new Error(`the client exited with ${String(code)}:\n${log}`);
  const results = JSON.parse(readFileSync(file, "utf8")) as unknown[];
  return Object.assign(results, { log });
}

const save = (key: string): Call => ({ call: "save", paths: ["store"], key });
const restore = (key: string, ...restoreKeys: string[]): Call => ({
  call: "restore",
  paths: ["store"],
  key,
  restoreKeys,
});
const remove: Call = { call: "remove", path: "store" };
const read: Call = { call: "read", path: "store/a" };

/** A workspace with a file that no compression makes smaller. */
function workspaceOf(megabytes: number): string {
  const workspace = tempFolder();
  mkdirSync(join(workspace, "store"));
  writeFileSync(join(workspace, "store", "big"), randomBytes(megabytes * 1_000_000));
  return workspace;
}

interface Rule {
  rule: string;
  start?: Partial<ServicesOptions>;
  check: (services: Services) => Promise<unknown>;
  expected: unknown;
  /** Servers that break the rule. */
  liars: readonly (Lie | Fault)[];
}

const saved: unknown = expect.any(Number);
const refused = -1;

const RULES: readonly Rule[] = [
  {
    rule: "what was saved is restored",
    check: (services) => client(services, [save("k"), remove, restore("k"), read]).then(plain),
    expected: [saved, null, "k", "content of a"],
    liars: [
      { path: /Finalize/, misbehaviour: answer('{"ok":true,"entry_id":"1"}') },
      { method: "GET", path: /blobs/, misbehaviour: { kind: "truncate", bytes: 40 } },
      { method: "GET", path: /blobs/, misbehaviour: { kind: "alter", at: 30 } },
    ],
  },
  {
    rule: "what was saved is restored by cache service v1, in chunks",
    check: async (services) => {
      const workspace = workspaceOf(70);
      const before = readFileSync(join(workspace, "store", "big"));
      const calls = [save("k"), remove, restore("none", "k"), read];
      const results = await client(services, calls, { workspace, cacheService: 1 });
      const same = readFileSync(join(workspace, "store", "big")).equals(before);
      const chunks = services.requests.filter(({ method }) => method === "PATCH").length;
      return [...results, same, chunks];
    },
    expected: [saved, null, "k", "content of a", true, 3],
    liars: [],
  },
  {
    rule: "cache service v1 keeps what it said it keeps",
    check: (services) =>
      client(services, [save("k"), remove, restore("k")], { cacheService: 1 }).then(plain),
    expected: [saved, null, "k"],
    liars: [{ method: "POST", path: /caches\/\d+$/, misbehaviour: answer("", 204) }],
  },
  {
    rule: "an entry above 128 MiB comes back whole, in blocks and in ranges",
    start: { blobHost: "acct.blob.core.windows.net" },
    check: async (services) => {
      const workspace = workspaceOf(150);
      const before = readFileSync(join(workspace, "store", "big"));
      const env = services.proxyEnvironment();
      const results = await client(services, [save("k"), remove, restore("k"), read], {
        workspace,
        env,
      });
      const parts = new Set(services.requests.map(({ part }) => part));
      let same = false;
      try {
        same = readFileSync(join(workspace, "store", "big")).equals(before);
      } catch {
        // It was not restored.
      }
      return [...results, same, parts.has("block") && parts.has("blocklist")];
    },
    expected: [saved, null, "k", "content of a", true, true],
    liars: ["forget-block", "wrong-order", "ignore-ranges"],
  },
  {
    rule: "a key is written once",
    check: async (services) => {
      const [first] = await client(services, [save("k")]);
      const workspace = tempFolder();
      const [second] = await client(services, [save("k")], { workspace });
      return [first, second];
    },
    expected: [saved, refused],
    liars: ["allow-overwrite"],
  },
  {
    rule: "keys match by prefix, the primary one too, the newest first",
    check: (services) =>
      client(services, [
        save("go-1"),
        save("go-2"),
        restore("none", "go-"),
        restore("go"),
        restore("go-1"),
        restore("other"),
      ]).then(plain),
    expected: [saved, saved, "go-2", "go-2", "go-1", null],
    liars: ["exact-keys", "oldest-first"],
  },
  {
    rule: "a branch sees the default branch's entries, and nobody sees a branch's",
    check: async (services) => {
      const results = [
        ...(await client(services, [save("main-1")], { scopes: MAIN })),
        ...(await client(services, [save("pull-1"), restore("main-")], { scopes: PULL })),
        ...(await client(services, [restore("pull-"), restore("main-")], { scopes: BRANCH })),
        ...(await client(services, [restore("pull-"), save("pull-1")], { scopes: MAIN })),
      ];
      return results;
    },
    expected: [saved, saved, "main-1", null, "main-1", null, saved],
    liars: ["ignore-scopes"],
  },
  {
    rule: "a read-only token reads, and writes nothing",
    check: async (services) => {
      await client(services, [save("main-1")]);
      const calls = [restore("main-1"), save("main-2")];
      const results = await client(services, calls, { scopes: UNTRUSTED });
      const warned = results.log.includes("cache write denied: token has no writable scopes");
      return [...results, warned, (await services.cache.list()).length];
    },
    expected: ["main-1", refused, true, 1],
    liars: ["ignore-read-only"],
  },
  {
    rule: "artifacts come back as they were, block by block, and names are taken once",
    check: async (services) => {
      const workspace = workspaceOf(20);
      const upload = (name: string): Call => ({ call: "upload", name, files: ["store/big"] });
      const calls = [upload("a"), upload("a"), { call: "list" }];
      const [first, second, names] = await client(services, calls, { workspace });
      const other = tempFolder();
      const download = { call: "download", name: "a", path: join(other, "out") };
      const [result] = await client(services, [download], { workspace: other });
      const stored = readFileSync(join(workspace, "store", "big"));
      const same = (() => {
        try {
          return readFileSync(join(other, "out", "store", "big")).equals(stored);
        } catch {
          // Nothing was unpacked.
          return false;
        }
      })();
      return [first, second, names, result, same];
    },
    expected: [
      { size: expect.any(Number), digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { error: expect.stringContaining("already exists on the workflow run") },
      ["a"],
      { digestMismatch: false },
      true,
    ],
    liars: ["forget-artifacts", "wrong-digest"],
  },
  {
    rule: "identity tokens are made for the audience asked for",
    check: async (services) => {
      const [claims] = await client(services, [{ call: "identity", audience: "registry" }]);
      return claims;
    },
    expected: expect.objectContaining({ aud: "registry", sub: "repo:acme/orders:ref:x" }),
    liars: ["wrong-audience"],
  },
];

function plain(results: unknown[]): unknown[] {
  return [...results];
}

function answer(body: string, status = 200): Fault["misbehaviour"] {
  return { kind: "status", status, body };
}

describe("the real clients find that", () => {
  test.each(RULES)("$rule", async ({ start: options, check, expected }) => {
    expect(await check(await start(options))).toEqual(expected);
  });
});

describe("a server that lies is found out by", () => {
  const twins = RULES.flatMap(({ liars, ...rule }) =>
    liars.map((liar) => ({ ...rule, liar, name: JSON.stringify(nameOf(liar)) })),
  );

  test.each(twins)("$rule: $name", async ({ start: options, check, expected, liar }) => {
    const services = await start(options);
    if (typeof liar === "string") services.lies.add(liar);
    else services.fault(liar);
    const outcome = await check(services).catch((error: unknown) => ({ error }));
    expect(outcome).not.toEqual(expected);
  });
});

function nameOf(liar: Lie | Fault): unknown {
  return typeof liar === "string" ? liar : liar.misbehaviour;
}

describe("faults that the clients must live with", () => {
  it.each<[string, Fault | undefined, ClientOptions, RegExp]>([
    [
      "too many requests",
      {
        path: /CreateCacheEntry/,
        misbehaviour: { ...status(429), headers: { "retry-after": "7" } },
      },
      {},
      /rate limit/,
    ],
    ["a refused upload", { method: "PUT", misbehaviour: status(403) }, {}, /Failed to save/],
    ["a cache that may not be written", undefined, { cacheMode: "read" }, /skipped|not allowed/i],
  ])("%s: nothing is saved, and the job goes on", async (_, fault, options, said) => {
    const services = await start();
    if (fault !== undefined) services.fault(fault);
    const results = await client(services, [save("k")], options);
    expect(plain(results)).toEqual([refused]);
    expect(results.log).toMatch(said);
    expect(await services.cache.list()).toEqual([]);
  });

  it.each<[string, Fault]>([
    ["an invalid token", { path: /GetCacheEntry/, misbehaviour: status(401) }],
    ["bytes that vanished", { method: "GET", path: /blobs/, misbehaviour: status(404) }],
    ["altered bytes", { method: "GET", path: /blobs/, misbehaviour: { kind: "alter", at: 0 } }],
  ])("%s: a miss", async (_, fault) => {
    const services = await start();
    await client(services, [save("k")]);
    services.fault(fault);
    expect(plain(await client(services, [restore("k")]))).toEqual([null]);
  });
});

function status(code: number): { kind: "status"; status: number; body: string } {
  return { kind: "status", status: code, body: '{"code":"fault","msg":"a fault"}' };
}
