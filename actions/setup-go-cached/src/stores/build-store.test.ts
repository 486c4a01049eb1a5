import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { PackError } from "@go-cicd/core/pack-format.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { memoryStore } from "@go-cicd/core/testing/store.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { encodeMap, type IndexEntry } from "./action-map.ts";
import { itemNames } from "./build-cache.ts";
import { restoreBuild } from "./build-store.ts";
import { baseKey, deltaKey } from "./layers.ts";
import type { Keys } from "./keys.ts";

const KEYS: Keys = { scope: "build-x", family: "build-x", fallbacks: [], ingredients: [] };
const BASE = baseKey(KEYS, ["base"]);
const DELTA = deltaKey(KEYS, ["delta"], BASE);

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");
const nameOf = (content: string): string => `${sha(content).slice(0, 2)}/${sha(content)}-d`;
const entry = (action: string, content: string): IndexEntry => ({
  action: sha(action),
  output: sha(content),
  size: content.length,
  time: "1790000000000000000",
});

/** Saves an entry as post does: outputs by name, and the list of what made them. */
async function save(
  store: ReturnType<typeof memoryStore>,
  key: string,
  outputs: Record<string, string>,
  actions: string,
): Promise<void> {
  const [build, about] = [tempFolder(), tempFolder()];
  for (const [path, content] of Object.entries(outputs)) {
    mkdirSync(dirname(join(build, path)), { recursive: true });
    writeFileSync(join(build, path), content);
  }
  writeFileSync(join(about, "actions"), actions);
  await store.save({
    name: "build",
    key,
    roots: { build, about },
    files: { build: Object.keys(outputs), about: ["actions"] },
  });
}

async function restore(store: ReturnType<typeof memoryStore>, key: string) {
  const ports = fakePorts({ store });
  const gocache = tempFolder();
  const found = await store.lookUp({ name: "build", key, restoreKeys: [] });
  if (found.kind === "miss") throw new Error("no entry");
  const { signal } = ports;
  const result = await restoreBuild(gocache, found, KEYS, tempFolder(), ports, signal);
  return { gocache, ...result };
}

const outputs = (...contents: string[]): Record<string, string> =>
  Object.fromEntries(contents.map((content) => [nameOf(content), content]));

describe("a build cache that is restored", () => {
  it("has of a base what the delta's job used, and the newest output of each action", async () => {
    const store = memoryStore();
    const [a, b, dead] = [entry("a", "A"), entry("b", "B"), entry("dead", "D")];
    await save(store, BASE, outputs("A", "B", "D"), encodeMap([a, b, dead]));
    // The action `b` gave another output since.
    const changed = entry("b", "B2");
    await save(store, DELTA, outputs("B2"), encodeMap([a, changed]));
    const { gocache, base, actions } = await restore(store, DELTA);
    const index = (action: string) => `${action.slice(0, 2)}/${action}-a`;
    expect(itemNames(gocache).sort()).toEqual(
      [nameOf("A"), nameOf("B2"), index(a.action), index(b.action)].sort(),
    );
    expect(readFileSync(join(gocache, index(b.action)), "utf8")).toContain(sha("B2"));
    expect(actions).toBe(2);
    // What did not land is in the base all the same: it is not saved again.
    expect(base).toMatchObject({ key: BASE, bytes: 3 });
    expect(base?.contents.sort()).toEqual(Object.keys(outputs("A", "B", "D")).sort());
  });

  it("has no output that is not what its name says: nothing of that entry lands", async () => {
    const store = memoryStore();
    const good = outputs("A");
    // The sizes are the same, and size is all that the go command looks at.
    await save(store, BASE, { ...good, [nameOf("B")]: "X" }, encodeMap([entry("a", "A")]));
    const { gocache, layers, base } = await restore(store, BASE);
    expect(layers.top).toMatchObject({
      kind: "corrupt",
      detail: expect.stringContaining("not what its name says"),
    });
    expect(itemNames(gocache)).toEqual([]);
    expect(base).toBeUndefined();
  });

  it.each(["trim.txt", "fuzz/x", `ab/${"0".repeat(64)}-a`, `${nameOf("B")}/deep/tool`])(
    "has no file that is no output: %s",
    async (path) => {
      const store = memoryStore();
      await save(store, BASE, { ...outputs("A"), [path]: "x" }, "");
      const { gocache, layers } = await restore(store, BASE);
      expect(layers.top).toMatchObject({
        kind: "corrupt",
        detail: expect.stringContaining("is no output of a build"),
      });
      expect(existsSync(join(gocache, path))).toBe(false);
    },
  );

  it("is refused when the list of actions has another shape", async () => {
    const store = memoryStore();
    await save(store, BASE, outputs("A"), `${sha("a")} ../../../etc 1 1\n`);
    await expect(restore(store, BASE)).rejects.toThrow(PackError);
  });
});
