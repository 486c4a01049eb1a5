import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { cleanText, shortened } from "./clean-text.ts";

describe("text from outside", () => {
  test.each([
    ["\u001b[31mred\u001b[0m", "red"],
    ["\u001b[38;5;196mred\u001b[K", "red"],
    ["\u001b]0;title\u0007rest", "rest"],
    ["\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\", "link"],
    ["\u009b1mbold", "bold"],
    ["a\r\nb\rc", "a\nb\nc"],
    ["tab\tstays", "tab\tstays"],
    ["nul\0 bell\u0007 del\u007f", "nul bell del"],
    ["right\u202eto left\u2066x", "rightto leftx"],
    ["lone \ud800 half", "lone \ufffd half"],
  ])("%j becomes %j", (given, wanted) => {
    expect(cleanText(given)).toBe(wanted);
  });

  test("nothing that acts on a terminal is left, and cleaning again changes nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const clean = cleanText(`\u001b[${text}\u001b]${text}`);
        // eslint-disable-next-line no-control-regex -- what must be gone
        expect(clean).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
        expect(cleanText(clean)).toBe(clean);
      }),
    );
  });

  test("what is cut is said", () => {
    expect(shortened("abcdef", 4)).toBe("abcd… (2 more characters)");
    expect(shortened("abcd", 4)).toBe("abcd");
  });
});
