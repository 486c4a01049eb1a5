import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { ActionError } from "./errors.ts";
import {
  duration,
  flag,
  InputProblem,
  integer,
  list,
  multiline,
  oneOf,
  parseDuration,
  readInputs,
  required,
  secret,
  text,
  type Input,
  type InputSpec,
  type InputSources,
} from "./inputs.ts";

const description = "An input.";

function sources(given: Record<string, string>, more: Partial<InputSources> = {}): InputSources {
  return {
    input: (name) => given[name] ?? "",
    config: () => undefined,
    mask: () => undefined,
    ...more,
  };
}

/** The message of what reading these inputs throws. */
function problemsOf(spec: InputSpec, given: Record<string, string>, more = {}): string {
  try {
    readInputs(spec, sources(given, more));
  } catch (error) {
    if (error instanceof ActionError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "none";
}

describe("the parsers of inputs", () => {
  it.each<[string, Input<unknown>, string, unknown]>([
    ["text", text({ description }), "a b", "a b"],
    ["required", required({ description }), "x", "x"],
    ["secret with lines", secret({ description }), "a\nb", "a\nb"],
    ["flag", flag({ description, default: "false" }), "true", true],
    ["flag", flag({ description, default: "false" }), "True", true],
    ["flag", flag({ description, default: "true" }), "FALSE", false],
    ["word", oneOf(["a", "b"], { description }), "b", "b"],
    ["integer", integer({ description }), "0", 0],
    ["negative integer", integer({ description, min: -5 }), "-3", -3],
    ["duration", duration({ description }), "90s", 90_000],
    ["list", list({ description }), "a, b\n\n c \r\n", ["a, b", "c"]],
    ["list with commas", list({ description, commas: true }), "a, b\nc,,", ["a", "b", "c"]],
  ])("%s takes %j", (_, input, given, value) => {
    expect(input.parse(given)).toEqual(value);
  });

  it.each<[string, Input<unknown>, string, RegExp]>([
    ["text", text({ description }), "a\nb", /must be one line/],
    ["required", required({ description }), "a\0b", /must be one line/],
    ["flag", flag({ description, default: "false" }), "yes", /must be true or false, not "yes"/],
    ["flag", flag({ description, default: "false" }), "tRUE", /must be true or false/],
    ["word", oneOf(["plan", "run"], { description }), "Plan", /one of plan, run, not "Plan"/],
    ["integer", integer({ description }), "1.5", /whole number/],
    ["integer", integer({ description }), "1e3", /whole number/],
    ["integer", integer({ description }), "-1", /from 0/],
    ["bounded integer", integer({ description, min: 1, max: 8 }), "9", /from 1 to 8, not "9"/],
    ["huge integer", integer({ description }), "9".repeat(400), /whole number/],
    ["duration", duration({ description }), "90", /duration such as 90s/],
    ["duration", duration({ description }), "", /duration/],
    ["duration", duration({ description }), "-1s", /duration/],
  ])("%s refuses %j", (_, input, given, message) => {
    expect(() => input.parse(given)).toThrow(InputProblem);
    expect(() => input.parse(given)).toThrow(message);
  });

  it.each([
    ["250ms", 250],
    ["1.5s", 1_500],
    ["1m30s", 90_000],
    ["2h", 7_200_000],
    ["1h0m1s", 3_601_000],
  ])("reads the duration %s", (given, ms) => {
    expect(parseDuration(given)).toBe(ms);
  });
});

describe("readInputs", () => {
  const spec = {
    "wait-timeout": duration({ description, default: "1m" }),
    push: flag({ description, default: "false" }),
    mode: oneOf(["plan", "run"], { description }),
    name: required({ description }),
    token: secret({ description }),
    matrix: text({ description, default: "${{ toJSON(matrix) }}" }),
  };

  it("takes the input, else the config file, else the default", () => {
    const inputs = readInputs(spec, {
      ...sources({ name: " x ", push: "true" }),
      config: (name) =>
        ({ push: { text: "false", place: "f:1:1" }, mode: { text: "run", place: "f:2:1" } })[name],
    });
    expect(inputs).toEqual({
      waitTimeout: 60_000,
      push: true,
      mode: "run",
      name: "x",
      token: undefined,
      matrix: undefined,
    });
  });

  it("says every problem at once", () => {
    const message = problemsOf(spec, { "wait-timeout": "soon", push: "yes", mode: "x" });
    expect(message).toBe(
      [
        "input: Invalid inputs:",
        '- wait-timeout must be a duration such as 90s or 1m30s, not "soon"',
        '- push must be true or false, not "yes"',
        '- mode must be one of plan, run, not "x"',
        "- name is required",
      ].join("\n"),
    );
  });

  it("names the place of what the config file got wrong", () => {
    const message = problemsOf(
      spec,
      { name: "x" },
      {
        config: (name: string) =>
          name === "push" ? { text: "maybe", place: ".github/go-cicd.yml:3:5" } : undefined,
      },
    );
    expect(message).toContain("- push (.github/go-cicd.yml:3:5) must be true or false");
  });

  it("masks a secret when it is read, also when another input is wrong", () => {
    const masked: string[] = [];
    const message = problemsOf(
      spec,
      { token: "hunter2hunter2", push: "no" },
      {
        mask: (value: string) => masked.push(value),
      },
    );
    expect(masked).toEqual(["hunter2hunter2"]);
    expect(message).not.toContain("hunter2");
  });

  it("never says a secret, nor takes one from the config file", () => {
    const strict = { token: { ...secret({ description }), parse: refuse } };
    expect(problemsOf(strict, { token: "hunter2hunter2" })).not.toContain("hunter2");
    const message = problemsOf(
      spec,
      { name: "x" },
      {
        config: (name: string) =>
          name === "token" ? { text: "hunter2hunter2", place: "f:9:3" } : undefined,
      },
    );
    expect(message).toContain("token (f:9:3) is a secret");
    expect(message).not.toContain("hunter2");
  });

  it("throws nothing but ActionError, whatever the texts are", () => {
    const everything = {
      ...spec,
      count: integer({ description, min: -3, max: 7 }),
      items: list({ description, commas: true }),
    };
    const names = Object.keys(everything);
    const anyText = fc.oneof(fc.string({ unit: "binary" }), fc.string(), fc.constant("true"));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), anyText), (given) => {
        try {
          const inputs = readInputs(everything, sources(given));
          expect(Object.keys(inputs)).toHaveLength(names.length);
        } catch (error) {
          expect(error).toBeInstanceOf(ActionError);
          const token = given["token"]?.trim() ?? "";
          if (token.length > 12) expect((error as ActionError).message).not.toContain(token);
        }
      }),
    );
  });
});

function refuse(): never {
  throw new InputProblem("is not allowed");
}

it("multiline keeps JSON as the runner's toJSON writes it, which text refuses", () => {
  const given = { matrix: '{\n  "go": "1.26"\n}' };
  expect(readInputs({ matrix: multiline({ description }) }, sources(given))).toEqual(given);
  expect(problemsOf({ matrix: text({ description }) }, given)).toContain("must be one line");
});
