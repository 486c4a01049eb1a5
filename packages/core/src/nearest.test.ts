import { describe, expect, it } from "@jest/globals";
import { nearest } from "./nearest.ts";

const names = ["wait-timeout", "health-path", "health-url", "push", "image"];

describe("nearest", () => {
  it.each([
    ["wait-timout", "wait-timeout"],
    ["Health-Path", "health-path"],
    ["health_url", "health-url"],
    ["pussh", "push"],
    ["registry", undefined],
    ["", undefined],
  ])("to %j is %j", (word, guess) => {
    expect(nearest(word, names)).toBe(guess);
  });
});
