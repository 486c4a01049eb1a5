import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { ConfigKeys } from "./action.ts";
import { parseConfig, type DoorConfig } from "./config.ts";
import { ActionError } from "./errors.ts";
import { flag, list, secret, text } from "./inputs.ts";

const description = "An input.";
const inputs = {
  "go-version": text({ description }),
  race: flag({ description, default: "false" }),
  packages: list({ description }),
  token: secret({ description }),
  matrix: text({ description, default: "${{ toJSON(matrix) }}" }),
};
const config: ConfigKeys = { tasks: { description: "Tasks.", schema: { type: "array" } } };

function parse(yaml: string): DoorConfig {
  return parseConfig(yaml, { door: "go-matrix-test", inputs, config });
}

function problemsOf(yaml: string): string[] {
  try {
    parse(yaml);
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    expect(error.code).toBe("input");
    return error.message.split("\n").slice(1);
  }
  return [];
}

const at = (line: number, column: number): string => `- .github/go-cicd.yml:${line}:${column} `;

describe("parseConfig", () => {
  it("gives the texts of inputs with their places", () => {
    const { inputs: texts } = parse(
      [
        "# Ours",
        "version: 1",
        "go-matrix-test:",
        "  go-version: 1.20",
        "  race: true",
        "  packages:",
        "    - ./a/...",
        "    - 7",
        "build-image: { whatever: is checked by its own door }",
      ].join("\n"),
    );
    expect(texts).toEqual({
      // The number 1.2 would be another version.
      "go-version": { text: "1.20", place: ".github/go-cicd.yml:4:3" },
      race: { text: "true", place: ".github/go-cicd.yml:5:3" },
      packages: { text: "./a/...\n7", place: ".github/go-cicd.yml:6:3" },
    });
  });

  it("gives structured values with the place of each part", () => {
    const { values } = parse(
      "version: 1\ngo-matrix-test:\n  tasks:\n    - name: lint\n      run: [go, vet]\n",
    );
    expect(values["tasks"]?.value).toEqual([{ name: "lint", run: ["go", "vet"] }]);
    expect(values["tasks"]?.places).toMatchObject({
      "": ".github/go-cicd.yml:4:5",
      "/0/run": ".github/go-cicd.yml:5:12",
      "/0/run/1": ".github/go-cicd.yml:5:17",
    });
  });

  it("resolves anchors and aliases", () => {
    const { inputs: texts } = parse(
      "version: 1\ngo-matrix-test:\n  packages: &p [./a]\n  go-version: &v 1.25\n",
    );
    expect(texts["packages"]?.text).toBe("./a");
    expect(parse("version: 1\nbuild-image: &x {race: true}\ngo-matrix-test: *x\n").inputs).toEqual({
      race: { text: "true", place: expect.any(String) },
    });
  });

  it.each<[string, string]>([
    ["without the door", "version: 1\nbuild-image: {}"],
    ["with an empty door", "version: 1\ngo-matrix-test:\n"],
    ["with a null input", "version: 1\ngo-matrix-test:\n  race:\n"],
  ])("is empty %s", (_, yaml) => {
    expect(parse(yaml)).toEqual({ inputs: {}, values: {} });
  });

  it.each<[string, string, string[]]>([
    ["nothing", "", [`${at(1, 1)}is empty: it must begin with \`version: 1\``]],
    ["a list", "- a", [`${at(1, 1)}must be a map that begins with \`version: 1\``]],
    ["no version", "go-matrix-test: {}", [`${at(1, 1)}\`version: 1\` is missing`]],
    ["another version", "version: 2", [`${at(1, 10)}version must be 1, the only one there is`]],
    [
      "a version in quotes",
      'version: "1"',
      [`${at(1, 10)}version must be 1, the only one there is`],
    ],
    [
      "a misspelt door",
      "version: 1\ngo-matrix-tests: {}",
      [`${at(2, 1)}unknown key "go-matrix-tests": did you mean \`go-matrix-test\`?`],
    ],
    [
      "a misspelt input",
      "version: 1\ngo-matrix-test:\n  packags: x",
      [`${at(3, 3)}unknown key "packags": did you mean \`packages\`?`],
    ],
    [
      "an unknown input",
      "version: 1\ngo-matrix-test:\n  colour: x",
      [
        `${at(3, 3)}unknown key "colour": known are go-version, race, packages, token, matrix, tasks`,
      ],
    ],
    [
      "a name every object has",
      "version: 1\ngo-matrix-test:\n  constructor: x",
      [
        `${at(3, 3)}unknown key "constructor": known are go-version, race, packages, token, matrix, tasks`,
      ],
    ],
    [
      "a secret",
      "version: 1\ngo-matrix-test:\n  token: hunter2",
      [`${at(3, 3)}token is a secret: give it as an input from \`\${{ secrets.… }}\``],
    ],
    [
      "an input that the runner always gives",
      "version: 1\ngo-matrix-test:\n  matrix: x",
      [`${at(3, 3)}matrix can only be given in the workflow`],
    ],
    [
      "a map for an input",
      "version: 1\ngo-matrix-test:\n  race: {a: b}",
      [`${at(3, 9)}race must be a value or a list of values`],
    ],
    [
      "a list of lists",
      "version: 1\ngo-matrix-test:\n  packages: [[a]]",
      [`${at(3, 14)}packages must be a list of single values`],
    ],
    [
      "a door that is no map",
      "version: 1\ngo-matrix-test: x",
      [`${at(2, 1)}go-matrix-test must be a map of input names to values`],
    ],
    ["a key twice", "version: 1\nversion: 1", [`${at(2, 1)}Map keys must be unique`]],
  ])("refuses %s, with line and column", (_, yaml, problems) => {
    expect(problemsOf(yaml)).toEqual(problems);
  });

  it("says where the syntax is wrong", () => {
    expect(problemsOf("version: 1\nbuild-image:\n  a: [1\n")[0]).toMatch(
      /^- \.github\/go-cicd\.yml:\d+:\d+ .*flow/i,
    );
    expect(problemsOf("version: 1\n\tx: 1")[0]).toMatch(/^- \.github\/go-cicd\.yml:2:1 .*tab/i);
  });

  it("says all problems at once", () => {
    expect(problemsOf("go-matrix-test:\n  token: x\n  nope: 1\nnope: 1\n")).toHaveLength(4);
  });

  it("is not blown up by aliases", () => {
    const levels = Array.from({ length: 12 }, (_, level) =>
      level === 0
        ? "    - &a0 [x, x, x, x, x, x, x, x, x]"
        : `    - &a${level} [${Array(9)
            .fill(`*a${level - 1}`)
            .join(", ")}]`,
    );
    const yaml = `version: 1\ngo-matrix-test:\n  tasks:\n${levels.join("\n")}\n`;
    expect(problemsOf(yaml)).toEqual([`${at(3, 3)}has too many aliases`]);
  });

  it("refuses files that no human wrote", () => {
    expect(() => parse(`version: 1\n# ${"x".repeat(70_000)}`)).toThrow(/larger than 64 KiB/);
  });

  it("throws nothing but ActionError, whatever the file is", () => {
    const line = fc.constantFrom(
      "version: 1",
      "go-matrix-test:",
      "  race: true",
      "  packages: &a",
      "    - *a",
      "  tasks: *b",
      "? [a]",
      ": x",
      "<<: *a",
      "!!js/function x",
      "--- ",
      "%YAML 9",
      "- ",
      "  'x: \"",
      "\t",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(line, fc.string({ unit: "binary" }))), (lines) => {
        try {
          parse(lines.join("\n"));
        } catch (error) {
          expect(error).toBeInstanceOf(ActionError);
        }
      }),
    );
  });
});
