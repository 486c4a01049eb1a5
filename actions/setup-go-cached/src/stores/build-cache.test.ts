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

function action(
  gocache: string,
  id: string,
  of: string,
  timeMs: number,
  writtenMs = timeMs,
): string {
  const line = `v1 ${sha(id)} ${sha(of)} ${String(of.length).padStart(20)} ${String(writtenMs * 1e6).padStart(20)}\n`;
  return put(gocache, `${sha(id).slice(0, 2)}/${sha(id)}-a`, line, timeMs);
}

const swept = (gocache: string, keepAll = false) => {
  const { actions, outputs, ...live } = sweep(gocache, START, keepAll);
  return {
    ...live,
    actions: actions.map(({ action, output: of }) => [action, of]),
    files: outputs.flatMap(({ files }) => files),
  };
};

describe("the sweep of a build cache", () => {
  it("keeps what was used or made, and leaves the rest behind", () => {
    const gocache = tempFolder();
    action(gocache, "a", "A", USED);
    const kept = output(gocache, "A", USED);
    action(gocache, "b", "B", OLD);
    const old = output(gocache, "B", OLD);
    put(gocache, "trim.txt", "1", USED);
    put(gocache, "README", "x", USED);
    put(gocache, "fuzz/x", "x", USED);
    expect(swept(gocache)).toMatchObject({
      files: [kept],
      actions: [[sha("a"), sha("A")]],
      bytes: 1,
      dropped: 2,
    });
    expect(swept(gocache, true).files.sort()).toEqual([kept, old].sort());
  });

  it("keeps an output whose own time is old when a live action names it", () => {
    const gocache = tempFolder();
    action(gocache, "a", "A", USED);
    const kept = output(gocache, "A", OLD);
    expect(swept(gocache).files).toEqual([kept]);
  });

  it("keeps an output that was used without its action, and no action without its output", () => {
    const gocache = tempFolder();
    action(gocache, "a", "gone", USED);
    const kept = output(gocache, "B", USED);
    expect(swept(gocache)).toMatchObject({ files: [kept], actions: [] });
  });

  it("keeps what was written together with a live entry: a result's second ID", () => {
    const gocache = tempFolder();
    output(gocache, "ok", OLD);
    action(gocache, "first", "ok", USED, OLD - 9_000);
    action(gocache, "second", "ok", OLD, OLD - 8_950);
    // The same words, from another run.
    action(gocache, "before", "ok", OLD, OLD - 90_000);
    // Words that are not live, and nothing at all, of which there is plenty.
    action(gocache, "other", "gone", OLD, OLD - 9_000);
    output(gocache, "", OLD);
    action(gocache, "silent", "", USED, OLD - 9_000);
    action(gocache, "silent too", "", OLD, OLD - 9_000);
    const kept = swept(gocache).actions.map(([id]) => id);
    expect(kept.sort()).toEqual([sha("first"), sha("second"), sha("silent")].sort());
  });

  it("keeps no index entry that is half written, or that names another action", () => {
    const gocache = tempFolder();
    output(gocache, "A", USED);
    const path = action(gocache, "a", "A", USED);
    const line = readFileSync(join(gocache, path), "latin1");
    put(gocache, path, line.slice(0, 100), USED);
    expect(swept(gocache).actions).toEqual([]);
    put(gocache, path, line.replace(sha("a"), sha("b")), USED);
    expect(swept(gocache).actions).toEqual([]);
    put(gocache, path, line, USED);
    expect(swept(gocache).actions).toHaveLength(1);
  });

  it("keeps a cached program: a folder with one file", () => {
    const gocache = tempFolder();
    const program = put(gocache, `${outputName("P")}/tool`, "P", OLD);
    const folder = join(gocache, outputName("P"));
    utimesSync(folder, USED / 1000, USED / 1000);
    expect(swept(gocache).files).toEqual([program]);
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
