import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { pages } from "../support/snippets.ts";

const root = join(import.meta.dirname, "../..");

describe.each(pages(root))("%s", (page) => {
  const text = readFileSync(join(root, page), "utf8");

  it("links to files that exist", () => {
    for (const [, link = ""] of text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      expect(`${link}: ${existsSync(join(root, dirname(page), link))}`).toBe(`${link}: true`);
    }
  });

  it("names no test that does not exist", () => {
    for (const [, test = ""] of text.matchAll(/`([\w./-]+\.test\.ts)`/g)) {
      expect(`${test}: ${existsSync(join(root, test))}`).toBe(`${test}: true`);
    }
  });

  it("names no case of a test that does not exist", () => {
    // A file, then titles in quotes; lines may be broken anywhere.
    const titles = /`([\w./-]+\.test\.ts)`((?:,?\s+"[^"]+")+)/g;
    for (const [, test = "", list = ""] of text.matchAll(titles)) {
      const source = readFileSync(join(root, test), "utf8");
      for (const [, title = ""] of list.matchAll(/"([^"]+)"/g)) {
        const words = title.replace(/\s+/g, " ");
        expect(`${test}: ${words}: ${source.includes(words)}`).toBe(`${test}: ${words}: true`);
      }
    }
  });
});
