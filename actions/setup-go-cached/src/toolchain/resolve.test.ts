import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { scriptedProcesses, type ProcessRule } from "@go-cicd/core/testing/processes.ts";
import { scriptedHttp, type Routes } from "@go-cicd/core/testing/http.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { parseWanted, wantedByGoLine, type Wanted } from "../version/wanted.ts";
import type { Mirror } from "./mirror.ts";
import { platformFor, platformName } from "./platform.ts";
import { resolveVersion } from "./resolve.ts";

const TOO_OLD = 'go: malformed module path "go": missing dot in first path element';
const DOWNLOADS = "https://go.example/dl/";

/** A machine with this Go on PATH, these versions in its tool cache, and what its go lists. */
function machine(options: {
  path?: string;
  goarch?: string;
  cached?: string[];
  listed?: string[];
  routes?: Routes;
  /** What a go that is too old to list versions of Go lists of the module that holds them. */
  old?: string[];
  goproxy?: string;
}) {
  const { path, goarch = "", cached = [], listed, old, routes = {}, goproxy = "off" } = options;
  const bin = tempFolder();
  if (path !== undefined) writeFileSync(join(bin, "go"), "", { mode: 0o755 });
  const rules: ProcessRule[] = [
    { match: / env /, exit: { stdout: `go${path ?? ""}\n/usr/go\n${goarch}\n` } },
    {
      match: / list -m -versions golang\.org\/toolchain$/,
      exit: { stdout: ["golang.org/toolchain", ...(old ?? [])].join(" ") },
    },
    {
      match: / list -m -versions go$/,
      exit:
        listed === undefined
          ? { code: 1, stderr: old === undefined ? "go: no network" : TOO_OLD }
          : { stdout: `go ${listed.join(" ")}\n` },
    },
  ];
  const ports = fakePorts({
    env: { PATH: bin, GOPROXY: goproxy },
    processes: scriptedProcesses(rules),
    http: scriptedHttp({ ...routes, [`GET ${DOWNLOADS}*`]: { status: 503 } }),
  });
  for (const version of cached) {
    const goroot = join(ports.root, "tools/go", version, process.arch);
    mkdirSync(dirname(join(goroot, "bin/go")), { recursive: true });
    writeFileSync(join(goroot, "bin/go"), "");
    writeFileSync(`${goroot}.complete`, "");
  }
  return ports;
}

async function settle(
  wanted: Wanted,
  options: Parameters<typeof machine>[0],
  more: { checkLatest?: boolean; architecture?: string; mirror?: Mirror; source?: string } = {},
) {
  const ports = machine(options);
  const resolution = await resolveVersion(
    {
      wanted,
      ...(more.source === undefined ? {} : { source: more.source }),
      checkLatest: more.checkLatest ?? false,
      platform: platformFor(more.architecture),
      mirror: more.mirror,
      downloads: DOWNLOADS,
    },
    ports,
  );
  return { ...resolution, ports };
}

const range = (text: string): Wanted => parseWanted(text, "go-version");
const LISTED = ["1.24.9", "1.25.4", "1.26rc1", "1.26.1", "1.26.8", "1.27rc2"];

describe("a go line", () => {
  it("takes what is here and newer where the proxy knows none of its line", async () => {
    const wanted = wantedByGoLine("1.24", "go.mod");
    const on = { path: "1.26.8", listed: ["1.26.8"] };
    expect(await settle(wanted, on)).toMatchObject({ version: "1.26.8", how: "the one on PATH" });
    await expect(settle(range("1.24"), on)).rejects.toThrow("No Go version fits 1.24");
    await expect(settle(wanted, { ...on, path: "1.23.1" })).rejects.toThrow("No Go version fits");
  });
});

describe("a range is settled", () => {
  it("by what is on the machine, and by the list where the newest is asked for", async () => {
    const on = { path: "1.26.1", cached: ["1.25.4", "1.26.3"], listed: LISTED };
    expect(await settle(range("1.26"), on)).toMatchObject({ version: "1.26.3" });
    expect(await settle(range("1.26"), on, { checkLatest: true })).toMatchObject({
      version: "1.26.8",
      how: "the newest there is",
    });
    expect(await settle(range("1.24"), on)).toMatchObject({ version: "1.24.9" });
  });

  it("to a release, unless a candidate is asked for", async () => {
    expect(await settle(range(">=1.24"), { path: "1.23.1", listed: LISTED })).toMatchObject({
      version: "1.26.8",
    });
    expect(await settle(range(">=1.27rc1"), { path: "1.23.1", listed: LISTED })).toMatchObject({
      version: "1.27rc2",
    });
    await expect(settle(range("1.27"), { path: "1.23.1", listed: LISTED })).rejects.toMatchObject({
      message: "No Go version fits 1.27",
      hint: "The nearest that exist are 1.27rc2, 1.26.8, 1.26.1; the newest ones are 1.26.8 and 1.25.4.",
    });
    const asking = { source: "go.mod (go line)" };
    await expect(settle(range("1.27"), { path: "1.23.1", listed: LISTED }, asking)).rejects.toThrow(
      "No Go version fits 1.27, which go.mod (go line) asks for",
    );
  });

  it("not by a Go for another processor", async () => {
    const other = process.arch === "arm64" ? "amd64" : "arm64";
    const on = { path: "1.26.1", goarch: other, listed: LISTED };
    expect(await settle(range("1.26"), on)).toMatchObject({ version: "1.26.8" });
    expect(await settle(range("1.26"), on, { architecture: other })).toMatchObject({
      version: "1.26.8",
    });
  });

  it("by Go's own list on a machine without Go", async () => {
    const list = [
      { version: "go1.26.8", stable: true, files: [{ filename: "x", sha256: "y" }] },
      { version: "go1.25.4", stable: true, files: [] },
    ];
    const routes = { [`GET ${DOWNLOADS}?mode=json&include=all`]: { body: list } };
    expect(await settle(range("1.25"), { routes: { ...routes } })).toMatchObject({
      version: "1.25.4",
    });
  });

  it("by what is here and newer than a go line, when no list can be had", async () => {
    const line = wantedByGoLine("1.25", "go.mod");
    const path = await settle(line, { path: "1.26.1", cached: ["1.26.3"] });
    expect(path).toMatchObject({ version: "1.26.1", how: "the one on PATH" });
    expect(path.ports.log.messages("warning").join()).toMatch(/no network[\s\S]*new enough/);
    expect(await settle(line, { path: "1.23.1", cached: ["1.26.3"] })).toMatchObject({
      version: "1.26.3",
      how: "the newest in the tool cache",
    });
    // What somebody asked for in so many words is not replaced by something else.
    await expect(settle(range("1.25"), { path: "1.26.1" })).rejects.toMatchObject({
      code: "network",
      message: expect.stringMatching(
        /could not be fetched:\n- go command: [\s\S]*no network\n- https:\/\/go\.example\/dl\/ answered 503/,
      ) as unknown,
    });
    await expect(settle(line, { path: "1.24.1" })).rejects.toMatchObject({ code: "network" });
  });

  it("by what is here where the newest is wanted and no list can be had", async () => {
    const on = { path: "1.26.1", cached: ["1.25.4", "1.26.3"] };
    const latest = { checkLatest: true };
    const { ports, ...resolution } = await settle(range("1.26"), on, latest);
    expect(resolution).toMatchObject({ version: "1.26.3", how: "the newest on this machine" });
    expect(ports.log.messages("warning").join()).toMatch(
      /no network[\s\S]*1\.26\.3 is taken, .*: whether there is a newer one is not known/,
    );
    await expect(settle(range("1.27"), on, latest)).rejects.toMatchObject({ code: "network" });
    // Nor is a version that the list does not have replaced by what is here.
    await expect(settle(range("1.27"), { ...on, listed: LISTED }, latest)).rejects.toMatchObject({
      code: "input",
    });
  });

  it("by the mirror's list, where it has one", async () => {
    const mirror = { baseUrl: "https://mirror.example/go", sha256: undefined };
    const list = [
      { version: "go1.26.7", stable: true, files: [] },
      { version: "go1.25.4", stable: true, files: [] },
    ];
    const address = "GET https://mirror.example/go/?mode=json&include=all";
    const on = { path: "1.23.1", listed: LISTED };
    const wanted = range("1.26");
    const has = await settle(wanted, { ...on, routes: { [address]: { body: list } } }, { mirror });
    expect(has.version).toBe("1.26.7");
    // On a site where nothing else can be reached.
    const alone = await settle(wanted, { routes: { [address]: { body: list } } }, { mirror });
    expect(alone.version).toBe("1.26.7");
    const stable = parseWanted("stable", "go-version");
    const newest = await settle(stable, { routes: { [address]: { body: list } } }, { mirror });
    expect(newest.version).toBe("1.26.7");
    for (const answer of [{ status: 404 }, { body: [] }, { body: "<html>" }]) {
      const routes = { [address]: answer };
      expect((await settle(wanted, { ...on, routes }, { mirror })).version).toBe("1.26.8");
    }
    await expect(
      settle(wanted, { routes: { [address]: { status: 404 } } }, { mirror }),
    ).rejects.toThrow(/- mirror: https:\/\/mirror\.example\/go answered 404/);
  });

  it("by the proxies' list where the go command is too old to ask for it, or there is none", async () => {
    const name = platformName(platformFor(undefined));
    const lines = ["1.25.4", "1.26.7", "1.26rc1"].map((each) => `v0.0.1-go${each}.${name}`);
    const foreign = ["v0.0.1-go1.26.9.plan9-mips", "v0.0.1-go1.26.8.", "nothing"];
    const path = "golang.org/toolchain/@v/list";
    const routes = {
      [`GET https://a/mods/${path}`]: { status: 404 },
      [`GET https://b/${path}`]: { body: [...lines, ...foreign].join("\n") },
    };
    const on = { goproxy: "https://a/mods/,https://b", routes };
    for (const without of [{ path: "1.20.14", old: [...lines, ...foreign] }, on]) {
      expect(await settle(range("1.26"), without)).toMatchObject({
        version: "1.26.7",
        how: "the newest there is",
      });
    }
    const stable = parseWanted("stable", "go-version");
    expect((await settle(stable, on)).version).toBe("1.26.7");
    // In a folder, too.
    const mods = tempFolder();
    mkdirSync(dirname(join(mods, path)), { recursive: true });
    writeFileSync(join(mods, path), lines.join("\n"));
    const folder = await settle(range("1.25"), { goproxy: `file://${mods}` });
    expect(folder.version).toBe("1.25.4");
    // Nobody is asked whom GOPROXY does not name.
    for (const goproxy of ["https://a/mods/", "off", "file:///nowhere", "https://a/mods/,off"]) {
      await expect(settle(range("1.26"), { goproxy, routes })).rejects.toMatchObject({
        code: "network",
        message: expect.stringContaining("- GOPROXY (there is no go on PATH): ") as unknown,
      });
    }
  });

  it("not by a list that is none", async () => {
    for (const body of [[{ version: "go1.26.8", files: [null] }], [null], {}, "<html>"]) {
      const ports = scriptedHttp({ [`GET ${DOWNLOADS}?mode=json&include=all`]: { body } });
      const on = Object.assign(machine({}), { http: ports });
      const asked = { wanted: range("1.26"), checkLatest: false, mirror: undefined };
      await expect(
        resolveVersion({ ...asked, platform: platformFor(undefined), downloads: DOWNLOADS }, on),
      ).rejects.toMatchObject({
        code: "network",
        message: expect.stringContaining("did not answer with a list of versions") as unknown,
      });
    }
  });
});
