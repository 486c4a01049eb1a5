import { expect, test } from "@jest/globals";
import { bytes, change, duration, moment } from "./format.ts";

test.each([
  [0, "0 ms"],
  [999, "999 ms"],
  [999.6, "1.0 s"],
  [1_000, "1.0 s"],
  [9_949, "9.9 s"],
  [9_999, "10 s"],
  [59_600, "1 min"],
  [61_000, "1 min 1 s"],
  [3_599_900, "1 h"],
  [3_900_000, "1 h 5 min"],
  [-5, "0 ms"],
  [Number.NaN, "?"],
])("%d ms is %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1_000, "1 kB"],
  [4_112_345, "4.1 MB"],
  [61_234_567, "61 MB"],
  [999_600, "1 MB"],
  [2_900_000_000, "2.9 GB"],
])("%d bytes are %s", (count, text) => {
  expect(bytes(count)).toBe(text);
});

test("changes are rounded percents, and there is none against nothing", () => {
  expect([
    change(50, 100),
    change(100, 50),
    change(100, 100.1),
    change(1, 0),
    change(9_700, 348),
    change(45, 10),
  ]).toEqual(["−50 %", "+100 %", "±0 %", "", "28 ×", "4.5 ×"]);
});

test("moments are in UTC, and what is no moment is said so", () => {
  expect(moment(Date.UTC(2026, 10, 23, 1, 7))).toBe("2026-11-23 01:07 UTC");
  expect(moment(Number.NaN)).toBe("?");
});
