import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import {
  decodeMap,
  encodeMap,
  readIndexEntry,
  writeIndexEntries,
  type IndexEntry,
} from "./action-map.ts";

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");
const entry = (action: string, content: string): IndexEntry => ({
  action: sha(action),
  output: sha(content),
  size: content.length,
  time: "1790000000123456789",
});
const pathOf = (name: string, kind: "a" | "d") => `${name.slice(0, 2)}/${name}-${kind}`;

function put(root: string, path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

describe("the list of a build cache's actions", () => {
  it("comes back as it was", () => {
    const entries = [entry("a", "A"), entry("b", "")];
    expect(decodeMap(encodeMap(entries))).toEqual(entries);
    expect(decodeMap("")).toEqual([]);
  });

  it.each(["x\n", `${sha("a")} ../../etc 1 1\n`, `${sha("a")} ${sha("b")} 1\n`, "\n"])(
    "is refused when it holds %j",
    (line) => {
      expect(() => decodeMap(encodeMap([entry("a", "A")]) + line)).toThrow(/another shape/);
    },
  );

  it("is written as the go command writes it, for outputs that are there", () => {
    const root = tempFolder();
    const [there, gone, cut] = [entry("a", "A"), entry("b", "B"), entry("c", "CC")];
    put(root, pathOf(there.output, "d"), "A");
    put(root, pathOf(cut.output, "d"), "C");
    expect(writeIndexEntries(root, [there, gone, cut])).toBe(1);
    const path = join(root, pathOf(there.action, "a"));
    expect(readFileSync(path, "latin1")).toBe(
      `v1 ${there.action} ${there.output} ${" ".repeat(19)}1  ${there.time}\n`,
    );
    expect(readIndexEntry(path, there.action)).toEqual(there);
    // What is there is newer, and stays.
    put(root, pathOf(there.action, "a"), "mine");
    expect(writeIndexEntries(root, [there])).toBe(0);
    expect(readFileSync(path, "utf8")).toBe("mine");
  });
});
