import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ActionError } from "@go-cicd/core/errors.ts";
import { inputsOf } from "@go-cicd/core/testing/inputs.ts";
import {
  exactTest,
  listArgs,
  repeatCommand,
  shellWords,
  testArgs,
  vetArgs,
  type GoFlags,
} from "./go-command.ts";
import { checkInputs, inputs } from "./inputs.ts";
import { testFlagProblem } from "./test-flags.ts";

const PLAIN: GoFlags = { race: false, tags: [], testFlags: [], timeoutMs: 600_000 };
const FULL: GoFlags = {
  race: true,
  tags: ["integration", "e2e"],
  testFlags: ["-short", "-mod=readonly", "-run=^TestA$"],
  timeoutMs: 90_500,
};

describe("the commands", () => {
  test.each([
    [testArgs(PLAIN, false, ["p"]), "test -json -fullpath -vet=off -timeout=600s p"],
    [testArgs(PLAIN, true, ["p"]), "test -json -fullpath -timeout=600s p"],
    [
      testArgs(FULL, true, ["p", "q"]),
      "test -json -fullpath -race -tags=integration,e2e -mod=readonly -timeout=90500ms -short -run=^TestA$ p q",
    ],
    [vetArgs(FULL, ["p"]), "vet -race -tags=integration,e2e -mod=readonly p"],
    [vetArgs(PLAIN, ["p"]), "vet p"],
  ])("%#", (args, line) => {
    expect(args.join(" ")).toBe(line);
  });

  test("list with the run's own flags, patterns behind the end of flags", () => {
    const args = listArgs(FULL, ["./..."]);
    expect(args.slice(3)).toEqual([
      "-race",
      "-tags=integration,e2e",
      "-mod=readonly",
      "--",
      "./...",
    ]);
  });

  test("repeat one test with every level of its name", () => {
    const failure = { module: ".", package: "./store", test: "TestA/x+y/z", shuffleSeed: "7" };
    expect(repeatCommand({ ...FULL, testFlags: ["-short", "-run=x", "-count=3"] }, failure)).toBe(
      String.raw`go test -race -tags=integration,e2e -short -shuffle=7 -count=1 '-run=^TestA$/^x\+y$/^z$' ./store`,
    );
    const whole = { module: "it's", package: ".", test: null, shuffleSeed: null };
    expect(repeatCommand(PLAIN, whole)).toBe(String.raw`(cd 'it'\''s' && go test -count=1 .)`);
  });

  test("a test's pattern matches its name only", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "grapheme-ascii" }), (name) => {
        const level = name.replaceAll("/", "_");
        expect(new RegExp(exactTest(level)).test(level)).toBe(true);
        expect(new RegExp(exactTest(level)).test(`${level}x`)).toBe(false);
      }),
    );
  });

  test("words for a shell hold nothing that a shell would read", () => {
    fc.assert(
      fc.property(fc.string(), (word) => {
        const quoted = shellWords([word]);
        if (/[^\w@%+=:,./-]/.test(word)) expect(quoted.startsWith("'")).toBe(true);
      }),
    );
  });
});

describe("flags for go test", () => {
  test.each([
    "-short",
    "--short",
    "-short=false",
    "-run=^TestA$",
    "-count=2",
    "-mod=vendor",
    "-shuffle=on",
    "-vet=off",
  ])("%s is taken", (flag) => {
    expect(testFlagProblem(flag)).toBeUndefined();
  });

  test.each([
    ["-toolexec=./x", "any program in place of the compiler"],
    ["--toolexec=./x", "any program in place of the compiler"],
    ["-exec=./x", "any program in place of the tests"],
    ["-overlay=o.json", "not in the repository"],
    ["-ldflags=-extld=./x", "as the linker"],
    ["-race", "use the input race"],
    ["-test.timeout=1s", "use the input timeout"],
    ["-run", "needs its value"],
    ["-count=0", "does not take 0"],
    ["-mod=mod", "does not take mod"],
    ["-args", "ends the flags"],
    ["./pkg", "is not a flag"],
    ["-short -exec=./x", "is not a flag"],
    ["-unheard", "is refused"],
    ["-constructor", "is refused"],
    ["-short=maybe", "true or false"],
  ])("%s is refused: %s", (flag, reason) => {
    expect(testFlagProblem(flag)).toContain(reason);
  });
});

describe("the inputs", () => {
  const problemsOf = (given: Parameters<typeof inputsOf<typeof inputs>>[1]): string => {
    try {
      checkInputs(inputsOf(inputs, given));
    } catch (error) {
      if (error instanceof ActionError) return error.message;
      throw error;
    }
    return "";
  };

  test("with nothing given are fine, and both checks run", () => {
    expect(checkInputs(inputsOf(inputs))).toEqual(["fmt", "vet"]);
    expect(checkInputs(inputsOf(inputs, { checks: "none" }))).toEqual([]);
  });

  test("are refused all at once", () => {
    const message = problemsOf({
      "go-versions": "1.26, $(x)",
      os: "a b",
      packages: "-exec=x\n/etc\n../up",
      tags: "a;b",
      checks: "lint",
      timeout: "1ms",
    });
    for (const part of ["$(x)", "a b", "-exec=x", "/etc", "../up", "a;b", "lint", "at least 1s"]) {
      expect(message).toContain(part);
    }
  });

  test("with more jobs than GitHub takes are refused", () => {
    const given = { mode: "plan", "go-versions": "1.24,1.25,1.26", shards: "100" };
    expect(problemsOf(given)).toContain("300 jobs are too many");
    expect(problemsOf({ ...given, shards: "85" })).toBe("");
  });
});
