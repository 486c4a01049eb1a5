// What setup-go-cached builds on in the go command's caches, held against every Go that is supported:
// each claim with a real go command, a real git repository and a real build cache.
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { setFileTimes } from "../../actions/setup-go-cached/src/test-results/file-times.ts";
import { reportTests } from "../../actions/setup-go-cached/src/test-results/test-report.ts";
import { removeTree } from "../../actions/setup-go-cached/src/tree.ts";
import { systemClock } from "@go-cicd/core/adapters/clock.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { realProcesses } from "@go-cicd/core/testing/processes.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { requirePart } from "../support/real-parts.ts";

jest.setTimeout(600_000);

const go = requirePart("go");
const git = requirePart("git");
const VERSIONS = ["1.24.9", "1.25.4", "1.26", "1.27.0"];

const testOf = (name: string, body: string, imports = '\t"os"\n'): string =>
  `package ${name}\n\nimport (\n${imports}\t"testing"\n)\n\nfunc Test(t *testing.T) {\n${body}}\n`;
const reads = (path: string, wanted: string): string =>
  `\tif data, err := os.ReadFile("${path}"); err != nil || string(data) != ${JSON.stringify(wanted)} {\n\t\tt.Fatal(string(data), err)\n\t}\n`;

const FILES: Record<string, string> = {
  "go.mod": "module example.com/acme/orders\n\ngo 1.24\n",
  "price/price.go": "package price\n",
  "price/price_test.go": testOf("price", reads("testdata/price.txt", "100\n")),
  "price/testdata/price.txt": "100\n",
  "list/list.go": "package list\n",
  "list/list_test.go": testOf(
    "list",
    '\tif entries, err := os.ReadDir("../data"); err != nil || len(entries) != 1 {\n\t\tt.Fatal(err)\n\t}\n',
  ),
  "data/one.txt": "1\n",
  "top/top.go": "package top\n",
  "top/top_test.go": testOf(
    "top",
    '\tif err := os.Chdir(".."); err != nil {\n\t\tt.Fatal(err)\n\t}\n',
  ),
  "env/env.go": "package env\n",
  "env/env_test.go": testOf("env", '\tt.Log(os.Getenv("ACME_REGION"))\n'),
  "code/code.go": "package code\n\nfunc One() int { return 1 }\n",
  "code/code_test.go": testOf("code", '\tif One() != 1 {\n\t\tt.Fatal("not one")\n\t}\n', ""),
};

/** Go of this version, from the machine or by the go command's own verified download. */
function toolchainOf(version: string): string | undefined {
  if (go === undefined) return undefined;
  const said = (toolchain: string): string =>
    execFileSync(go, ["version"], {
      cwd: tempFolder("go-version-"),
      encoding: "utf8",
      env: { ...process.env, GOTOOLCHAIN: toolchain },
      stdio: ["ignore", "pipe", "pipe"],
    });
  if (said("local").includes(` go${version}`)) return "local";
  try {
    if (said(`go${version}`).includes(` go${version} `)) return `go${version}`;
  } catch (error) {
    if (process.env["GO_CICD_REQUIRE_ALL"] === "1") throw error;
  }
  return undefined;
}

/** A machine whose build cache stays and whose checkouts are new each time, at the same place. */
class Machine {
  readonly root = tempFolder("machine-");
  readonly workspace = join(this.root, "orders");
  readonly gocache = join(this.root, "cache");
  readonly #toolchain: string;

  constructor(toolchain: string) {
    this.#toolchain = toolchain;
  }

  /** A job in a new checkout. */
  checkout(changes: Record<string, string> = {}): void {
    removeTree(this.workspace);
    this.write({ ...FILES, ...changes });
    this.git("init", "-q");
    this.git("add", "-A");
    this.git("commit", "-q", "-m", "x");
  }

  write(files: Record<string, string>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.workspace, path)), { recursive: true });
      writeFileSync(join(this.workspace, path), content);
    }
  }

  git(...args: string[]): void {
    execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@example.com", ...args], {
      cwd: this.workspace,
      stdio: "ignore",
    });
  }

  /** What a job's set-up does to file times. */
  async stamp(): Promise<void> {
    expect(await setFileTimes(this.#ports())).toMatchObject({ kind: "set" });
  }

  /** All files of the checkout, with one date. */
  date(date: Date): void {
    for (const path of Object.keys(FILES)) utimesSync(join(this.workspace, path), date, date);
    utimesSync(join(this.workspace, "data"), date, date);
  }

  /** Standard output and error, whether it succeeded or not. */
  go(args: readonly string[], env: Record<string, string> = {}, folder = "."): string {
    try {
      return execFileSync(go ?? "", args, {
        cwd: join(this.workspace, folder),
        encoding: "utf8",
        env: {
          PATH: process.env["PATH"],
          HOME: this.root,
          GOPATH: join(this.root, "path"),
          GOMODCACHE: modules,
          GOCACHE: this.gocache,
          GOTOOLCHAIN: this.#toolchain,
          GOFLAGS: "-buildvcs=false",
          GOTELEMETRY: "off",
          ...env,
        },
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      return `${stdout}${stderr}`;
    }
  }

  test(name: string, ...flags: string[]): string {
    return this.go(["test", ...flags, `./${name}`]);
  }

  /** Every item of the build cache, with a time that says it was not used. */
  markUnused(): number {
    const date = new Date(Date.now() - 2 * 60 * 60 * 1000);
    for (const path of this.items()) utimesSync(path, date, date);
    return Date.now();
  }

  items(): string[] {
    return readdirSync(this.gocache)
      .filter((folder) => /^[0-9a-f]{2}$/.test(folder))
      .flatMap((folder) =>
        readdirSync(join(this.gocache, folder)).map((name) => join(this.gocache, folder, name)),
      );
  }

  /** The end of a job that began at `startMs`: what it says of the tests. */
  async report(startMs: number, env: Record<string, string> = {}): Promise<string[]> {
    const ports = this.#ports(env);
    await reportTests(this.gocache, startMs, ".", ports);
    expect(ports.log.messages("warning")).toEqual([]);
    return ports.log.messages();
  }

  #ports(env: Record<string, string> = {}) {
    const ports = fakePorts({ processes: realProcesses(), clock: systemClock(), env });
    ports.context.workspace = this.workspace;
    return ports;
  }
}

const modules =
  go === undefined
    ? ""
    : execFileSync(go, ["env", "GOMODCACHE"], {
        encoding: "utf8",
        cwd: tempFolder("go-env-"),
      }).trim();
const machines: Machine[] = [];

afterAll(() => {
  for (const { root } of machines) removeTree(root);
});

const CACHED = /^ok .*\(cached\)/m;
const RAN = /^ok .*\t[\d.]+s/m;
const FAILED = /^FAIL/m;

describe.each(VERSIONS)("Go %s", (version) => {
  const toolchain = git === undefined ? undefined : toolchainOf(version);
  const claim = toolchain === undefined ? it.skip : it;
  const machine = new Machine(toolchain ?? "");
  machines.push(machine);

  beforeAll(async () => {
    if (toolchain === undefined) return;
    machine.checkout();
    await machine.stamp();
    expect(machine.go(["test", "./..."])).not.toMatch(FAILED);
  });

  claim("finds results in a new checkout, and without our times it does not", async () => {
    machine.checkout();
    expect(machine.test("price")).toMatch(RAN);
    await machine.stamp();
    for (const name of ["price", "list", "top", "env", "code"]) {
      expect(machine.test(name)).toMatch(CACHED);
    }
  });

  claim("keeps no result of a file younger than 2 s; our times are long past", async () => {
    // An output that was not there before.
    machine.checkout({
      "price/new_test.go": testOf("price", "").replace("Test(", "TestNew(").replace('\t"os"\n', ""),
    });
    expect(machine.test("price")).toMatch(RAN);
    expect(machine.test("price")).toMatch(RAN);
    await machine.stamp();
    expect(machine.test("price")).toMatch(RAN);
    expect(machine.test("price")).toMatch(CACHED);
  });

  const edited = { "price/testdata/price.txt": "999\n" };
  const path = (): string => join(machine.workspace, "price/testdata/price.txt");

  claim("serves nothing stale after an edit of the same size, committed or not", async () => {
    machine.checkout(edited);
    await machine.stamp();
    expect(machine.test("price")).toMatch(FAILED);

    machine.checkout();
    machine.write(edited);
    await machine.stamp();
    expect(machine.test("price")).toMatch(FAILED);

    // After the set-up, by a step.
    machine.checkout();
    await machine.stamp();
    machine.write(edited);
    expect(machine.test("price")).toMatch(FAILED);
  });

  claim("serves nothing stale where the edit hides its time", async () => {
    machine.checkout();
    await machine.stamp();
    const reference = join(machine.root, "reference");
    execFileSync("touch", ["-r", path(), reference]);
    machine.write(edited);
    execFileSync("touch", ["-r", reference, path()]);
    // The twin: so far Go is deceived.
    expect(machine.test("price")).toMatch(CACHED);
    await machine.stamp();
    expect(machine.test("price")).toMatch(FAILED);

    machine.checkout();
    machine.git("update-index", "--assume-unchanged", "price/testdata/price.txt");
    machine.write(edited);
    await machine.stamp();
    expect(machine.test("price")).toMatch(FAILED);
  });

  claim("serves nothing stale where a program reads deep in a submodule of testdata", async () => {
    const imports = '\t"os"\n\t"os/exec"\n';
    const hands =
      '\tif _, err := os.Stat("testdata/spec"); err != nil {\n\t\tt.Fatal(err)\n\t}\n' +
      '\tout, err := exec.Command("cat", "testdata/spec/x/y/case.txt").Output()\n' +
      '\tif err != nil || string(out) != "1\\n" {\n\t\tt.Fatal(string(out), err)\n\t}\n';
    const job = async (content: string): Promise<string> => {
      machine.checkout({
        "hand/hand.go": "package hand\n",
        "hand/hand_test.go": testOf("hand", hands, imports),
      });
      machine.write({ "hand/testdata/spec/x/y/case.txt": content });
      machine.git("init", "-q", "hand/testdata/spec");
      for (const at of ["hand/testdata/spec", "."]) {
        machine.git("-C", at, "add", "-A");
        machine.git("-C", at, "commit", "-q", "-m", "x");
      }
      await machine.stamp();
      return machine.test("hand");
    };
    expect(await job("1\n")).toMatch(RAN);
    expect(await job("1\n")).toMatch(CACHED);
    expect(await job("2\n")).toMatch(FAILED);
  });

  claim("does serve a stale result where all files have one date", () => {
    const date = new Date("2001-01-01T00:00:00Z");
    machine.checkout();
    machine.date(date);
    expect(machine.test("price")).toMatch(RAN);
    machine.checkout(edited);
    machine.date(date);
    expect(machine.test("price")).toMatch(CACHED);
  });

  claim("sees an import that changed at the same size, and with one date it does not", async () => {
    const imports = (name: string): Record<string, string> => ({
      "code/use.go": `package code\n\nimport _ "${name}"\n`,
    });
    const list = (): string => machine.go(["list", "-f", "{{.Imports}}", "./code"]).trim();
    for (const name of ["sort", "sync"]) {
      machine.checkout(imports(name));
      await machine.stamp();
      expect(list()).toBe(`[${name}]`);
    }
    const date = new Date("2001-01-01T00:00:00Z");
    for (const name of ["sort", "sync"]) {
      machine.checkout(imports(name));
      machine.date(date);
      utimesSync(join(machine.workspace, "code/use.go"), date, date);
      expect(list()).toBe("[sort]");
    }
  });

  claim("looks at what is in a folder, and at the folder where a test goes", async () => {
    machine.checkout({ "data/two.txt": "2\n" });
    await machine.stamp();
    expect(machine.test("list")).toMatch(FAILED);
    // A change far below is none of the folder above.
    machine.checkout({ "data/one.txt": "2\n" });
    await machine.stamp();
    expect(machine.test("list")).toMatch(RAN);
    expect(machine.test("top")).toMatch(CACHED);
    machine.checkout({ "top.txt": "new\n" });
    await machine.stamp();
    expect(machine.test("top")).toMatch(RAN);
  });

  claim("caches by package list and flags, and counts variables that the test read", async () => {
    machine.checkout();
    await machine.stamp();
    expect(machine.go(["test"], {}, "price")).not.toContain("(cached)");
    expect(machine.test("price", "-count=1")).toMatch(RAN);
    expect(machine.test("price", "-shuffle=on")).not.toContain("(cached)");
    expect(machine.test("price", "-json")).not.toContain("(cached)");
    expect(machine.test("price", "-json")).toContain("(cached)");
    expect(machine.test("price", "-short")).toMatch(RAN);
    expect(machine.test("price", "-short")).toMatch(CACHED);
    const cover = `-coverprofile=${join(machine.root, "cover.out")}`;
    expect(machine.test("price", cover)).toMatch(RAN);
    // Before Go 1.25 no result with a profile is kept.
    if (version.startsWith("1.24")) expect(machine.test("price", cover)).toMatch(RAN);
    else expect(machine.test("price", cover)).toMatch(/\(cached\)/);
    const region = (value: string, more = {}): string =>
      machine.go(["test", "./env"], { ACME_REGION: value, ...more });
    expect(region("eu")).toMatch(RAN);
    expect(region("eu")).toMatch(CACHED);
    expect(region("us")).toMatch(RAN);
    // Setting GODEBUG is a change for every test, also when it only asks for an explanation.
    expect(region("us", { GODEBUG: "gocachetest=1" })).toMatch(RAN);
  });

  claim("marks what it uses, and leaves the time of content that is there already", async () => {
    machine.checkout();
    await machine.stamp();
    const start = machine.markUnused();
    expect(machine.test("price")).toMatch(CACHED);
    const fresh = (path: string): boolean => statSync(path).mtimeMs >= start - 1_000;
    const used = machine.items().filter(fresh);
    expect(used.length).toBeGreaterThan(10);
    expect(used.length).toBeLessThan(machine.items().length);

    // The same log and other results: the index entry is new, the log it names is not.
    const before = new Set(machine.items());
    const again = machine.markUnused();
    expect(machine.test("price", "-run=^Test$")).toMatch(RAN);
    const stale = machine.items().filter((path) => {
      if (!path.endsWith("-a") || before.has(path)) return false;
      const output = readFileSync(path, "latin1").split(/ +/)[2] ?? "";
      const content = join(machine.gocache, output.slice(0, 2), `${output}-d`);
      return statSync(content).mtimeMs < again - 1_000;
    });
    expect(stale.length).toBeGreaterThan(0);
  });

  claim("trims what was not used for five days when it has not trimmed for one", () => {
    const cache = join(machine.root, "trimmed");
    cpSync(machine.gocache, cache, { recursive: true });
    const folders = readdirSync(cache).filter((name) => /^[0-9a-f]{2}$/.test(name));
    const count = (): number =>
      folders.reduce((sum, folder) => sum + readdirSync(join(cache, folder)).length, 0);
    const date = new Date(Date.now() - 6 * 24 * 60 * 60 * 1000);
    for (const folder of folders) {
      for (const name of readdirSync(join(cache, folder))) {
        utimesSync(join(cache, folder, name), date, date);
      }
    }
    const all = count();
    const build = (): string => machine.go(["build", "./price"], { GOCACHE: cache });
    writeFileSync(join(cache, "trim.txt"), String(Math.floor(Date.now() / 1000)));
    build();
    expect(count()).toBeGreaterThanOrEqual(all);
    writeFileSync(join(cache, "trim.txt"), String(Math.floor(date.getTime() / 1000)));
    build();
    expect(count()).toBeLessThan(all / 2);
    removeTree(cache);
  });

  claim("tells which tests ran, and why", async () => {
    const job = async (
      changes: Record<string, string>,
      flags: readonly string[] = [],
      env: Record<string, string> = {},
      between: () => void = () => undefined,
    ): Promise<string[]> => {
      const start = machine.markUnused();
      machine.checkout(changes);
      await machine.stamp();
      between();
      // One after the other: of tests that end at the same moment the logs cannot be told apart.
      machine.go(["test", "-p=1", ...flags, "./..."], env);
      return machine.report(start, env);
    };
    removeTree(join(machine.gocache, "go-cicd"));
    machine.go(["clean", "-testcache"]);
    const at = "example.com/acme/orders";
    const [first, ...more] = await job({});
    expect(first).toBe(
      "Tests: 0 packages from cache, 5 ran (no job before this one left results here)",
    );
    expect(more).toEqual([]);
    expect(existsSync(join(machine.gocache, "go-cicd/test-inputs.json"))).toBe(true);

    await expect(job({})).resolves.toEqual(["Tests: 5 packages from cache, 0 ran"]);

    // All reasons at once.
    const output = await job(
      {
        "price/testdata/price.txt": "999\n",
        "price/price_test.go": testOf("price", '\tos.ReadFile("testdata/price.txt")\n'),
        "data/two.txt": "2\n",
        "list/list_test.go": FILES["list/list_test.go"] ?? "",
        "code/code.go": "package code\n\nvar one = 1\n\nfunc One() int { return one }\n",
      },
      [],
      { ACME_REGION: "eu" },
    );
    expect(output[0]).toBe("Tests: 1 package from cache, 4 ran");
    const changed = "its code, a dependency, Go or a flag of the test changed";
    expect(output.slice(2)).toEqual([
      `${at}/code: ${changed}`,
      `${at}/env: variable ACME_REGION is set`,
      expect.stringMatching(
        `^${at}/list: folder data changed: two.txt is new; no result was kept: it failed`,
      ),
      `${at}/price: ${changed}`,
    ]);

    // It failed, and now it passes; a test reads what no commit holds; and one runs always.
    const [line, , ...reasons] = await job({}, [], {}, () => {
      machine.write({ "data/one.txt": "other\n" });
    });
    expect(line).toBe("Tests: 4 packages from cache, 1 ran");
    expect(reasons).toEqual([
      `${at}/list: the last job that ran it kept no result (it failed, for one); will run again: data/one.txt has a new time in every checkout`,
    ]);

    const counted = await job({}, ["-count=1"]);
    expect(counted[0]).toBe("Tests: 0 packages from cache, 5 ran");
    expect(counted.filter((text) => text.includes("-count"))).toHaveLength(5);

    // What is compiled for a linter's sake is no test.
    const start = machine.markUnused();
    machine.go(["list", "-test", "-export", "-deps", "./..."]);
    machine.go(["vet", "./..."]);
    await expect(machine.report(start)).resolves.toEqual([]);
  });

  claim("tells a test that will never be found again from one that is", async () => {
    const own = {
      "own/own.go": "package own\n",
      "own/own_test.go": testOf("own", '\tos.ReadFile("made.txt")\n'),
    };
    const job = async (): Promise<string[]> => {
      const start = machine.markUnused();
      machine.checkout(own);
      await machine.stamp();
      const made = join(machine.workspace, "own/made.txt");
      writeFileSync(made, "made by a step of the job\n");
      // Long enough ago to be kept.
      const date = new Date(Date.now() - 60_000);
      utimesSync(made, date, date);
      machine.test("own");
      return machine.report(start);
    };
    await job();
    const [line, , reason] = await job();
    expect(line).toBe("Tests: 0 packages from cache, 1 ran");
    expect(reason).toBe(
      "example.com/acme/orders/own: own/made.txt changed; will run again: own/made.txt has a new time in every checkout",
    );
  });
});
