// setup-go-cached with a real go command, a real git repository and real caches on disk.
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { systemClock } from "@go-cicd/core/adapters/clock.ts";
import { inputs as spec, type Inputs } from "../../actions/setup-go-cached/src/inputs.ts";
import { main } from "../../actions/setup-go-cached/src/run.ts";
import { post } from "../../actions/setup-go-cached/src/post.ts";
import { removeTree } from "../../actions/setup-go-cached/src/tree.ts";
import type { JobContext } from "@go-cicd/core/context.ts";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Http } from "@go-cicd/core/http.ts";
import { inputsOf } from "@go-cicd/core/testing/inputs.ts";
import type { RecordingLog } from "@go-cicd/core/testing/log.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { realProcesses } from "@go-cicd/core/testing/processes.ts";
import { memoryStore, type MemoryStore } from "@go-cicd/core/testing/store.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { requirePart } from "../support/real-parts.ts";

jest.setTimeout(300_000);

const go = requirePart("go");
const git = requirePart("git");
const whole = go !== undefined && git !== undefined ? describe : describe.skip;

/** A module with a small dependency, a test that reads a file, and a program. */
const MODULE: Record<string, string> = {
  "go.mod": "module example.com/acme/orders\n\ngo 1.24\n\nrequire github.com/pkg/errors v0.9.1\n",
  "go.sum":
    "github.com/pkg/errors v0.9.1 h1:FEBLx1zS214owpjy7qsBeixbURkuhQAwrK5UwLGTwt4=\n" +
    "github.com/pkg/errors v0.9.1/go.mod h1:bwawxfHBFNV+L2hUp1rHADufV3IMtnDRdf1r5NINEl0=\n",
  "orders.go":
    'package orders\n\nimport "github.com/pkg/errors"\n\nfunc Refuse() error { return errors.New("no") }\n',
  "orders_test.go":
    'package orders\n\nimport (\n\t"os"\n\t"strings"\n\t"testing"\n)\n\n' +
    'func TestPrice(t *testing.T) {\n\tprice, err := os.ReadFile("testdata/price.txt")\n' +
    '\tif err != nil || strings.TrimSpace(string(price)) != "100" {\n\t\tt.Fatal(string(price), err)\n\t}\n' +
    '\tif Refuse().Error() != "no" {\n\t\tt.Fatal(Refuse())\n\t}\n}\n',
  "testdata/price.txt": "100\n",
  "tool/main.go": 'package main\n\nfunc main() { println("tool") }\n',
};

/** The machine's own Go. */
const ask = (name: string): string =>
  go === undefined
    ? ""
    : execFileSync(go, ["env", name], {
        encoding: "utf8",
        env: { ...process.env, GOTOOLCHAIN: "local" },
      }).trim();
const version = ask("GOVERSION").replace("go", "");
const goroot = ask("GOROOT");

/** The machine's module cache, as a proxy: nothing is fetched twice. */
let proxy = "";
let source = "";

beforeAll(() => {
  if (go === undefined) return;
  source = tempFolder("go-source-");
  write(source, MODULE);
  const modules = join(tempFolder("go-proxy-"), "mod");
  execFileSync(go, ["mod", "download"], {
    cwd: source,
    env: { ...process.env, GOMODCACHE: modules, GOFLAGS: "-modcacherw", GOTOOLCHAIN: "local" },
  });
  proxy = `file://${modules}/cache/download`;
});

afterAll(() => {
  for (const folder of [home, ...machines.splice(0)]) removeTree(folder);
});

function write(root: string, files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

const machines: string[] = [];

/** The runner's home: a path that is the same on all machines, as on hosted ones. */
const home = join(tempFolder("home-"), "runner");

/** One job on a machine of its own: fresh home, workspace and caches, at the same paths as ever. */
function job(
  store: MemoryStore,
  files: Record<string, string>,
  options: { env?: Record<string, string>; context?: Partial<JobContext>; workspace?: string } = {},
) {
  const ports = fakePorts({
    store,
    processes: realProcesses(),
    clock: systemClock(),
    env: { HOME: home, GOPROXY: proxy, GOFLAGS: "", GOSUMDB: "off", ...options.env },
    context: options.context ?? {},
  });
  machines.push(ports.root);
  const workspace = options.workspace ?? ports.context.workspace;
  ports.context.workspace = workspace;
  for (const folder of [home, workspace]) {
    removeTree(folder);
    mkdirSync(folder, { recursive: true });
  }
  write(workspace, files);
  const run = (...args: string[]) => {
    execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@example.com", ...args], {
      cwd: workspace,
      env: { ...ports.env, GIT_CONFIG_NOSYSTEM: "1" },
      stdio: "ignore",
    });
  };
  run("init", "-q");
  run("add", "-A");
  run("commit", "-q", "-m", "x");
  const goRun = (args: string[], env: Record<string, string> = {}): string => {
    try {
      return execFileSync("go", args, {
        cwd: workspace,
        env: { ...(ports.env as NodeJS.ProcessEnv), ...env },
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      return `FAILED ${stdout}${stderr}`;
    }
  };
  return { ports, workspace, go: goRun };
}

const said = (ports: { log: RecordingLog }): string => ports.log.messages().join("\n");

const given = (values: Partial<Record<keyof typeof spec, string>> = {}): Inputs =>
  inputsOf(spec, { "go-version": version, ...values });

whole("a job on a fresh machine", () => {
  const workspace = join(tempFolder("workspace-"), "orders");
  const tests = ["test", "-coverprofile=cover.out", "./..."];
  const store = memoryStore();
  let cold: Awaited<ReturnType<typeof main>>;
  let output = "";

  /** The first job of all; what it saved is what the others find. */
  beforeAll(async () => {
    const first = job(store, MODULE, { workspace });
    cold = await main(given(), first.ports);
    output = first.go(["test", "./..."]) + first.go(tests) + first.go(["run", "./tool"]);
    first.go(["build", "-gcflags=-l", "./tool"]);
    await post(given(), first.ports);
  });

  it("finds modules, build results and test results of the job before", async () => {
    expect(cold.outputs).toMatchObject({ "cache-hit": "false", "restored-bytes": "0" });
    expect(output).toMatch(/^ok .*orders\t[\d.]+s/m);
    expect(store.keys()).toHaveLength(2);
    // No zip, no lock, no list: what go needs offline and nothing else.
    const [modules = ""] = store.keys();
    expect(store.files(modules).filter((path) => path.includes("/cache/"))).toEqual([
      "modules/cache/download/github.com/pkg/errors/@v/v0.9.1.info",
      "modules/cache/download/github.com/pkg/errors/@v/v0.9.1.mod",
      "modules/cache/download/github.com/pkg/errors/@v/v0.9.1.ziphash",
    ]);

    const second = job(store, MODULE, { workspace });
    const warm = await main(given(), second.ports);
    expect(warm.outputs).toMatchObject({
      "cache-hit": "true",
      "modules-hit": "true",
      "build-hit": "true",
    });
    const offline = { GOPROXY: "off" };
    for (const flags of ["-mod=readonly", "-mod=mod"]) {
      expect(second.go(["build", "./..."], { ...offline, GOFLAGS: flags })).toBe("");
    }
    expect(second.go(["list", "-m", "all"], offline)).toContain("github.com/pkg/errors v0.9.1");
    expect(second.go(["test", "./..."], offline)).toMatch(/^ok .*orders\t\(cached\)/m);
    // Nothing is compiled again.
    const compiled = second.go(["build", "-x", "./..."], offline);
    expect(compiled).not.toContain("/compile ");

    await post(given(), second.ports);
    expect(store.keys()).toHaveLength(2);
    expect(said(second.ports)).toMatch(/build cache: not saved/);
    expect(said(second.ports)).toContain("Tests: 1 package from cache, 0 ran");
  });

  it("serves no stale result after an edit that keeps the size", async () => {
    const edited = { ...MODULE, "testdata/price.txt": "999\n" };
    const second = job(store, edited, { workspace });
    await main(given(), second.ports);
    expect(second.go(["test", "./..."])).toContain("FAIL");
    // The same edit, not committed: the file keeps its own time.
    const third = job(store, MODULE, { workspace });
    writeFileSync(join(workspace, "testdata/price.txt"), "998\n");
    await main(given(), third.ports);
    expect(third.go(["test", "./..."])).toContain("FAIL");
    // And a change of the code at the same size is compiled.
    const code = MODULE["orders_test.go"]?.replace('"100"', '"200"') ?? "";
    const fourth = job(store, { ...MODULE, "orders_test.go": code }, { workspace });
    await main(given(), fourth.ports);
    expect(fourth.go(["test", "./..."])).toContain("FAIL");
  });

  it("leaves behind what a job does not use, and still answers everything it asks for", async () => {
    const [, base = ""] = store.keys();
    const full = store.files(base);

    const second = job(store, MODULE, { workspace });
    await main(given(), second.ports);
    second.go(tests);
    second.go(["run", "./tool"]);
    // Something new, so that there is something to save.
    appendFileSync(
      join(workspace, "orders.go"),
      `\nvar Table = ${JSON.stringify("x".repeat(300_000))}\n`,
    );
    second.go(tests);
    await post(given(), second.ports);
    const [, , delta = ""] = store.keys();
    expect(said(second.ports)).toMatch(/[1-9]\d* items left behind/);
    // What is new stands on what was there: nothing is saved twice.
    expect(delta).toMatch(/-delta-[0-9a-f]{12}-on-base-[0-9a-f]{12}$/);
    expect(base.endsWith(delta.split("-on-")[1] ?? "-")).toBe(true);
    const added = store.files(delta).filter((path) => path.startsWith("build/"));
    expect(added.length).toBeGreaterThan(0);
    expect(added.filter((path) => !path.includes("/go-cicd/") && full.includes(path))).toEqual([]);

    const third = job(store, MODULE, { workspace });
    await main(given(), third.ports);
    // Of the base only what that job used has landed.
    const outputs = full.filter((path) => /-d(\/|$)/.test(path));
    const landed = outputs.filter((path) =>
      existsSync(join(third.ports.env["GOCACHE"] ?? "", path.slice("build/".length))),
    );
    expect(landed.length).toBeGreaterThan(50);
    expect(outputs.length - landed.length).toBeGreaterThan(5);
    expect(third.go(tests)).toMatch(/orders\t\(cached\)/);
    // The program itself is in the cache as a folder with its name and mode.
    expect(third.go(["run", "-x", "./tool"])).not.toContain("/link ");
  });

  it("finds a result again where a change leaves the test program as it was, jobs later", async () => {
    const own = memoryStore();
    const unused = (text: string) => ({
      ...MODULE,
      "unused.go": `package orders\n\nfunc unused() string { return ${JSON.stringify(text)} }\n`,
    });
    const run = async (files: Record<string, string>): Promise<string> => {
      const next = job(own, files, { workspace });
      await main(given(), next.ports);
      const said = next.go(["test", "./..."]) + next.go(["build", "./..."]);
      await post(given(), next.ports);
      return said;
    };
    expect(await run(unused("one"))).toMatch(/^ok .*orders\t[\d.]+s/m);
    // Found by what the program is made of; what it then is was not asked for. Something is saved.
    const more = {
      "other/other.go": `package other\n\nvar T = ${JSON.stringify("x".repeat(2_000_000))}\n`,
    };
    expect(await run({ ...unused("one"), ...more })).toContain("(cached)");
    expect(own.keys()).toHaveLength(3);
    // It is made of something else now, and comes out the same.
    expect(await run({ ...unused("two"), ...more })).toContain("(cached)");
  });

  it("keeps everything of a job that failed before it asked for it", async () => {
    const second = job(store, MODULE, { workspace });
    await main(given(), second.ports);
    appendFileSync(
      join(workspace, "tool/main.go"),
      `\nvar Table = ${JSON.stringify("x".repeat(300_000))}\n`,
    );
    second.go(["build", "./tool"]);
    await post(given({ "job-status": "failure" }), second.ports);
    expect(said(second.ports)).toMatch(/ 0 items left behind/);
  });

  it("uses modules only where a tag is built, and only those that are what go.sum says", async () => {
    const context = { ref: "refs/tags/v1.0.0" };
    const second = job(store, MODULE, { workspace, context });
    const { outputs } = await main(given(), second.ports);
    expect(outputs).toMatchObject({ "modules-hit": "true", "build-hit": "false" });
    expect(said(second.ports)).toContain("1 restored modules are what go.sum says");
    expect(second.go(["list", "-deps", "./..."], { GOPROXY: "off" })).toContain("pkg/errors");
    const saves = store.saves.length;
    await post(given(), second.ports);
    expect(store.saves).toHaveLength(saves);
  });

  it.each([
    ["where a tag is built", { ref: "refs/tags/v1.0.0" }],
    ["anywhere else", {}],
  ])("takes no module that somebody altered in the cache, %s", async (_, context) => {
    const [key = ""] = store.keys();
    const folder = tempFolder();
    const all = { name: "modules", key, roots: { modules: folder } };
    await store.restore({ ...all, restoreKeys: [] });
    appendFileSync(
      join(folder, "github.com/pkg/errors@v0.9.1/errors.go"),
      '\nfunc init() { panic("altered") }\n',
    );
    // And its sum beside it: go itself would not see it.
    const altered = memoryStore();
    const files = store.files(key).map((path) => path.slice("modules/".length));
    await altered.save({ ...all, files: { modules: files } });

    const second = job(altered, MODULE, { workspace, context });
    const { outputs } = await main(given(), second.ports);
    expect(outputs["modules-hit"]).toBe("false");
    expect(said(second.ports)).toContain("github.com/pkg/errors@v0.9.1");
    expect(second.go(["build", "./..."], { GOPROXY: "off" })).toContain("FAILED");
    expect(second.go(["mod", "download"])).toBe("");
    const tree = join(second.ports.env["GOMODCACHE"] ?? "", "github.com/pkg/errors@v0.9.1");
    expect(readFileSync(join(tree, "errors.go"), "utf8")).not.toContain("altered");
  });

  it.each([
    ["a pull request from a fork", { fromFork: true, eventName: "pull_request" }],
    ["pull_request_target", { eventName: "pull_request_target" }],
  ])("saves nothing for %s, but restores", async (_, context) => {
    const second = job(store, MODULE, { workspace, context });
    const { outputs } = await main(given(), second.ports);
    expect(outputs["cache-hit"]).toBe("true");
    appendFileSync(join(workspace, "orders.go"), "\nvar X = 1\n");
    second.go(["build", "./..."]);
    const saves = store.saves.length;
    await post(given(), second.ports);
    expect(store.saves).toHaveLength(saves);
  });

  it("works without a cache, outside of git, and says so", async () => {
    const store = memoryStore();
    store.unavailable = true;
    const { ports, go: run } = job(store, MODULE);
    removeTree(join(ports.context.workspace, ".git"));
    await main(given(), ports);
    expect(said(ports)).toMatch(/File times stay as they are.*not a git repository/);
    expect(said(ports)).toContain("the cache service is away");
    expect(run(["list", "-deps", "./..."])).toContain("pkg/errors");
    await post(given(), ports);
    expect(said(ports)).toMatch(/modules: not saved/);
  });

  it("refuses an entry that is damaged, warns, and goes on", async () => {
    for (const key of store.keys()) store.corrupt.add(key);
    const second = job(store, MODULE, { workspace });
    const { outputs, failure } = await main(given(), second.ports);
    expect(failure).toBeUndefined();
    expect(outputs["cache-hit"]).toBe("false");
    expect(second.go(["list", "-deps", "./..."])).toContain("pkg/errors");
    expect(second.ports.log.messages("warning").join()).toMatch(/refused, and nothing of it/);
  });
});

/** No network. */
function away(): Http {
  const refuse = () => Promise.reject(new ActionError("network", "there is no network"));
  return { request: refuse, stream: refuse };
}

whole("the toolchain", () => {
  it("may be newer than the go line asks for when no list of versions can be had", async () => {
    const { ports } = job(memoryStore(), MODULE, { env: { GOPROXY: "off" } });
    ports.http = away() as typeof ports.http;
    const { outputs } = await main(inputsOf(spec, {}), ports);
    expect(outputs["go-version"]).toBe(version);
    expect(said(ports)).toContain("new enough");
  });

  it("is the one on PATH when that fits, and then nothing is fetched", async () => {
    const { ports } = job(
      memoryStore(),
      { "go.mod": "module x\n\ngo 1.24\n" },
      { env: { GOPROXY: "off" } },
    );
    const { outputs } = await main(given({ "go-version": version }), ports);
    expect(outputs).toMatchObject({ "go-version": version, goroot });
    expect(ports.exported).toMatchObject({ GOTOOLCHAIN: "local" });
    expect(ports.exported).not.toHaveProperty("GOROOT");
    expect(ports.paths[0]).toBe(join(goroot, "bin"));
    expect(ports.paths).toContain(join(ports.env["HOME"] ?? "", "go", "bin"));
    expect(existsSync(join(ports.root, "tools", "go"))).toBe(false);
  });

  it("comes from a mirror when its archive has the sum that was given, and else not", async () => {
    const archive = join(tempFolder(), "go.tar.gz");
    // A toolchain that is small enough for a test: the go command and what it needs to say who it is.
    const stage = tempFolder();
    mkdirSync(join(stage, "go/bin"), { recursive: true });
    mkdirSync(join(stage, "go/test"), { recursive: true });
    writeFileSync(join(stage, "go/test/left-out"), "x");
    writeFileSync(
      join(stage, "go/bin/go"),
      '#!/bin/sh\necho go1.24.99\ncd "$(dirname "$0")/.." && pwd\n',
      { mode: 0o755 },
    );
    execFileSync("tar", ["-czf", archive, "-C", stage, "go"]);
    const content = readFileSync(archive);
    const { createHash } = await import("node:crypto");
    const sha256 = createHash("sha256").update(content).digest("hex");
    const { createServer } = await import("node:http");
    const server = createServer((request, response) => {
      if (request.url === "/mirror/go1.24.99.linux-amd64.tar.gz") response.end(content);
      else response.writeHead(404).end();
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const { httpClient } = await import("@go-cicd/core/adapters/http.ts");
    const inputs = (sum: string) =>
      given({
        "go-version": "1.24.99",
        "go-download-base-url": `http://127.0.0.1:${port ?? 0}/mirror`,
        "go-download-sha256": sum,
      });
    try {
      const { ports } = job(memoryStore(), { "go.mod": "module x\n" });
      ports.http = httpClient(systemClock()) as typeof ports.http;
      await expect(main(inputs("0".repeat(64)), ports)).rejects.toMatchObject({
        code: "integrity",
      });
      const kept = (tool: string) =>
        readdirSync(join(ports.root, "tools", tool), { recursive: true }).map(String);
      const [refused = ""] = readdirSync(join(ports.root, "tools"));
      expect(kept(refused)).toEqual(["1.24.99"]);
      const { outputs } = await main(inputs(sha256), ports);
      // What has a sum of its own is never mixed up with Go's own releases.
      expect(outputs.goroot).toMatch(/tools\/go-[0-9a-f]{8}\/1\.24\.99\/[a-z0-9]+$/);
      expect(readdirSync(outputs.goroot ?? "").sort()).toEqual([".go-cicd-verified", "bin"]);
      expect(statSync(join(outputs.goroot ?? "", "bin/go")).mode & 0o111).not.toBe(0);
      // And from the tool cache the next time.
      server.close();
      server.closeAllConnections();
      const again = await main(inputs(sha256), ports);
      expect(again.outputs.goroot).toBe(outputs.goroot);
      expect(said(ports)).toContain("tool cache");
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it("is fetched and verified by the go command on PATH, whatever GOTOOLCHAIN says", async () => {
    const env = { GOPROXY: "", GOSUMDB: "", GOTOOLCHAIN: "local" };
    const { ports } = job(memoryStore(), { "go.mod": "module x\n\ngo 1.25.4\n" }, { env });
    const { outputs } = await main(inputsOf(spec, {}), ports);
    const folder = join(ports.root, "tools", "go", "1.25.4");
    expect(outputs).toMatchObject({ "go-version": "1.25.4", goroot: join(folder, process.arch) });
    expect(readdirSync(folder).sort()).toEqual([process.arch, `${process.arch}.complete`]);
    expect(readdirSync(join(ports.root, "tools", "go"))).toEqual(["1.25.4"]);
    const program = join(outputs.goroot ?? "", "bin", "go");
    const said = execFileSync(program, ["env", "GOROOT", "GOVERSION"], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], HOME: home, GOTOOLCHAIN: "local" },
    });
    expect(said).toBe(`${outputs.goroot ?? ""}\ngo1.25.4\n`);
    // The user's own caches were not touched.
    expect(existsSync(join(home, "go"))).toBe(false);
  });

  it("is not fetched by a go command that may not verify it", async () => {
    const { ports } = job(
      memoryStore(),
      { "go.mod": "module x\n" },
      { env: { GOSUMDB: "off", GOPROXY: "" } },
    );
    ports.http = away() as typeof ports.http;
    await expect(main(given({ "go-version": "1.24.1" }), ports)).rejects.toMatchObject({
      message: expect.stringMatching(/GOSUMDB is off: .* refused/) as unknown,
    });
  });
});
