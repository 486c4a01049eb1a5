import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { fixtureModel, FIXTURES } from "../fixtures/load.ts";
import { markdownReport } from "../markdown.ts";
import type { ReportModel } from "../report-model.ts";
import { axis, percent, tickLabel } from "./axis.ts";
import { escapeHtml, html } from "./html.ts";
import { htmlPage } from "./page.ts";
import { contrast, MARK_PAIRS, PALETTE, TEXT_PAIRS, type Scheme } from "./palette.ts";
import { styleSheet } from "./style.ts";

const HOSTILE = `</pre></script><script>alert(1)</script><img src=x onerror=alert(2)>" onload="x" '\`\u001b[31m\u202e<!-- \${{ github.token }} ::error::x\n|a|b|\n# title`;

/** The model with every text in it replaced by a hostile one. */
function poisoned(value: unknown): unknown {
  // Words of closed sets are ours.
  const ours = /^(passed|failed|rolled-back|incomplete|main|post|phase|gap|deployed)$/;
  if (typeof value === "string") return ours.test(value) || value === "" ? value : HOSTILE;
  if (Array.isArray(value)) return value.map(poisoned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, poisoned(inner)]));
}

describe("the page", () => {
  test.each(FIXTURES)("%s: one file that asks for nothing", (name) => {
    const page = htmlPage(fixtureModel(name));
    expect(page.startsWith("<!doctype html>")).toBe(true);
    expect(page).not.toMatch(
      /<(link|img|iframe|object|embed|base)\b|@import|url\(|<[^>]*\ssrc(set)?=/i,
    );
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).toContain("default-src &#39;none&#39;");
    expect(page.replaceAll("undefined: store", "")).not.toMatch(/\bundefined\b|\bNaN\b|\[object/);
  });

  test.each(["red", "rolled-back", "hundred-steps"] as const)(
    "%s: text from outside is text, wherever it stands",
    (name) => {
      const good = htmlPage(fixtureModel(name));
      const page = htmlPage(poisoned(fixtureModel(name)) as ReportModel);
      const tags = (text: string): string[] => [
        ...new Set([...text.matchAll(/<\/?([a-z][a-z0-9]*)/gi)].map(([, tag]) => String(tag))),
      ];
      // Not one kind of element, nor a script, more than without the hostile text.
      expect(tags(page).filter((tag) => !tags(good).includes(tag))).toEqual([]);
      expect(page.match(/<script/g)).toHaveLength(1);
      expect(page.match(/<!--/g)).toBeNull();
      expect(page.replace(/"[^"]*"/g, "")).not.toMatch(/<[^>]*\son[a-z]+\s*=/i);
      // eslint-disable-next-line no-control-regex -- what must be gone
      expect(page).not.toMatch(/[\u001b\u202e]/);
    },
  );

  test("a run with failures shows them before what passed", () => {
    const page = htmlPage(fixtureModel("red"));
    expect(page.indexOf("TestConcurrentWrites")).toBeLessThan(page.indexOf("Slowest packages"));
    expect(page.indexOf("undefined: store.Opne")).toBeLessThan(
      page.indexOf("TestConcurrentWrites"),
    );
  });

  test("the rollback is told with its times", () => {
    const page = htmlPage(fixtureModel("rolled-back")).replace(/\s+/g, " ");
    for (const words of ["found broken in 2.9 s", "restored in 420 ms", "serves again, checked"]) {
      expect(page).toContain(words);
    }
  });
});

describe("escaping", () => {
  test("insertions of a template are escaped, other templates are not", () => {
    const inner = html`<i>${"<x>"}</i>`;
    const list = ["<", html`<br />`, 7];
    expect(html`<b title="${'"<&'}">${inner}${list}${false}</b>`.text).toBe(
      '<b title="&quot;&lt;&amp;"><i>&lt;x&gt;</i>&lt;<br />7</b>',
    );
  });

  test("no text leaves an element or a quoted attribute", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(escapeHtml(text)).not.toMatch(/[<>"'`]/);
      }),
    );
  });
});

describe("Markdown", () => {
  test.each(FIXTURES)("%s: says the verdict first and has whole tables", (name) => {
    const text = markdownReport(fixtureModel(name));
    expect(text).toMatch(/^## (✅|↩️|⚠️|❌) \S/u);
    expect(text.replaceAll("undefined: store", "")).not.toMatch(/\bundefined\b|\bNaN\b|\[object/);
    for (const table of text.split("\n\n").filter((block) => block.startsWith("| "))) {
      const widths = new Set(table.split("\n").map((row) => row.split("|").length));
      expect(widths.size).toBe(1);
    }
  });

  test("hostile text stays inside its cell, fence or line", () => {
    for (const name of ["red", "rolled-back"] as const) {
      const text = markdownReport(poisoned(fixtureModel(name)) as ReportModel);
      const outside = text.replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, "");
      expect(outside).not.toMatch(/<script|<img|<!--/);
      expect(outside).not.toMatch(/^\|a\|b\|$|^# title/m);
      // eslint-disable-next-line no-control-regex -- what must be gone
      expect(text).not.toMatch(/[\u001b\u202e]/);
    }
  });

  test("a fence is longer than the backticks in it", () => {
    const model = fixtureModel("red");
    const [failure] = model.tests?.failures ?? [];
    if (failure === undefined) throw new Error("a failure");
    failure.output = "````\n<script>";
    expect(markdownReport(model)).toContain("`````text\n````\n<script>\n`````");
  });
});

describe("colours", () => {
  test.each(["light", "dark"] as Scheme[])("%s: text has 4.5 to 1, marks have 3 to 1", (scheme) => {
    const palette = PALETTE[scheme];
    const low = (pairs: typeof TEXT_PAIRS, least: number): string[] =>
      pairs
        .filter(([front, back]) => contrast(palette[front], palette[back]) < least)
        .map(
          ([front, back]) =>
            `${front} on ${back}: ${contrast(palette[front], palette[back]).toFixed(2)}`,
        );
    expect(low(TEXT_PAIRS, 4.5)).toEqual([]);
    expect(low(MARK_PAIRS, 3)).toEqual([]);
  });

  test("the formula is that of WCAG", () => {
    expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 5);
    expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
  });

  test("every colour of the style sheet is one of the checked ones, by name", () => {
    const rules = styleSheet().replace(/:root\{[^}]*\}/g, "");
    expect(rules).not.toMatch(/#[0-9a-f]{3,8}\b|rgb|hsl/i);
    const text = [...rules.matchAll(/(?:^|[;{])color:var\(--([\w-]+)\)/g)].map(([, name]) => name);
    expect(text.length).toBeGreaterThan(10);
    for (const name of text) expect(TEXT_PAIRS.map(([front]) => front)).toContain(name);
    const fills = [...rules.matchAll(/fill:var\(--([\w-]+)\)/g)].map(([, name]) => name);
    for (const name of fills) expect(MARK_PAIRS.map(([front]) => front)).toContain(name);
    for (const [, name] of rules.matchAll(/\.pill\.\w+\{background:var\(--([\w-]+)\);color/g)) {
      expect(TEXT_PAIRS.map(([, back]) => back)).toContain(name);
    }
  });
});

describe("the axis", () => {
  test("ticks are few, even, and within the span", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 * 86_400_000 }), (length) => {
        const { distance, ticks } = axis(length);
        expect(ticks.length).toBeLessThanOrEqual(7);
        expect(ticks.at(-1)).toBeLessThanOrEqual(length);
        expect(ticks.every((tick, index) => tick === index * distance)).toBe(true);
      }),
    );
  });

  test.each([
    [0, 5_000, "0"],
    [500, 500, "500 ms"],
    [1_500, 500, "1.5 s"],
    [15_000, 5_000, "15 s"],
    [90_000, 30_000, "1:30"],
    [3_600_000, 900_000, "1:00:00"],
    [90_000_000, 21_600_000, "25:00:00"],
  ])("%d ms is labelled %s", (ms, distance, label) => {
    expect(tickLabel(ms, distance)).toBe(label);
  });

  test("percents stay within the track", () => {
    expect([percent(-1, 10), percent(5, 10), percent(99, 10), percent(1, 0)]).toEqual([
      0, 50, 100, 0,
    ]);
  });
});
