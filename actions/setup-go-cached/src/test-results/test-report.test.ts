import { mkdirSync, mkdtempSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { realProcesses } from "@go-cicd/core/testing/processes.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { readTestEntries, type TestEntries } from "./cache-entries.ts";
import { isMainArchive, testedPackage } from "./go-object.ts";
import { placeOf } from "./module-folders.ts";
import { RECORD_PATH, emptyRecord, readRecord, writeRecord, type TestRecord } from "./record.ts";
import { whyRan } from "./reasons.ts";
import { InputStates, inputsOf } from "./test-inputs.ts";
import { reportTests, testLine, testSummary } from "./test-report.ts";
import { packageTests } from "./test-runs.ts";

const WORKSPACE = "/home/runner/orders";

/** A build cache made by hand: entries of the go command's format. */
function cacheOf(
  entries: readonly { action: string; content: string; putMs: number; usedMs?: number }[],
) {
  const gocache = tempFolder("gocache-");
  const write = (hash: string, letter: string, content: string, timeMs: number): void => {
    const path = join(gocache, hash.slice(0, 2), `${hash}-${letter}`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    utimesSync(path, timeMs / 1000, timeMs / 1000);
  };
  for (const [at, { action, content, putMs, usedMs = putMs }] of entries.entries()) {
    const output = `${at}`.padStart(64, "0");
    const size = `${content.length}`.padStart(20);
    const put = `${putMs}000000`.padStart(20);
    write(action, "a", `v1 ${action} ${output} ${size} ${put}\n`, usedMs);
    write(output, "d", content, usedMs);
  }
  return gocache;
}

const id = (letter: string): string => letter.repeat(64);
const START = 1_800_000_000_000;
const OK = "ok  \texample.com/acme/orders\t0.010s\n";

describe("entries of the build cache", () => {
  it("are told apart by when they were written and used, whatever clock wrote them", () => {
    const hour = 60 * 60 * 1000;
    const gocache = cacheOf([
      { action: id("a"), content: OK, putMs: START + 10 },
      { action: id("b"), content: OK, putMs: START - hour, usedMs: START + 10 },
      { action: id("c"), content: OK, putMs: START - hour },
      // Written by a machine whose clock is ahead, and used now.
      { action: id("d"), content: OK, putMs: START + hour / 2, usedMs: START + 10 },
      // Written by this job, and used again much later.
      { action: id("e"), content: OK, putMs: START + 10, usedMs: START + 2 * hour },
    ]);
    const { results } = readTestEntries(gocache, START);
    expect(results.map(({ action, fresh }) => [action[0], fresh])).toEqual([
      ["a", true],
      ["b", false],
      ["d", false],
      ["e", true],
    ]);
    writeFileSync(join(gocache, "testexpire.txt"), `${START}000000\n`);
    expect(readTestEntries(gocache, START).results.map(({ action }) => action[0])).toEqual([
      "a",
      "d",
      "e",
    ]);
  });

  it("may be anything", () => {
    const content = fc.oneof(
      fc.string(),
      fc.string().map((text) => `!<arch>\n${text}`),
      fc.string().map((text) => `!<arch>\n_go_.o          0           0     0     644     ${text}`),
    );
    fc.assert(
      fc.property(content, (text) => {
        const bytes = Buffer.from(text, "latin1");
        isMainArchive(bytes);
        expect(testedPackage(bytes)).toBeUndefined();
      }),
    );
    const gocache = cacheOf([{ action: id("a"), content: "# test log\nopen", putMs: START }]);
    mkdirSync(join(gocache, "aa", "folder-a"));
    writeFileSync(join(gocache, "aa", "short-a"), "v1");
    expect(readTestEntries(gocache, START).logs).toHaveLength(1);
  });
});

describe("the log of a run", () => {
  const entry = (action: string, output: string, put: number) => ({
    ...{ action, output, putNs: BigInt(put), fresh: true },
  });
  /** Log, result, log, result of one package. */
  const run = (name: string, text: string, times: readonly number[]): TestEntries => {
    const [a = 0, b = 0, c = 0, d = 0] = times;
    return {
      logs: [
        { ...entry(`${name}1`, `log of ${text}`, a), text },
        { ...entry(`${name}2`, `log of ${text}`, c), text },
      ],
      results: [
        { ...entry(`${name}3`, `result of ${name}`, b), package: name },
        { ...entry(`${name}4`, `result of ${name}`, d), package: name },
      ],
      linked: new Set([name]),
    };
  };
  const both = (a: TestEntries, b: TestEntries): TestEntries => ({
    logs: [...a.logs, ...b.logs],
    results: [...a.results, ...b.results],
    linked: new Set([...a.linked, ...b.linked]),
  });

  it("is the one that was written between its results", () => {
    const entries = both(run("a", "getenv X\n", [1, 2, 3, 4]), run("b", "", [11, 12, 13, 14]));
    expect(packageTests(entries)).toEqual([
      { package: "a", kind: "ran", log: { ids: ["a1", "a2"], text: "getenv X\n" } },
      { package: "b", kind: "ran", log: { ids: ["b1", "b2"], text: "" } },
    ]);
  });

  it("is not guessed where two tests ended at once", () => {
    const entries = both(run("a", "getenv X\n", [1, 3, 5, 9]), run("b", "", [2, 4, 6, 8]));
    expect(packageTests(entries)).toEqual([
      { package: "a", kind: "ran", log: undefined },
      { package: "b", kind: "ran", log: undefined },
    ]);
  });

  it("names inputs as the go command takes them", () => {
    const log =
      "getenv HOME\nopen testdata/a.txt\nstat /etc/hosts\nopen ../../../other\nchdir /home/runner/orders\nstat go.mod\nopen .\n";
    const folder = `${WORKSPACE}/price`;
    expect(
      inputsOf(log, folder, WORKSPACE, WORKSPACE).map(({ kind, name }) => `${kind} ${name}`),
    ).toEqual(["env HOME", "open price/testdata/a.txt", "stat .", "stat go.mod", "open ."]);
  });

  it("belongs to a package of the nearest module", () => {
    const modules = [
      { path: "example.com/acme", folder: "/w" },
      { path: "example.com/acme/tools", folder: "/w/tools" },
    ];
    expect(placeOf("example.com/acme/tools/gen", modules)).toEqual({
      module: "/w/tools",
      folder: "/w/tools/gen",
    });
    expect(placeOf("example.com/acme/toolset", modules)?.folder).toBe("/w/toolset");
    expect(placeOf("example.com/other", modules)).toBeUndefined();
  });
});

describe("the record", () => {
  const gocache = (): string => mkdtempSync(join(tempFolder("record-"), "x"));
  const record: TestRecord = {
    salt: "5a",
    packages: new Map([
      [
        "example.com/acme/orders",
        {
          ids: ["1", "2"],
          kept: true,
          inputs: [
            {
              kind: "open",
              name: "data",
              state: { sum: "s", entries: { "a.txt": "t", __proto__2: "u" } },
            },
            { kind: "env", name: "X", state: { sum: "unset" } },
          ],
        },
      ],
      ["example.com/acme/price", { ids: [], kept: false, inputs: [] }],
    ]),
  };

  it("comes back as it was", () => {
    const folder = gocache();
    writeRecord(folder, record);
    expect(readRecord(folder)).toEqual(record);
    expect(readRecord(gocache())).toBeUndefined();
  });

  it("is not missed when it is damaged or hostile", () => {
    const folder = gocache();
    writeRecord(folder, record);
    const path = join(folder, RECORD_PATH);
    const good = readFileSync(path, "utf8");
    const twins = [
      good.slice(0, -9),
      good.replace('"version":1', '"version":2'),
      "[]",
      "null",
      "{}",
    ];
    for (const text of [...twins, good.replace('"salt":"5a"', '"salt":5')]) {
      writeFileSync(path, text);
      expect(readRecord(folder)).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (packages, inputs) => {
        writeFileSync(path, JSON.stringify({ version: 1, salt: "", packages, inputs }));
        expect(() => readRecord(folder)).not.toThrow();
      }),
    );
  });

  it("holds no value of a variable, nor what confirms a guess", () => {
    const value = "correct-horse-battery";
    const states = new InputStates(WORKSPACE, { TOKEN: value }, "5a");
    const { sum } = states.stateOf({ kind: "env", name: "TOKEN" });
    expect(sum).toMatch(/^[0-9a-f]{2}$/);
    const others = Array.from({ length: 20_000 }, (_, at) =>
      new InputStates(WORKSPACE, { TOKEN: `guess ${at}` }, "5a").stateOf({
        kind: "env",
        name: "TOKEN",
      }),
    );
    expect(others.filter((state) => state.sum === sum).length).toBeGreaterThan(30);
  });
});

describe("the reason", () => {
  const package_ = "example.com/acme/orders";
  const ran = (ids: string[]) => ({
    package: package_,
    kind: "ran" as const,
    log: { ids, text: "" },
  });
  const workspace = tempFolder("workspace-");
  writeFileSync(join(workspace, "a.txt"), "x");
  const states = (env = {}) => new InputStates(workspace, env, "5a");
  const known = (names: readonly ["env" | "stat" | "open", string][], kept = true): TestRecord => ({
    salt: "5a",
    packages: new Map([
      [
        package_,
        {
          ids: ["1"],
          kept,
          inputs: names.map(([kind, name]) => ({
            kind,
            name,
            state: states().stateOf({ kind, name }),
          })),
        },
      ],
    ]),
  });

  it.each([
    ["nothing is known of earlier jobs", undefined, ["1"]],
    ["no earlier job kept a result", emptyRecord(), ["1"]],
    ["the last job that ran it kept no result (it failed, for one)", known([], false), ["1"]],
    ["its code, a dependency, Go or a flag of the test changed", known([]), ["2"]],
    [
      "something that it read differed while it ran: a variable of the step, or a file",
      known([["stat", "a.txt"]]),
      ["1"],
    ],
  ])("%s", (why, record, ids) => {
    expect(whyRan(ran(ids), record, undefined, states())).toBe(why);
  });

  it("is the first input that differs", () => {
    const record = known([
      ["env", "SAME"],
      ["stat", "b.txt"],
      ["env", "X"],
      ["stat", "a.txt"],
    ]);
    expect(whyRan(ran(["1"]), record, undefined, states({ X: "1" }))).toBe("variable X is set");
    writeFileSync(join(workspace, "b.txt"), "x");
    expect(whyRan(ran(["1"]), record, undefined, states({ X: "1" }))).toBe("b.txt is there now");
    expect(whyRan(ran(["1"]), record, [{ kind: "env", name: "GITHUB_RUN_ID" }], states())).toBe(
      "b.txt is there now; will run again: GITHUB_RUN_ID differs from run to run",
    );
  });
});

describe("what is said", () => {
  it("is one line, and a table that ends", () => {
    const ran = Array.from({ length: 70 }, (_, at) => ({ package: `p${at}`, why: "a|b\n<i>" }));
    const report = { cached: 1, ran, kept: 0, first: false };
    expect(testLine(report)).toBe("Tests: 1 package from cache, 70 ran");
    expect(testLine({ ...report, first: true })).toMatch(/70 ran \(the next job can say why\)$/);
    const summary = testSummary(report, ran);
    expect(summary.match(/^\| p\d+ /gm)).toHaveLength(50);
    expect(summary).toContain("And 20 more, in the log.");
    expect(summary).not.toContain("<i>");
  });

  const job = (gocache: string) => {
    const ports = fakePorts({ processes: realProcesses() });
    return { ports, report: () => reportTests(gocache, START, ".", ports) };
  };

  it("is nothing where no test ran or there is no cache", async () => {
    for (const gocache of [cacheOf([]), "/nowhere"]) {
      const { ports, report } = job(gocache);
      await report();
      expect(ports.log.messages()).toEqual([]);
      expect(ports.summary.blocks).toEqual([]);
    }
  });

  it("is a warning where the cache cannot be read: no job fails of it", async () => {
    const gocache = join(tempFolder("file-"), "cache");
    writeFileSync(gocache, "no folder");
    const { ports, report } = job(gocache);
    await report();
    expect(ports.log.messages("warning").join()).toMatch(/cannot be told: .*ENOTDIR/);
  });

  it("goes by what was known before the job, also at the end of a second set-up", async () => {
    const gocache = cacheOf([{ action: id("a"), content: OK, putMs: START + 10 }]);
    writeRecord(gocache, emptyRecord());
    const { ports, report } = job(gocache);
    await report();
    await report();
    const why = "example.com/acme/orders: no earlier job kept a result";
    expect(ports.log.messages().filter((text) => text === why)).toHaveLength(2);
    // In the next job it is known.
    const next = job(gocache);
    await next.report();
    expect(next.ports.log.messages()).not.toContain(why);
  });

  it("can act on no terminal", async () => {
    const gocache = cacheOf([
      { action: id("a"), content: "ok  \tp\u001b[2J\t0.010s\n", putMs: START + 10 },
    ]);
    writeRecord(gocache, emptyRecord());
    const { ports, report } = job(gocache);
    await report();
    expect([...ports.log.messages(), ...ports.summary.blocks].join()).not.toContain("\u001b");
  });
});
