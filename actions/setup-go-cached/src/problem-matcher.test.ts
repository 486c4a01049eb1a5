import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { addProblemMatcher, PATTERN, removeProblemMatcher } from "./problem-matcher.ts";

describe("the problem matcher", () => {
  it.each([
    ["./main.go:3:5: undefined: x", "./main.go", "3", "5", "undefined: x"],
    ["\tcmd/a b.go:12:1: missing return", "cmd/a b.go", "12", "1", "missing return"],
    ["vet: ./main.go:7:2: undefined: y", "./main.go", "7", "2", "undefined: y"],
    ["D:\\a\\x\\main.go:3:5: no", "D:\\a\\x\\main.go", "3", "5", "no"],
  ])("takes %j", (line, file, row, column, message) => {
    expect(new RegExp(PATTERN.regexp).exec(line)?.slice(1)).toEqual([file, row, column, message]);
  });

  it.each([
    "    orders_test.go:10: got 1",
    "main.go: 3",
    "\t/x/main.go:3 +0x1d",
    "a.golang:1:2: x",
  ])("leaves %j alone", (line) => {
    expect(new RegExp(PATTERN.regexp).test(line)).toBe(false);
  });

  it("is a file that the runner can read, and is taken back by post", () => {
    const ports = fakePorts();
    removeProblemMatcher(ports);
    expect(ports.log.matchers).toEqual([]);
    addProblemMatcher(ports);
    removeProblemMatcher(ports);
    const [file = "", removed] = ports.log.matchers;
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
      problemMatcher: [{ owner: "go", pattern: [{ file: 1, line: 2, column: 3, message: 4 }] }],
    });
    expect(removed).toBe("-go");
  });
});
