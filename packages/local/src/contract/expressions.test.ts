import { describe, expect, it, test } from "@jest/globals";
import { holds, interpolate } from "./expressions.ts";

const contexts = {
  github: { ref: "refs/heads/main", event: { number: 7 }, token: "" },
  matrix: { go: "1.26", nested: { list: [1, 2] } },
  steps: { build: { outputs: { digest: "sha256:1" }, outcome: "success" } },
  env: { A: "x" },
};

describe("a text", () => {
  test.each([
    ["plain", "plain"],
    ["a ${{ github.ref }} b", "a refs/heads/main b"],
    ["${{ github.event.number }}${{ env.A }}", "7x"],
    ["${{ GITHUB.REF == 'REFS/heads/MAIN' }}", "true"],
    ["${{ matrix.none }}", ""],
    ["${{ steps.build.outputs.digest }}", "sha256:1"],
    ["${{ steps.skipped.outputs.digest }}", ""],
    ["${{ 'with }} inside, and a ''quote''' }}", "with }} inside, and a 'quote'"],
    ["${{ github.token || 'none' }}", "none"],
    ["${{ format('{0}-{1}', env.A, 2) }}", "x-2"],
    ["${{ contains(matrix.nested.list, 2) }}", "true"],
    ["${{ fromJSON('{\"a\":[1]}').a[0] }}", "1"],
  ])("%s becomes %s", (text, expected) => {
    expect(interpolate(text, contexts)).toBe(expected);
  });

  it("can hold a context as JSON", () => {
    const json = interpolate("${{ toJSON(matrix) }}", contexts);
    expect(JSON.parse(json)).toEqual(contexts.matrix);
    expect(interpolate("${{ toJSON(matrix) }}", { matrix: null })).toBe("null");
  });

  test.each(["${{ nobody.x }}", "${{ unknown() }}", "${{ 1 + }}", "${{ open"])(
    "with %s is an error",
    (text) => {
      expect(() => interpolate(text, contexts)).toThrow();
    },
  );
});

describe("a condition", () => {
  test.each([
    ["", [true, false, false]],
    ["success()", [true, false, false]],
    ["failure()", [false, true, false]],
    ["cancelled()", [false, false, true]],
    ["always()", [true, true, true]],
    ["!cancelled()", [true, true, false]],
    ["${{ failure() || cancelled() }}", [false, true, true]],
    // Without a status function, success is asked for as well.
    ["github.ref == 'refs/heads/main'", [true, false, false]],
    ["${{ github.ref == 'refs/heads/other' }}", [false, false, false]],
    ["'success()' == 'success()'", [true, false, false]],
    ["always() && env.A == 'x'", [true, true, true]],
  ])("%j holds after success, failure, cancellation: %j", (condition, expected) => {
    const answers = (["success", "failure", "cancelled"] as const).map((status) =>
      holds(condition, contexts, status),
    );
    expect(answers).toEqual(expected);
  });
});
