import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { scriptedProcesses, type ProcessRule } from "@go-cicd/core/testing/processes.ts";
import { scriptedHttp, type Routes } from "@go-cicd/core/testing/http.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { parseWanted, wantedByGoLine, type Wanted } from "../version/wanted.ts";
import { platformFor } from "./platform.ts";
import { resolveVersion } from "./resolve.ts";

const DOWNLOADS = "https://go.example/dl/";

/** A machine with this Go on PATH, these versions in its tool cache, and what its go lists. */
function machine(options: {
  path?: string;
  goarch?: string;
  cached?: string[];
  listed?: string[];
  routes?: Routes;
}) {
  const { path, goarch = "", cached = [], listed, routes = {} } = options;
  const bin = tempFolder();
  if (path !== undefined) writeFileSync(join(bin, "go"), "", { mode: 0o755 });
  const rules: ProcessRule[] = [
    { match: / env /, exit: { stdout: `go${path ?? ""}\n/usr/go\n${goarch}\n` } },
    {
      match: / list -m -versions go$/,
      exit:
        listed === undefined
          ? { code: 1, stderr: "go: no network" }
          : { stdout: `go ${listed.join(" ")}\n` },
    },
  ];
  const ports = fakePorts({
    env: { PATH: bin },
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
  more: { checkLatest?: boolean; architecture?: string; source?: string } = {},
) {
  const ports = machine(options);
  const resolution = await resolveVersion(
    {
      wanted,
      ...(more.source === undefined ? {} : { source: more.source }),
      checkLatest: more.checkLatest ?? false,
      platform: platformFor(more.architecture),
      mirror: undefined,
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
      hint: "The newest ones are 1.26.8 and 1.25.4.",
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
});
