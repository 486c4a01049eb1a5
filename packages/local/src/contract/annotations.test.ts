import { describe, expect, it, test } from "@jest/globals";
import { limitAnnotations, normalizeAnnotation, type Annotation } from "./annotations.ts";

const place = (properties: Record<string, string>): Annotation =>
  normalizeAnnotation("error", "m", new Map(Object.entries(properties)), "/w");

describe("an annotation", () => {
  test.each([
    [{ file: "/w/a/b.go" }, { file: "a/b.go" }],
    [{ file: "a/b.go" }, { file: "a/b.go" }],
    [{ file: "/elsewhere/b.go" }, { file: "/elsewhere/b.go" }],
    [{ endline: "4" }, { line: 4, endLine: 4 }],
    [
      { line: "4", endcolumn: "2" },
      { line: 4, column: 2, endColumn: 2 },
    ],
    [{ col: "2" }, {}],
    [
      { line: "4", endline: "6", col: "2" },
      { line: 4, endLine: 6 },
    ],
    [{ line: "6", endline: "4" }, {}],
    [{ line: "6", col: "5", endcolumn: "2" }, { line: 6 }],
    [{ line: "six" }, {}],
  ])("with %j points to %j", (given, expected) => {
    expect(place(given)).toEqual({ level: "error", message: "m", ...expected });
  });

  it("has a message of at most 4096 characters", () => {
    const long = normalizeAnnotation("notice", "x".repeat(5000), new Map(), "/w");
    expect(long.message).toHaveLength(4096);
  });
});

describe("the limit", () => {
  it("is ten a level, the first ones kept", () => {
    const all = (["error", "warning", "notice"] as const).flatMap((level) =>
      Array.from({ length: 12 }, (_, index) => ({ level, message: String(index) })),
    );
    const { kept, dropped } = limitAnnotations(all.slice(0, 30));
    expect(kept).toHaveLength(26);
    expect(kept.filter(({ level }) => level === "error").at(-1)?.message).toBe("9");
    expect(dropped).toEqual({ error: 2, warning: 2, notice: 0 });
  });
});
