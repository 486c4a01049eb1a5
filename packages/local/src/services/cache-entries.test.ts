import { spawn } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, it } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { BlobStore } from "./blobs.ts";
import { CacheEntries, type EntryName } from "./cache-entries.ts";
import type { Lie } from "./faults.ts";

const MAIN = "refs/heads/main";
const named = (key: string, scope = MAIN): EntryName => ({
  repository: "1",
  scope,
  key,
  version: "v",
});

function open(folder: string, maxBytes = 1e6, lies: Lie[] = []): CacheEntries & { put: Put } {
  const set = new Set(lies);
  const blobs = new BlobStore(folder, set);
  const cache = new CacheEntries({ folder, blobs, lies: set, maxBytes });
  const put: Put = async (key, content = key, scope = MAIN) => {
    const reserved = await cache.reserve(named(key, scope));
    if (reserved.kind !== "reserved") return reserved.kind;
    await blobs.put(reserved.reservation.blob, Readable.from([Buffer.from(content)]));
    return (await cache.finalize(named(key, scope), content.length)).kind;
  };
  return Object.assign(cache, { put });
}
type Put = (key: string, content?: string, scope?: string) => Promise<string>;

const readable = [{ scope: MAIN, read: true, write: true }];
const find = async (cache: CacheEntries, ...keys: string[]): Promise<string | undefined> =>
  (await cache.find("1", readable, keys, "v"))?.key;

describe("an entry", () => {
  it("is written once per key, version and scope", async () => {
    const cache = open(tempFolder());
    expect(await cache.put("a")).toBe("finalized");
    expect(await cache.put("a")).toBe("exists");
    expect(await cache.put("a", "x", "refs/heads/other")).toBe("finalized");
  });

  it("cannot be reserved twice at once, by two servers on one folder", async () => {
    const folder = tempFolder();
    const [one, two] = [open(folder), open(folder)];
    const kinds = await Promise.all(
      [one, two, one, two].map(async (cache) => (await cache.reserve(named("a"))).kind),
    );
    expect(kinds.sort()).toEqual(["exists", "exists", "exists", "reserved"]);
  });

  it("can be reserved again when its server was closed or has died", async () => {
    const folder = tempFolder();
    const closed = open(folder);
    await closed.reserve(named("a"));
    await closed.close();
    expect(await open(folder).put("a")).toBe("finalized");

    const dead = open(folder);
    await dead.reserve(named("b"));
    const [name = ""] = readdirSync(join(folder, "cache", "reservations"));
    const ended = spawn(process.execPath, ["-e", ""]);
    await new Promise((done) => ended.once("exit", done));
    writeFileSync(
      join(folder, "cache", "reservations", name),
      JSON.stringify({ pid: ended.pid, at: Date.now(), id: 1 }),
    );
    expect(await open(folder).put("b")).toBe("finalized");
  });

  it("is not made of an upload of another size, or of none", async () => {
    const cache = open(tempFolder());
    expect((await cache.finalize(named("a"), 1)).kind).toBe("refused");
    await cache.reserve(named("a"));
    expect((await cache.finalize(named("a"), 1)).kind).toBe("refused");
  });

  it("outlives its server, and is seen by others at once", async () => {
    const folder = tempFolder();
    const [one, two] = [open(folder), open(folder)];
    expect(await find(two, "a")).toBeUndefined();
    await one.put("a");
    expect(await find(two, "a")).toBe("a");
    expect(await find(open(folder), "a")).toBe("a");
  });
});

describe("a search", () => {
  it("takes the exact key first, then the newest that begins with it, key by key", async () => {
    const cache = open(tempFolder());
    for (const key of ["go-1", "go-1-old", "go-2", "go-1-new"]) await cache.put(key);
    expect(await find(cache, "go-1")).toBe("go-1");
    expect(await find(cache, "go-1-")).toBe("go-1-new");
    expect(await find(cache, "none", "go-2", "go-")).toBe("go-2");
    expect(await find(cache, "none", "go-")).toBe("go-1-new");
    expect(await find(cache, "GO-1")).toBeUndefined();
  });

  it("goes by version, and scope by scope in the order of the token", async () => {
    const cache = open(tempFolder());
    await cache.put("k-main");
    await cache.put("k-pr", "x", "refs/pull/7/merge");
    const scopes = [{ scope: "refs/pull/7/merge", read: true, write: true }, ...readable];
    expect((await cache.find("1", scopes, ["k-"], "v"))?.key).toBe("k-pr");
    expect((await cache.find("1", scopes, ["k-main", "k-"], "v"))?.key).toBe("k-pr");
    expect((await cache.find("1", readable, ["k-"], "v"))?.key).toBe("k-main");
    expect(await cache.find("1", scopes, ["k-"], "other version")).toBeUndefined();
    const writeOnly = [{ scope: MAIN, read: false, write: true }];
    expect(await cache.find("1", writeOnly, ["k-"], "v")).toBeUndefined();
  });
});

describe("repositories", () => {
  it("share a folder and see nothing of each other", async () => {
    const cache = open(tempFolder());
    await cache.put("k");
    expect(await cache.find("2", readable, ["k"], "v")).toBeUndefined();
    expect((await cache.reserve({ ...named("k"), repository: "2" })).kind).toBe("reserved");
  });
});

describe("the bound", () => {
  it("is kept by removing what was used least recently, bytes and all", async () => {
    const folder = tempFolder();
    const cache = open(folder, 250);
    await cache.put("a", "x".repeat(100));
    await cache.put("b", "x".repeat(100));
    await find(cache, "a");
    await cache.put("c", "x".repeat(100));
    expect(await find(cache, "b")).toBeUndefined();
    expect([await find(cache, "a"), await find(cache, "c")]).toEqual(["a", "c"]);
    const blobs = readdirSync(join(folder, "blobs")).flatMap((name) =>
      readdirSync(join(folder, "blobs", name)),
    );
    expect(blobs).toHaveLength(2);
  });

  it("refuses an entry that is larger by itself, and keeps the others", async () => {
    const cache = open(tempFolder(), 50);
    await cache.put("a");
    expect(await cache.put("b", "x".repeat(100))).toBe("refused");
    expect(await find(cache, "a")).toBe("a");
  });
});

describe("blobs", () => {
  it("are joined in the order of the list, and closed to writers with their entry", async () => {
    const folder = tempFolder();
    const blobs = new BlobStore(folder, new Set());
    const blob = await blobs.open();
    const piece = (text: string): Readable => Readable.from([Buffer.from(text)]);
    for (const name of ["2", "0", "1"]) await blobs.putBlock(blob, name, piece(name));
    expect(await blobs.commit(blob, ["0", "1", "2", "3"])).toEqual({
      kind: "unknown-block",
      block: "3",
    });
    expect(await blobs.commit(blob, ["0", "1", "2"])).toEqual({ kind: "written", bytes: 3 });
    await blobs.close(blob);
    expect(await blobs.put(blob, piece("x"))).toEqual({ kind: "closed" });
    expect(existsSync(join(folder, "uploads", blob))).toBe(false);
  });

  it("leave nothing of an upload that broke off", async () => {
    const folder = tempFolder();
    const blobs = new BlobStore(folder, new Set());
    const blob = await blobs.open();
    const broken = Readable.from(
      (function* () {
        yield Buffer.from("half");
        throw new Error("gone");
      })(),
    );
    await expect(blobs.put(blob, broken)).rejects.toThrow("gone");
    expect(await blobs.size(blob)).toBeUndefined();
    expect(readdirSync(join(folder, "uploads", blob))).toEqual([]);
  });

  it("that nothing names are swept after a while", async () => {
    const folder = tempFolder();
    const blobs = new BlobStore(folder, new Set());
    const [named, stray] = [await blobs.open(), await blobs.open()];
    for (const blob of [named, stray]) await blobs.put(blob, Readable.from([Buffer.from("x")]));
    await blobs.sweep(new Set([named]), 3_600_000);
    expect(await blobs.size(stray)).toBe(1);
    await blobs.sweep(new Set([named]), -1000);
    expect([await blobs.size(named), await blobs.size(stray)]).toEqual([1, undefined]);
  });
});
