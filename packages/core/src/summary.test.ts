import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { cutMarkdown, escapeMarkdown, markdownTable } from "./summary.ts";

describe("escapeMarkdown", () => {
  it("leaves no way into HTML, links, tables or lines", () => {
    const escaped = escapeMarkdown("<img src=x> [a](b) |\n`code` & *b* ![x](y)");
    expect(escaped).not.toMatch(/[<>[\]|\n`*]/);
    expect(escaped).toContain("&lt;img src=x&gt;");
  });
});

describe("markdownTable", () => {
  it("has a head, a rule and rows", () => {
    expect(markdownTable(["a", "b"], [["1", "2"]])).toBe("| a | b |\n| --- | --- |\n| 1 | 2 |");
  });
});

describe("cutMarkdown", () => {
  it("keeps what fits as it is", () => {
    expect(cutMarkdown("# a\n", 4)).toEqual({ text: "# a\n", cut: false });
  });

  it("cuts at a line, closes what is open and says so", () => {
    const long = `<details>\n<summary>x</summary>\n\n\`\`\`\n${"line\n".repeat(500)}\`\`\`\n</details>`;
    const { text, cut } = cutMarkdown(long, 600);
    expect(cut).toBe(true);
    expect(text).toMatch(/line\n```\n<\/details>\n\n> \*\*This summary is cut/);
  });

  it("never exceeds its room, whatever the text is", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("<details>", "</details>", "```", "ä€😀", "word ".repeat(9), "")),
        fc.nat(2_000),
        (lines, room) => {
          const { text } = cutMarkdown(lines.join("\n"), room);
          expect(Buffer.byteLength(text)).toBeLessThanOrEqual(room);
        },
      ),
    );
  });
});
