import { appendFileSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it, test } from "@jest/globals";
import fc from "fast-check";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import {
  createFileCommands,
  FileCommandError,
  parsePairs,
  readFileCommands,
  SUMMARY_LIMIT,
} from "./file-commands.ts";

function pairs(text: string): [string, string][] {
  const found: [string, string][] = [];
  parsePairs(text, (name, value) => found.push([name, value]));
  return found;
}

describe("the grammar of file commands", () => {
  test.each<[string, [string, string][]]>([
    ["", []],
    ["\n\n", []],
    ["A=1\n", [["A", "1"]]],
    ["A=1", [["A", "1"]]],
    ["A=", [["A", ""]]],
    ["A=b=c<<d\n", [["A", "b=c<<d"]]],
    [" A = 1 \n", [[" A ", " 1 "]]],
    ["A=1\r\n", [["A", "1\r"]]],
    ["A<<E\nE\n", [["A", ""]]],
    ["A<<E\n\nE\n", [["A", ""]]],
    [
      "A<<E\none\n\ntwo\nE\nB=2\n",
      [
        ["A", "one\n\ntwo"],
        ["B", "2"],
      ],
    ],
    ["A<<E\nx E\nEE\nE", [["A", "x E\nEE"]]],
    ["A<<=E\nx\n=E\n", [["A", "x"]]],
    ["\uFEFFA=1\n", [["A", "1"]]],
  ])("reads %j", (text, expected) => {
    expect(pairs(text)).toEqual(expected);
  });

  test.each([
    ["A\n", "Invalid format"],
    ["=1\n", "Invalid format"],
    ["<<E\nE\n", "Name must not be empty"],
    ["A<<\n\n", "delimiter must not be empty"],
    ["A<<E\nx\n", "Matching delimiter not found 'E'"],
    ["A<<E\nx\nE\r\n", "Matching delimiter not found 'E'"],
    ["A<<E\nx\n E\n", "Matching delimiter not found 'E'"],
  ])("refuses %j", (text, message) => {
    expect(() => pairs(text)).toThrow(FileCommandError);
    expect(() => pairs(text)).toThrow(message);
  });

  it("keeps what stood before a faulty line", () => {
    const seen: string[] = [];
    expect(() => parsePairs("A=1\nB\nC=3\n", (name) => seen.push(name))).toThrow();
    expect(seen).toEqual(["A"]);
  });

  it("gives any value back that was written as a block with a fresh delimiter", () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const text = `NAME<<ghadelimiter_1\n${value}\nghadelimiter_1\n`;
        expect(pairs(text)).toEqual([["NAME", value]]);
      }),
    );
  });
});

describe("the files of a stage", () => {
  it("are fresh and empty each time, read once, and gone then", () => {
    const temp = tempFolder();
    const [first, second] = [createFileCommands(temp), createFileCommands(temp)];
    expect(first.GITHUB_OUTPUT).not.toBe(second.GITHUB_OUTPUT);
    appendFileSync(first.GITHUB_OUTPUT, "o=1\n");
    appendFileSync(first.GITHUB_STATE, "s=2\n");
    appendFileSync(first.GITHUB_ENV, "E=3\n");
    appendFileSync(first.GITHUB_PATH, "/a\n\n/b\r\n");
    appendFileSync(first.GITHUB_STEP_SUMMARY, "# title\n");
    expect(readFileCommands(first)).toEqual({
      outputs: { o: "1" },
      state: { s: "2" },
      env: { E: "3" },
      path: ["/a", "/b"],
      summary: "# title\n",
      failures: [],
      errors: [],
    });
    expect(existsSync(first.GITHUB_OUTPUT)).toBe(false);
    expect(existsSync(second.GITHUB_OUTPUT)).toBe(true);
  });

  it("fail the step when one cannot be read, and the others still count", () => {
    const files = createFileCommands(tempFolder());
    writeFileSync(files.GITHUB_ENV, "broken\n");
    writeFileSync(files.GITHUB_OUTPUT, "o=1\n");
    const read = readFileCommands(files);
    expect(read.failures[0]).toBe("Unable to process file command 'env' successfully.");
    expect(read.outputs).toEqual({ o: "1" });
  });

  it("cannot set NODE_OPTIONS", () => {
    const files = createFileCommands(tempFolder());
    writeFileSync(files.GITHUB_ENV, "node_options=--require /x\nA=1\n");
    const read = readFileCommands(files);
    expect(read.env).toEqual({ A: "1" });
    expect(read.errors).toHaveLength(1);
  });

  it("hold a summary of at most 1 MiB: a larger one is dropped whole", () => {
    const files = createFileCommands(tempFolder());
    writeFileSync(files.GITHUB_STEP_SUMMARY, "x".repeat(SUMMARY_LIMIT));
    expect(readFileCommands(files).summary).toHaveLength(SUMMARY_LIMIT);
    writeFileSync(files.GITHUB_STEP_SUMMARY, "x".repeat(SUMMARY_LIMIT + 1));
    const read = readFileCommands(files);
    expect([read.summary, read.errors.length]).toEqual(["", 1]);
  });

  it("may be removed by the step", () => {
    const files = createFileCommands(tempFolder());
    for (const path of Object.values(files)) rmSync(path);
    expect(readFileCommands(files).failures).toEqual([]);
  });
});
