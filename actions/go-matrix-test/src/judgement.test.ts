import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { judge, type Judgement } from "./judgement.ts";
import { testStream } from "./test-stream.ts";

interface Recording {
  version: string;
  name: string;
  exit: number;
  green: boolean;
  packages: string[];
  race: boolean;
  lines: string[];
}

const FIXTURES = join(dirname(fileURLToPath(import.meta.url)), "../../../test/fixtures/go-streams");

const recordings: Recording[] = readdirSync(FIXTURES).flatMap((version) => {
  const cases = JSON.parse(readFileSync(join(FIXTURES, version, "cases.json"), "utf8")) as Record<
    string,
    { exit: number; green: boolean; packages: string[]; args: string[] }
  >;
  return Object.entries(cases).map(([name, { exit, green, packages, args }]) => ({
    ...{ version, name, exit, green, packages },
    race: args.includes("-race"),
    lines: readFileSync(join(FIXTURES, version, `${name}.jsonl`), "utf8")
      .split("\n")
      .slice(0, -1),
  }));
});

function verdictOf(recording: Recording, text: string, code = recording.exit): Judgement {
  const reader = testStream();
  reader.push(Buffer.from(text));
  return judge(
    reader.end(),
    { kind: "exited", code },
    {
      planned: recording.packages,
      race: recording.race,
    },
  );
}

const whole = ({ lines }: Recording): string => lines.map((line) => `${line}\n`).join("");

describe("the verdict on streams that real Go versions wrote", () => {
  test("there are recordings of several versions", () => {
    expect(readdirSync(FIXTURES).length).toBeGreaterThanOrEqual(4);
    expect(recordings.length).toBeGreaterThan(150);
  });

  test.each(recordings.map((recording) => [recording.version, recording.name, recording] as const))(
    "%s %s is judged right",
    (_version, _name, recording) => {
      const { verdict, reasons, packages } = verdictOf(recording, whole(recording));
      const seen = { reasons, findings: packages.flatMap(({ findings }) => findings) };
      expect({ ...seen, green: verdict === "pass" }).toEqual({
        ...seen,
        green: recording.green,
      });
    },
  );
});

describe("what a red run is called", () => {
  const of = (name: string): Judgement => {
    const recording = recordings.find((one) => one.version === "go1.26.8" && one.name === name);
    if (recording === undefined) throw new Error(`no recording ${name}`);
    return verdictOf(recording, whole(recording));
  };
  const said = (name: string): string[] =>
    of(name).packages.flatMap(({ path, status, findings }) =>
      findings.map(
        ({ kind, test: of }) =>
          `${path.replace("example.com/", "")} ${status} ${kind} ${of ?? "-"}`,
      ),
    );

  test.each([
    ["fail", ["m fail test TestBad", "m fail test TestTable/http://x/y"]],
    ["panic-test", ["m fail panic TestPanics"]],
    ["os-exit-1", ["m fail incomplete TestExit"]],
    ["syscall-exit-0", ["m incomplete incomplete -"]],
    ["timeout", ["m fail incomplete TestHangs", "m fail timeout TestHangs/inner"]],
    [
      "build-fail",
      [
        "m build-failed build -",
        "m/b build-failed build -",
        "m/c build-failed build -",
        "m/d build-failed build -",
      ],
    ],
    ["setup-fail", ["m build-failed build -"]],
    ["testmain-exit-3", ["m fail test -"]],
    ["race-in-test", ["m fail race TestRace"]],
    ["race-after-pass", ["m fail race -"]],
    ["count2-fail-pass", ["m fail test TestFlaky"]],
    ["prints-verdicts", ["m fail test TestBad"]],
  ])("%s", (name, expected) => {
    expect(said(name)).toEqual(expected);
  });

  test("a cached package says so, and what a test prints does not make it cached", () => {
    expect(of("cached").packages.map(({ cached }) => cached)).toEqual([true, false]);
    expect(of("prints-failures").packages.map(({ cached }) => cached)).toEqual([false]);
  });
});

describe("evidence that was tampered with", () => {
  const red = recordings.filter(({ green }) => !green);

  /** The stream with one or more lines dropped, doubled, cut, merged or moved. */
  function mutate(lines: readonly string[], what: string, at: number, other: number): string {
    const result = [...lines];
    const line = result[at] ?? "";
    switch (what) {
      case "drop":
        result.splice(at, 1);
        break;
      case "double":
        result.splice(at, 0, line);
        break;
      case "cut": {
        const column = 1 + (other % Math.max(1, line.length - 1));
        result.splice(at, 1, line.slice(0, column), line.slice(column));
        break;
      }
      case "merge":
        result.splice(at, 2, line + (result[at + 1] ?? ""));
        break;
      case "move":
        result.splice(at, 1);
        result.splice(other % (result.length + 1), 0, line);
        break;
      case "stop": {
        const kept = result.slice(0, at + 1);
        return kept.join("\n").slice(0, -(other % (line.length + 1)) || undefined);
      }
    }
    return result.map((one) => `${one}\n`).join("");
  }

  // The exit code is lied about as well: the events alone must not turn green.
  test.each(["drop", "double", "cut", "merge", "move", "stop"])(
    "%s: never turns red green, whatever the exit code",
    (what) => {
      fc.assert(
        fc.property(
          fc.constantFrom(...red),
          fc.nat(),
          fc.nat(),
          fc.boolean(),
          (recording, at, other, honest) => {
            const text = mutate(recording.lines, what, at % recording.lines.length, other);
            const { verdict } = verdictOf(recording, text, honest ? recording.exit : 0);
            expect(verdict).not.toBe("pass");
          },
        ),
        { numRuns: 400 },
      );
    },
  );

  test("every end that is missing from a green stream makes it red", () => {
    for (const recording of recordings.filter(({ green }) => green)) {
      recording.lines.forEach((line, index) => {
        if (!/"Action":"(pass|skip)"/.test(line)) return;
        if (/"Test":"Benchmark/.test(line)) return;
        const text = mutate(recording.lines, "drop", index, 0);
        expect([recording.name, verdictOf(recording, text).verdict]).not.toEqual([
          recording.name,
          "pass",
        ]);
      });
    }
  });

  test("every line of a green stream that is torn makes it red", () => {
    for (const recording of recordings.filter(({ green }) => green)) {
      recording.lines.forEach((line, index) => {
        const text = mutate(recording.lines, "cut", index, line.length >> 1);
        expect([recording.name, verdictOf(recording, text).verdict]).toEqual([
          recording.name,
          "incomplete",
        ]);
      });
    }
  });

  test("a package that passes with a failed test in it is red, and one nobody planned too", () => {
    const events = [
      { Action: "run", Package: "p", Test: "TestA" },
      { Action: "fail", Package: "p", Test: "TestA" },
      { Action: "pass", Package: "p" },
    ];
    const text = events.map((event) => `${JSON.stringify(event)}\n`).join("");
    const recording = {
      ...{ version: "", name: "", exit: 0, green: false, race: false },
      lines: [],
    };
    expect(verdictOf({ ...recording, packages: ["p"] }, text).verdict).toBe("fail");
    const passed = text.replace('"fail"', '"pass"');
    expect(verdictOf({ ...recording, packages: ["p"] }, passed).verdict).toBe("pass");
    const { verdict, reasons } = verdictOf({ ...recording, packages: [] }, passed);
    expect(verdict).toBe("incomplete");
    expect(reasons).toEqual(["package p came in the stream and was not planned"]);
  });

  test("an exit code that no event explains is red, and so is a signal", () => {
    for (const recording of recordings.filter(({ green }) => green)) {
      expect(verdictOf(recording, whole(recording), 1).verdict).toBe("incomplete");
    }
  });

  test("a planned package that never came is named", () => {
    const recording = recordings.find(({ name }) => name === "pass");
    if (recording === undefined) throw new Error("no recording");
    const packages = [...recording.packages, "example.com/m/lost"];
    const { verdict, packages: judged } = verdictOf({ ...recording, packages }, whole(recording));
    expect(verdict).toBe("incomplete");
    expect(judged.at(-1)?.findings[0]?.summary).toBe(
      "example.com/m/lost was planned and never ran",
    );
  });
});
