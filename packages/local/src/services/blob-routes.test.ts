import { describe, expect, test } from "@jest/globals";
import { byteRange } from "./blob-routes.ts";

describe("byteRange", () => {
  test.each([
    ["bytes=0-3", { start: 0, end: 3 }],
    ["bytes=4-", { start: 4, end: 9 }],
    ["bytes=8-99", { start: 8, end: 9 }],
    ["bytes=-3", { start: 7, end: 9 }],
    ["bytes=-99", { start: 0, end: 9 }],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=5-4", undefined],
    ["bytes=-", undefined],
    ["bytes=0-1,3-4", undefined],
    ["items=0-1", undefined],
  ])("reads %s of ten bytes", (header, expected) => {
    expect(byteRange(header, 10)).toEqual(expected);
  });
});
