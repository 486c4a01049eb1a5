// Where toolchains come from, with real ones: the go command, its proxy and its checksum database.
// What a source does that lies, breaks off or is not there is played by servers on the loopback.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { systemClock } from "@go-cicd/core/adapters/clock.ts";
import { httpClient } from "@go-cicd/core/adapters/http.ts";
import type { Environment } from "@go-cicd/core/process.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { realProcesses } from "@go-cicd/core/testing/processes.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { inputs as spec } from "../../actions/setup-go-cached/src/inputs.ts";
import { main } from "../../actions/setup-go-cached/src/run.ts";
import { inputsOf } from "@go-cicd/core/testing/inputs.ts";
import { installToolchain } from "../../actions/setup-go-cached/src/toolchain/install.ts";
import { mirrorTool } from "../../actions/setup-go-cached/src/toolchain/mirror.ts";
import {
  platformFor,
  type Platform,
} from "../../actions/setup-go-cached/src/toolchain/platform.ts";
import type { ToolchainRequest } from "../../actions/setup-go-cached/src/toolchain/request.ts";
import { resolveVersion } from "../../actions/setup-go-cached/src/toolchain/resolve.ts";
import { cachedToolchains } from "../../actions/setup-go-cached/src/toolchain/tool-cache.ts";
import { removeTree } from "../../actions/setup-go-cached/src/tree.ts";
import { parseWanted } from "../../actions/setup-go-cached/src/version/wanted.ts";
import { requirePart } from "../support/real-parts.ts";
import type { InstallJob } from "../support/install-go.ts";

jest.setTimeout(300_000);

const go = requirePart("go");
const whole = go !== undefined ? describe : describe.skip;

/** A real toolchain that is not the machine's own; its sum is in the table. */
const VERSION = "1.25.4";
const NAME = `v0.0.1-go${VERSION}.linux-amd64`;
const MODULE = `golang.org/toolchain/@v/${NAME}.zip`;
const HERE = platformFor(undefined);

const servers: Server[] = [];
const children: ChildProcess[] = [];
const roots: string[] = [];
const scratch = tempFolder("go-toolchains-");
/** The module cache that the real toolchain was downloaded to. */
const modules = join(scratch, "mod");
/** The module's own zip. */
let zip = "";

const machineGo = (args: readonly string[], env: Environment = {}, cwd = scratch): string =>
  execFileSync(go ?? "go", args, {
    encoding: "utf8",
    cwd,
    env: { ...process.env, GOTOOLCHAIN: "local", GOFLAGS: "-modcacherw", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });

beforeAll(() => {
  if (go === undefined) return;
  machineGo(["mod", "download", `golang.org/toolchain@${NAME}`], { GOMODCACHE: modules });
  zip = join(modules, "cache/download", MODULE);
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

afterAll(() => {
  for (const folder of [scratch, ...roots]) removeTree(folder);
});

async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Files by their paths; everything else is not there. */
const files =
  (content: Record<string, Buffer>) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    const found = content[request.url ?? ""];
    if (found === undefined) response.writeHead(404).end();
    else response.end(found);
  };

/** A folder with programs that a machine without Go has. */
const NO_GO = "/nowhere";

function machine(env: Environment = {}) {
  const ports = fakePorts({
    clock: systemClock(),
    processes: realProcesses(),
    http: httpClient(systemClock()),
    env,
  });
  roots.push(ports.root);
  return ports;
}

type Machine = ReturnType<typeof machine>;

function request(version: string, more: Partial<ToolchainRequest> = {}): ToolchainRequest {
  return {
    wanted: parseWanted(version, "go-version"),
    checkLatest: false,
    platform: HERE,
    mirror: undefined,
    // Nobody answers: what a test does not bring cannot be had.
    downloads: "http://127.0.0.1:9/",
    ...more,
  };
}

async function install(ports: Machine, asked: ToolchainRequest) {
  return installToolchain(await resolveVersion(asked, ports), asked, ports);
}

const said = ({ log }: Machine): string => log.messages().join("\n");
const shelf = (ports: Machine): string => join(ports.root, "tools", "go");
/** What counts as installed. */
const counted = (ports: Machine, platform: Platform = HERE) =>
  cachedToolchains({ tool: "go", platform }, [join(ports.root, "tools")]);

/** It must be a whole Go: compile a program that needs the standard library, and run it. */
function expectWorking(goroot: string): void {
  const folder = tempFolder();
  writeFileSync(join(folder, "go.mod"), "module acme\n\ngo 1.24\n");
  writeFileSync(
    join(folder, "main.go"),
    'package main\n\nimport ("fmt"; "runtime")\n\nfunc main() { fmt.Print(runtime.Version()) }\n',
  );
  const env = {
    PATH: process.env["PATH"],
    HOME: folder,
    GOTOOLCHAIN: "local",
    GOCACHE: join(folder, "cache"),
    CGO_ENABLED: "0",
  };
  const run = (...args: string[]): string =>
    execFileSync(join(goroot, "bin/go"), args, { cwd: folder, env, encoding: "utf8" });
  expect(run("run", ".")).toBe(`go${VERSION}`);
  expect(run("env", "GOROOT").trim()).toBe(goroot);
  // The standard library is a module with a go.mod of its own.
  expect(run("list", "-m", "-f", "{{.Path}}")).toBe("acme\n");
  expect(readFileSync(join(goroot, "src/go.mod"), "utf8")).toContain("module std");
  for (const left of ["test", "api", "doc", "misc"]) {
    expect(existsSync(join(goroot, left))).toBe(false);
  }
}

whole("a machine without any Go", () => {
  it("gets the toolchain from GOPROXY, checked by the sum that the action brings", async () => {
    const origin = await serve(
      files({
        [`/mirror/${MODULE}`]: readFileSync(zip),
        "/mirror/golang.org/toolchain/@v/list": Buffer.from(`v0.0.1-go1.25.9.plan9-arm\n${NAME}\n`),
      }),
    );
    const ports = machine({ PATH: NO_GO, GOPROXY: `${origin}/mirror` });
    // The proxy is all that this site can reach.
    const { goroot, source } = await install(ports, request("1.25.x"));
    expect(source).toBe("module proxy, checked by the sum in this action");
    expect(goroot).toBe(join(shelf(ports), VERSION, process.arch));
    expect(readdirSync(join(shelf(ports), VERSION)).sort()).toEqual([
      process.arch,
      `${process.arch}.complete`,
    ]);
    expect(readdirSync(shelf(ports))).toEqual([VERSION]);
    expectWorking(goroot);
    expect((await install(ports, request(VERSION))).source).toBe("tool cache");
  });

  it("says what each source said when there is no network", async () => {
    const ports = machine({ PATH: NO_GO, GOPROXY: "http://127.0.0.1:9" });
    ports.http = httpClient(fakePorts().clock);
    await expect(install(ports, request(VERSION))).rejects.toMatchObject({
      code: "network",
      message: expect.stringMatching(
        /could not be had:\n- module proxy, .*127\.0\.0\.1:9.*\n- http:\/\/127\.0\.0\.1:9\/, .*/,
      ) as unknown,
      hint: expect.stringContaining("GOPROXY") as unknown,
    });
  });
});

whole("archives of Go's own form", () => {
  const name = `go${VERSION}.linux-amd64.tar.gz`;
  it("are checked by the sum of the module, which holds the same files", async () => {
    // Packed from the module's files under the names that they have in an archive.
    const tree = `toolchain@${NAME}`;
    const file = join(scratch, name);
    const renaming = ["--transform", `s,^${tree},go,;s,_go\\.mod$,go.mod,`, "--mode", "a+x"];
    const from = ["-C", join(modules, "golang.org"), tree];
    execFileSync("tar", ["-cf", file, "-I", "gzip -1", ...renaming, ...from]);
    const origin = await serve((incoming, response) => {
      if (incoming.url === `/dl/${name}`) createReadStream(file).pipe(response);
      else response.writeHead(404).end();
    });
    const ports = machine({ PATH: NO_GO, GOPROXY: "off" });
    const asked = request(VERSION, { downloads: `${origin}/dl/` });
    const { goroot, source } = await install(ports, asked);
    expect(source).toMatch(/dl\/, checked by the sum in this action$/);
    expect(goroot).toBe(join(shelf(ports), VERSION, process.arch));
  });
});

whole("the go command on PATH", () => {
  /** The environment as it is, apart from what this suite sets. */
  const real = { GOPROXY: "", GOSUMDB: "", GOFLAGS: "" };

  it("lists the versions: stable, oldstable, ranges, the newest", async () => {
    const listed = machineGo(["list", "-m", "-versions", "go"]).trim().split(" ").slice(1);
    const releases = listed.filter((version) => /^1\.\d+\.\d+$/.test(version));
    const minor = (version: string): number => Number(version.split(".")[1]);
    const newestOf = (line: number): string =>
      releases
        .filter((version) => minor(version) === line)
        .sort((one, other) => Number(one.split(".")[2]) - Number(other.split(".")[2]))
        .at(-1) ?? "";
    const top = Math.max(...releases.map(minor));
    const settle = async (version: string, more: Partial<ToolchainRequest> = {}) =>
      (await resolveVersion(request(version, more), machine(real))).version;
    expect(await settle("stable")).toBe(newestOf(top));
    expect(await settle("oldstable")).toBe(newestOf(top - 1));
    expect(await settle("1.25.x")).toBe(newestOf(25));
    expect(await settle(">=1.24 <1.25")).toBe(newestOf(24));
    // What is on the machine does, until the newest is asked for.
    const own = machineGo(["env", "GOVERSION"]).trim().replace("go", "");
    const line = `1.${minor(own)}`;
    expect(await settle(line)).toBe(own);
    expect(await settle(line, { checkLatest: true })).toBe(newestOf(minor(own)));
    await expect(settle("1.98")).rejects.toThrow(/No Go version fits 1\.98/);
  });

  it("writes nothing into the user's folders, and does not run in his module", async () => {
    const ports = machine(real);
    const { workspace } = ports.context;
    writeFileSync(join(workspace, "go.mod"), "module x\n\ngo 1.98.1\n\ntoolchain go1.98.1\n");
    await resolveVersion(request("stable"), ports);
    // Only the go command's own counters, which it keeps everywhere.
    expect(readdirSync(ports.env["HOME"] ?? "", { recursive: true })).not.toContainEqual(
      expect.stringMatching(/^go$|cache|pkg|go\/env/),
    );
    expect(readdirSync(ports.context.temp)).toEqual([]);
    expect(readdirSync(workspace)).toEqual(["go.mod"]);
  });

  it("fetches what another processor needs, which is put in a place of its own", async () => {
    const platform = platformFor("arm64", { platform: "linux", arch: "x64" });
    const ports = machine(real);
    const { goroot, source } = await install(ports, request(VERSION, { platform }));
    expect(source).toContain("checksum database");
    expect(goroot).toBe(join(shelf(ports), VERSION, "arm64"));
    // An ELF file for AArch64 (e_machine 183), which can be run there.
    const program = readFileSync(join(goroot, "bin/go"));
    expect(program.readUInt16LE(18)).toBe(183);
    expect(statSync(join(goroot, "bin/go")).mode & 0o111).not.toBe(0);
    expect(counted(ports)).toEqual([]);
    expect(counted(ports, platform)).toHaveLength(1);
    // Nor does this machine's own Go answer for the other.
    const own = machineGo(["env", "GOVERSION"]).trim().replace("go", "");
    const resolution = await resolveVersion(request(own, { platform }), ports);
    await expect(
      installToolchain(
        { ...resolution, path: undefined },
        request(own, { platform }),
        Object.assign(ports, { env: { ...ports.env, GOPROXY: "off" } }),
      ),
    ).rejects.toThrow(/for linux-arm64 could not be had/);
  });

  it("says of a version that does not exist which ones do", async () => {
    const ports = machine(real);
    ports.http = httpClient(fakePorts().clock);
    await expect(install(ports, request("1.25.99"))).rejects.toMatchObject({
      code: "input",
      message: expect.stringContaining("There is no Go 1.25.99") as unknown,
      hint: expect.stringMatching(
        /nearest that exist are 1\.25\.\d+, 1\.25\.\d+, 1\.25\.\d+/,
      ) as unknown,
    });
  });

  it.each([
    ["GOSUMDB is off", { GOSUMDB: "off" }],
    ["GOPROXY is a folder", { GOPROXY: "file:///nowhere" }],
  ])("does not fetch what it may not verify: %s", async (why, settings) => {
    const ports = machine({ ...real, ...settings });
    ports.http = httpClient(fakePorts().clock);
    await expect(install(ports, request("1.24.99"))).rejects.toThrow(
      new RegExp(`${why}: .* refused`),
    );
  });

  it("leaves it to the sum that the action brings where the database may not be asked", async () => {
    const GOPROXY = `file://${modules}/cache/download`;
    const ports = machine({ ...real, GOSUMDB: "off", GOPROXY });
    const { source } = await install(ports, request(VERSION));
    expect(source).toBe("module proxy, checked by the sum in this action");
    expect(said(ports)).toMatch(/GOSUMDB is off: .* refused/);
  });

  it("verifies it, whatever exempts modules", async () => {
    const ports = machine({ ...real, GOPRIVATE: "golang.org/*", GOFLAGS: "-insecure" });
    const lies = await serve(files({ [`/${MODULE}`]: Buffer.from("PK") }));
    Object.assign(ports.env, { GOPROXY: lies });
    await expect(install(ports, request(VERSION))).rejects.toThrow();
    expect(said(ports)).toContain("GOPRIVATE=golang.org/* would exempt the toolchain");
    expect(said(ports)).toContain("GOFLAGS has -insecure");
    expect(counted(ports)).toEqual([]);
  });
});

whole("later steps of the job", () => {
  const own = go === undefined ? "" : machineGo(["env", "GOVERSION"]).trim().replace("go", "");
  const given = (values: Partial<Record<keyof typeof spec, string>>) =>
    inputsOf(spec, { cache: "false", "test-cache": "false", ...values });

  function repository(env: Environment = {}): Machine {
    const ports = machine({ GOPROXY: "off", ...env });
    ports.http = httpClient(fakePorts().clock);
    const mod = `module x\n\ngo 1.24\n\ntoolchain go${own}\n`;
    writeFileSync(join(ports.context.workspace, "go.mod"), mod);
    return ports;
  }

  it("see GOTOOLCHAIN as given; a second set-up does not take it for the user's", async () => {
    const ports = repository();
    await main(given({}), ports);
    expect(ports.exported).toMatchObject({ GOTOOLCHAIN: "local" });
    await main(given({ gotoolchain: "auto" }), ports);
    expect(ports.exported).toMatchObject({ GOTOOLCHAIN: "auto" });
    const decided = ports.log.messages().filter((line) => line.includes("asks for"));
    const line = `Go ${own}: go.mod (toolchain line) asks for ${own}`;
    expect(decided).toEqual([line, line]);

    // The twin: what the user set himself counts.
    const other = repository({ GOTOOLCHAIN: "local" });
    await main(given({}), other);
    expect(said(other)).toContain("the toolchain line does not count, since GOTOOLCHAIN is local");
  });

  it("are told which of several modules decided, and what the others ask for", async () => {
    const ports = repository();
    const { workspace } = ports.context;
    rmSync(join(workspace, "go.mod"));
    for (const [folder, version] of [
      ["a", "1.24.1"],
      ["b", own],
    ] as const) {
      mkdirSync(join(workspace, folder));
      writeFileSync(join(workspace, folder, "go.mod"), `module ${folder}\n\ngo ${version}\n`);
    }
    const { outputs } = await main(given({}), ports);
    expect(outputs["go-version"]).toBe(own);
    expect(said(ports)).toContain(
      `Go ${own}: b/go.mod (go line), the highest of 2 modules, so that all of them build, asks for ${own}`,
    );
    expect(said(ports)).toContain("a/go.mod asks for 1.24.1.");
  });
});

/** A toolchain that is small enough to be installed many times: it says who it is, and is large. */
function smallToolchain(): { archive: Buffer; sha256: string; version: string } {
  const stage = tempFolder();
  mkdirSync(join(stage, "go/bin"), { recursive: true });
  writeFileSync(
    join(stage, "go/bin/go"),
    '#!/bin/sh\necho go1.24.99\ncd "$(dirname "$0")/.." && pwd\n',
    { mode: 0o755 },
  );
  // Bytes that do not shrink, so that the archive comes in many pieces.
  const noise = Array.from({ length: 40_000 }, (_, index) =>
    createHash("sha256").update(String(index)).digest(),
  );
  writeFileSync(join(stage, "go/noise"), Buffer.concat(noise));
  const archive = execFileSync("tar", ["-czf", "-", "-C", stage, "go/bin", "go/noise"], {
    maxBuffer: 1e8,
  });
  return {
    archive,
    sha256: createHash("sha256").update(archive).digest("hex"),
    version: "1.24.99",
  };
}

function job(work: InstallJob): { child: ChildProcess; ended: Promise<string> } {
  const script = join(import.meta.dirname, "../support/install-go.ts");
  const child = spawn(process.execPath, ["--no-warnings", script, JSON.stringify(work)]);
  children.push(child);
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<string>((done) => {
    child.on("close", (code, signal) => done(`${signal ?? code ?? ""} ${text}`));
  });
  return { child, ended };
}

const until = async (condition: () => boolean): Promise<void> => {
  for (let turn = 0; !condition(); turn += 1) {
    if (turn > 3000) throw new Error("what was waited for did not come");
    await systemClock().sleep(20);
  }
};

describe("a tool cache that jobs share", () => {
  const { archive, sha256, version } = smallToolchain();

  it("holds one whole toolchain after several jobs installed it at once", async () => {
    const waiting: ServerResponse[] = [];
    const jobs = 4;
    // Nobody gets the last part before all have the first.
    const origin = await serve((_, response) => {
      response.write(archive.subarray(0, archive.length / 2));
      waiting.push(response);
      if (waiting.length < jobs) return;
      for (const each of waiting) each.end(archive.subarray(archive.length / 2));
    });
    const toolCache = tempFolder();
    const work = { version, toolCache, baseUrl: origin, sha256 };
    const results = await Promise.all(Array.from({ length: jobs }, () => job(work).ended));
    const home = join(toolCache, mirrorTool({ baseUrl: origin, sha256 }));
    const goroot = join(home, version, process.arch);
    for (const result of results) expect(result).toContain(`0 {"goroot":"${goroot}"`);
    expect(waiting).toHaveLength(jobs);
    expect(readdirSync(home)).toEqual([version]);
    expect(readdirSync(join(home, version)).sort()).toEqual([
      process.arch,
      `${process.arch}.complete`,
    ]);
    expect(statSync(join(goroot, "noise")).size).toBe(40_000 * 32);
  });

  it("has nothing that counts from a job that was killed, and the next one succeeds", async () => {
    let hold = true;
    const origin = await serve((_, response) => {
      if (!hold) response.end(archive);
      else response.write(archive.subarray(0, archive.length - 1000));
    });
    const toolCache = tempFolder();
    const mirror = { baseUrl: origin, sha256 };
    const tool = mirrorTool(mirror);
    const home = join(toolCache, tool);
    const count = () => cachedToolchains({ tool, platform: HERE }, [toolCache]).length;
    const work = { version, toolCache, ...mirror };
    const killed = job(work);
    const program = (): string | undefined =>
      existsSync(home)
        ? readdirSync(home, { recursive: true })
            .map(String)
            .find((path) => path.endsWith("bin/go"))
        : undefined;
    // In the middle: the program is there, the end of the archive is not.
    await until(() => program() !== undefined);
    killed.child.kill("SIGKILL");
    expect(await killed.ended).toMatch(/^SIGKILL/);
    const left = readdirSync(home).filter((name) => name.startsWith(".fresh-"));
    expect(left).toHaveLength(1);
    expect(count()).toBe(0);

    // The twin: had it been unpacked at its place and marked first, it would count.
    const broken = join(home, version, process.arch);
    cpSync(join(home, left[0] ?? "", "go"), broken, { recursive: true });
    writeFileSync(`${broken}.complete`, "");
    expect(count()).toBe(1);
    rmSync(`${broken}.complete`);
    expect(count()).toBe(0);

    // What stands there without a mark is replaced, once it is old enough to be nobody's work.
    const old = new Date(Date.now() - 60 * 60 * 1000);
    utimesSync(broken, old, old);
    const hours = new Date(Date.now() - 7 * 60 * 60 * 1000);
    utimesSync(join(home, left[0] ?? ""), hours, hours);
    hold = false;
    expect(await job(work).ended).toMatch(/^0 /);
    expect(count()).toBe(1);
    expect(statSync(join(broken, "noise")).size).toBe(40_000 * 32);
    // And what the killed job left is gone.
    expect(readdirSync(home)).toEqual([version]);
  });

  it("takes what another job moved to its place, if only the mark is missing", async () => {
    const origin = await serve((_, response) => response.end(archive));
    const toolCache = tempFolder();
    const work = { version, toolCache, baseUrl: origin, sha256 };
    expect(await job(work).ended).toMatch(/^0 /);
    const home = join(toolCache, mirrorTool(work));
    const goroot = join(home, version, process.arch);
    rmSync(`${goroot}.complete`);
    const { ino } = statSync(goroot);
    expect(await job(work).ended).toMatch(/^0 /);
    expect(statSync(goroot).ino).toBe(ino);
    expect(existsSync(`${goroot}.complete`)).toBe(true);
  });

  const root = process.getuid?.() === 0 ? it : it.skip;
  root("that is full says so, and keeps nothing", async () => {
    const toolCache = tempFolder();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=300k", "tmpfs", toolCache]);
    try {
      const origin = await serve((_, response) => response.end(archive));
      const work = { version, toolCache, baseUrl: origin, sha256 };
      const home = join(toolCache, mirrorTool(work));
      expect(await job(work).ended).toBe(`1 The disk is full: Go does not fit below ${home}\n`);
      expect(readdirSync(home)).toEqual([version]);
      expect(readdirSync(join(home, version))).toEqual([]);
    } finally {
      execFileSync("umount", [toolCache]);
    }
  });
});
