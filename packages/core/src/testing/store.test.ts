import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { memoryStore } from "./store.ts";
import { tempFolder } from "./temp.ts";

function rootWith(files: Record<string, string>): string {
  const root = tempFolder();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe("memoryStore", () => {
  it("writes the very files back into another root", async () => {
    const store = memoryStore();
    const from = rootWith({ "a/b": "text", skipped: "x" });
    chmodSync(join(from, "a/b"), 0o755);
    expect(
      await store.save({ name: "m", key: "k1", roots: { r: from }, files: { r: ["a/b"] } }),
    ).toEqual({ kind: "saved", key: "k1", bytes: 4, files: 1 });
    writeFileSync(join(from, "a/b"), "changed afterwards");
    const to = tempFolder();
    const result = await store.restore({ name: "m", key: "k1", restoreKeys: [], roots: { r: to } });
    expect(result).toMatchObject({ kind: "hit", files: 1 });
    expect(readFileSync(join(to, "a/b"), "utf8")).toBe("text");
    expect(statSync(join(to, "a/b")).mode & 0o777).toBe(0o755);
    expect(store.files("k1")).toEqual(["r/a/b"]);
  });

  it("matches as the service does: exact, then prefixes in order, newest first", async () => {
    const store = memoryStore();
    const roots = { r: rootWith({ f: "x" }) };
    for (const key of ["go-1-a", "go-1-b", "go-2-a"]) {
      await store.save({ name: "m", key, roots, files: { r: ["f"] } });
    }
    const matched = async (key: string, ...restoreKeys: string[]): Promise<string> => {
      const result = await store.restore({ name: "m", key, restoreKeys, roots });
      return `${result.kind} ${"key" in result ? result.key : ""}`;
    };
    expect(await matched("go-1-a")).toBe("hit go-1-a");
    expect(await matched("go-1-c", "go-1-", "go-")).toBe("prefix go-1-b");
    expect(await matched("go-3", "go-")).toBe("prefix go-2-a");
    expect(await matched("go-1")).toBe("prefix go-1-b");
    expect(await matched("x", "y")).toBe("miss ");
  });

  it("keeps kinds apart, and keys immutable", async () => {
    const store = memoryStore();
    const request = { key: "k", roots: { r: rootWith({ f: "x" }) }, files: { r: ["f"] } };
    await store.save({ name: "m", ...request });
    expect(await store.save({ name: "m", ...request })).toEqual({ kind: "exists", key: "k" });
    expect(await store.restore({ name: "b", restoreKeys: [], ...request })).toMatchObject({
      kind: "miss",
    });
  });

  it("can be read-only, away, or damaged", async () => {
    const store = memoryStore({ readOnly: true });
    const request = {
      name: "m",
      key: "k",
      roots: { r: rootWith({ f: "x" }) },
      files: { r: ["f"] },
    };
    expect(await store.save(request)).toMatchObject({ kind: "refused", reason: "read-only" });
    store.readOnly = false;
    await store.save(request);
    store.corrupt.add("k");
    expect(await store.restore({ ...request, restoreKeys: [] })).toMatchObject({ kind: "corrupt" });
    store.unavailable = true;
    expect(await store.restore({ ...request, restoreKeys: [] })).toMatchObject({
      kind: "miss",
      reason: "unavailable",
    });
  });
});
