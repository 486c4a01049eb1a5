import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { lineSplitter, type LineEnd } from "./stream-lines.ts";
import { testStream, type TestStream } from "./test-stream.ts";
import { transcript } from "./transcript.ts";

function linesOf(bytes: Buffer, cuts: readonly number[], maxBytes?: number): [string, LineEnd][] {
  const lines: [string, LineEnd][] = [];
  const splitter = lineSplitter((line, end) => lines.push([line, end]), maxBytes);
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const to = Math.max(from, Math.min(cut, bytes.length));
    splitter.push(bytes.subarray(from, to));
    from = to;
  }
  splitter.push(bytes.subarray(from));
  splitter.end();
  return lines;
}

describe("lines", () => {
  test("do not depend on how the stream is cut into chunks, not even inside a character", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "binary" })),
        fc.array(fc.nat({ max: 200 })),
        (texts, cuts) => {
          const bytes = Buffer.from(texts.join("\n"));
          expect(linesOf(bytes, cuts)).toEqual(linesOf(bytes, []));
        },
      ),
    );
  });

  test("say how they ended", () => {
    const bytes = Buffer.from("one\r\nrather long\nlast");
    expect(linesOf(bytes, [2], 6)).toEqual([
      ["one", "newline"],
      ["rather", "too-long"],
      ["last", "end"],
    ]);
  });
});

function streamOf(...events: (object | string)[]): TestStream {
  const reader = testStream();
  for (const event of events) {
    reader.push(Buffer.from(`${typeof event === "string" ? event : JSON.stringify(event)}\n`));
  }
  return reader.end();
}

const P = { Package: "p" };

describe("the stream", () => {
  test("ignores actions and fields that it does not know", () => {
    const stream = streamOf(
      { Action: "start", ...P },
      { Action: "attr", ...P, Test: "TestA", Key: "k", Value: "v" },
      { Action: "hologram", ...P, Depth: 3 },
      { Action: "skip", ...P },
    );
    expect(stream.packages.get("p")).toMatchObject({ tests: [], contradictions: [] });
    expect(stream.damaged).toBe(0);
  });

  test("tells runs of one test apart, and a later pass hides no failure", () => {
    const one = (Action: string): object => ({ Action, ...P, Test: "TestA" });
    const stream = streamOf(one("run"), one("fail"), one("run"), one("pass"));
    expect(stream.packages.get("p")?.tests.map(({ status }) => status)).toEqual(["fail", "pass"]);
    const twice = streamOf(one("run"), one("fail"), one("pass"));
    expect(twice.packages.get("p")).toMatchObject({ contradictions: ["TestA ended twice"] });
  });

  test("takes words of the go command as words, and broken events as damage", () => {
    const stream = streamOf(
      "go: downloading example.com/x v1.0.0",
      "",
      '{"Action":"run","Pack',
      'age":"p"}',
      "{}",
    );
    expect(stream.text.text).toContain("go: downloading");
    expect(stream.damaged).toBe(3);
  });

  test("keeps output that comes after the end, and output of an unknown test", () => {
    const stream = streamOf(
      { Action: "run", ...P, Test: "TestA" },
      { Action: "fail", ...P, Test: "TestA" },
      { Action: "output", ...P, Test: "TestA", Output: "late\n" },
      { Action: "output", ...P, Test: "TestB", Output: "who\n" },
    );
    const tests = stream.packages.get("p")?.tests;
    expect(tests?.[0]?.output?.text).toBe("late\n");
    expect(tests?.[1]).toMatchObject({ name: "TestB", status: "running" });
  });

  test("is not impressed by values of the wrong kind", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.dictionary(
            fc.constantFrom(
              "Action",
              "Package",
              "Test",
              "Output",
              "Elapsed",
              "ImportPath",
              "FailedBuild",
              "OutputType",
            ),
            fc.jsonValue(),
          ),
        ),
        (events) => {
          expect(() => streamOf(...events)).not.toThrow();
        },
      ),
    );
  });
});

describe("a transcript", () => {
  const read = (text: string, size = text.length): ReturnType<typeof transcript> => {
    const result = transcript();
    for (let at = 0; at < text.length; at += size) result.add(text.slice(at, at + size));
    return result;
  };

  test("finds places, panics, races and hanging tests, however the text is cut", () => {
    const text = [
      "=== RUN   TestA",
      "    /repo/a_test.go:12: got 1",
      "        want 2",
      "    b_test.go:3:4: second",
      "        \tError Trace:\t/repo/c_test.go:9",
      "WARNING: DATA RACE",
      "      /repo/race.go:7 +0x33",
      "panic: test timed out after 1s",
      "\trunning tests:",
      "\t\tTestA (1s)",
      "\t\tTestA/sub (0s)",
      "",
      "\t/repo/frame.go:5 +0x1",
      "",
    ].join("\n");
    for (const size of [1, 7, text.length]) {
      const found = read(text, size);
      expect(found.located.map(({ file, line, message }) => [file, line, message])).toEqual([
        ["/repo/a_test.go", 12, "got 1\nwant 2"],
        ["b_test.go", 3, "second"],
        ["/repo/c_test.go", 9, ""],
      ]);
      expect(found.race).toBe(true);
      expect(found.raceFrames).toEqual([{ file: "/repo/race.go", line: 7 }]);
      expect(found.timedOut).toBe(true);
      expect(found.hanging).toEqual(["TestA", "TestA/sub"]);
      expect(found.panicFrames).toEqual([{ file: "/repo/frame.go", line: 5 }]);
    }
  });

  test("stays small, and keeps the beginning and the end", () => {
    const result = transcript();
    result.add("first line\n");
    for (let index = 0; index < 5000; index += 1) result.add(`${"x".repeat(1000)}\n`);
    result.add("last line\n");
    expect(result.text.length).toBeLessThan(130_000);
    expect(result.text).toMatch(/^first line/);
    expect(result.text).toMatch(/characters left out[\s\S]*last line\n$/);
    result.shrink(1000);
    expect(result.text.length).toBeLessThan(1100);
  });

  test("knows errors from logs where Go says so", () => {
    const result = transcript();
    result.add("    a_test.go:1: log\n");
    result.add("    a_test.go:2: bad\n", "error");
    expect(result.located.map(({ error }) => error)).toEqual([null, true]);
  });
});
