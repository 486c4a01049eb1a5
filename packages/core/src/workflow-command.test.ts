import { describe, expect, it } from "@jest/globals";
import { formsOfSecret, mayCommand } from "./workflow-command.ts";

describe("mayCommand", () => {
  it.each([
    ["::error::x", true],
    ["  \t::set-output name=a::b", true],
    ["fine\n::add-mask::x", true],
    ["fine\r::add-mask::x", true],
    ["in the middle ##[set-env name=A]b", true],
    ["std::vector", false],
    ["a ::b", false],
    ["## [x]", false],
    ["", false],
  ])("of %j is %j", (text, may) => {
    expect(mayCommand(text)).toBe(may);
  });
});

describe("formsOfSecret", () => {
  it("are the whole, the trimmed lines that are long enough, and base64", () => {
    expect(formsOfSecret("user:pass\n  second line\n}\n")).toEqual([
      "user:pass\n  second line\n}\n",
      "user:pass\n  second line\n}",
      "user:pass",
      "second line",
      Buffer.from("user:pass\n  second line\n}\n").toString("base64"),
      Buffer.from("user:pass\n  second line\n}").toString("base64"),
    ]);
  });

  it("are none of nothing", () => {
    expect(formsOfSecret(" \n ")).toEqual([]);
  });
});
