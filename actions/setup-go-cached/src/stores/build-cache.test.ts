import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { itemNames, markUnused, sweep } from "./build-cache.ts";

const START = Date.now() - 60_000;
const USED = START + 1_000;
const OLD = START - 7_200_000;

const sha = (text: string) => createHash("sha256").update(text).digest("hex");

function put(gocache: string, path: string, content: string, timeMs: number): string {
  mkdirSync(dirname(join(gocache, path)), { recursive: true });
  writeFileSync(join(gocache, path), content);
  utimesSync(join(gocache, path), timeMs / 1000, timeMs / 1000);
  return path;
}

const outputName = (content: string) => `${sha(content).slice(0, 2)}/${sha(content)}-d`;
const output = (gocache: string, content: string, timeMs: number) =>
  put(gocache, outputName(content), content, timeMs);

function action(gocache: string, id: string, of: string, timeMs: number): string {
  const line = `v1 ${sha(id)} ${sha(of)} ${String(of.length).padStart(20)} ${String(timeMs * 1e6).padStart(20)}\n`;
  return put(gocache, `${sha(id).slice(0, 2)}/${sha(id)}-a`, line, timeMs);
}

const swept = (gocache: string, before: string[] = [], keepAll = false) =>
  sweep(gocache, START, new Set(before), keepAll);

describe("the sweep of a build cache", () => {
  it("keeps what was used or made, and leaves the rest behind", () => {
    const gocache = tempFolder();
    const kept = [action(gocache, "a", "A", USED), output(gocache, "A", USED)];
    const [oldAction, oldOutput] = [action(gocache, "b", "B", OLD), output(gocache, "B", OLD)];
    put(gocache, "trim.txt", "1", USED);
    put(gocache, "README", "x", USED);
    put(gocache, "fuzz/x", "x", USED);
    const live = swept(gocache);
    expect(live.files.sort()).toEqual(kept.sort());
    expect(live.dropped).toBe(2);
    expect(swept(gocache, [], true).files).toEqual(expect.arrayContaining([oldAction, oldOutput]));
  });

  it("keeps an output whose own time is old when a live action names it", () => {
    const gocache = tempFolder();
    const kept = [action(gocache, "a", "A", USED), output(gocache, "A", OLD)];
    expect(swept(gocache).files.sort()).toEqual(kept.sort());
  });

  it("keeps an output that was used without its action, and no action without its output", () => {
    const gocache = tempFolder();
    action(gocache, "a", "gone", USED);
    const kept = output(gocache, "B", USED);
    expect(swept(gocache).files).toEqual([kept]);
  });

  it("keeps a cached program: a folder with one file", () => {
    const gocache = tempFolder();
    const program = put(gocache, `${outputName("P")}/tool`, "P", OLD);
    const folder = join(gocache, outputName("P"));
    utimesSync(folder, USED / 1000, USED / 1000);
    expect(swept(gocache).files).toEqual([program]);
  });

  it("counts as new what was not there before, and names the content by its map alone", () => {
    const gocache = tempFolder();
    const before = [action(gocache, "a", "A", USED), output(gocache, "A", USED)];
    expect(swept(gocache, before).newBytes).toBe(0);
    const { contentId } = swept(gocache, before);
    // Written again at another time: the same content.
    action(gocache, "a", "A", USED + 5_000);
    expect(swept(gocache, before).contentId).toBe(contentId);
    output(gocache, "new", USED);
    action(gocache, "n", "new", USED);
    const changed = swept(gocache, before);
    expect(changed.newBytes).toBeGreaterThan(3);
    expect(changed.contentId).not.toBe(contentId);
  });

  it("finds nothing where there is nothing", () => {
    expect(swept(join(tempFolder(), "none"))).toMatchObject({ files: [], bytes: 0 });
  });
});

describe("a restored build cache", () => {
  it("looks unused, and is not trimmed by the first go command", () => {
    const gocache = tempFolder();
    const names = [action(gocache, "a", "A", USED), output(gocache, "A", USED)];
    put(gocache, `${outputName("P")}/tool`, "P", USED);
    markUnused(gocache, START);
    expect(itemNames(gocache).sort()).toEqual([...names, outputName("P")].sort());
    for (const name of [...names, outputName("P"), `${outputName("P")}/tool`]) {
      expect(Math.round(statSync(join(gocache, name)).mtimeMs)).toBe(START - 7_200_000);
    }
    expect(swept(gocache).files).toEqual([]);
    expect(readFileSync(join(gocache, "trim.txt"), "utf8")).toBe(String(Math.floor(START / 1000)));
  });
});
