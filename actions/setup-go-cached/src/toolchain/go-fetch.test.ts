import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import type { Command } from "@go-cicd/core/process.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { scriptedProcesses, type ScriptedExit } from "@go-cicd/core/testing/processes.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { fetchByGo } from "./go-fetch.ts";
import { platformFor } from "./platform.ts";
import { knownSum } from "./tree-sum.ts";

const PLATFORM = platformFor(undefined, { platform: "linux", arch: "x64" });
/** One whose sum the action brings, and one that it does not know. */
const [KNOWN, UNKNOWN] = ["1.26.8", "1.98.0"];
const SUM = knownSum(KNOWN, PLATFORM);
const SETTINGS = { gosumdb: "sum.example", goproxy: "https://proxy.example" };

/** A go command that puts a toolchain into its module cache, and says that its sum is `sum`. */
const downloads =
  (sum: string | undefined) =>
  ({ env }: Command): ScriptedExit => {
    const folder = join(env["GOMODCACHE"] ?? "", "golang.org/toolchain@v");
    for (const path of ["bin/go", "src/_go.mod", "pkg/tool/linux_amd64/compile"]) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), "x", { mode: 0o444 });
    }
    return { stdout: JSON.stringify({ Dir: folder, Sum: sum }) };
  };

async function fetch(
  version: string,
  exit: ScriptedExit | ((command: Command) => ScriptedExit),
  settings: Partial<typeof SETTINGS> = {},
) {
  const ports = fakePorts({
    processes: scriptedProcesses([{ match: ["/goroot/bin/go"], exit }]),
    env: {
      GOPRIVATE: "golang.org/*",
      GONOSUMDB: "*",
      GONOPROXY: "*",
      GOINSECURE: "*",
      GOFLAGS: "-insecure",
      GOTOOLCHAIN: "auto",
      // With its host in it, go fetches toolchains without asking the database.
      GIT_HTTP_USER_AGENT: "the public proxy",
    },
  });
  const folder = tempFolder();
  const go = { version: "1.25.4", goroot: "/goroot" };
  const verification = { ...SETTINGS, ...settings };
  await fetchByGo(version, PLATFORM, go, verification, folder, ports);
  return { ports, folder };
}

describe("a toolchain from the go command", () => {
  it("is asked for so that it is verified, whatever the job's own settings say", async () => {
    const { ports, folder } = await fetch(KNOWN, downloads(SUM));
    const [command] = ports.processes.commands;
    expect(command?.args).toEqual([
      ...["mod", "download", "-json"],
      `golang.org/toolchain@v0.0.1-go${KNOWN}.linux-amd64`,
    ]);
    expect(command?.env).toMatchObject({
      GOPRIVATE: "none",
      GONOSUMDB: "none",
      GONOPROXY: "none",
      GOINSECURE: "none",
      GOFLAGS: "-modcacherw",
      GOTOOLCHAIN: "local",
      GOWORK: "off",
      GOMODCACHE: join(folder, "mod"),
    });
    expect(command?.env).not.toHaveProperty("GIT_HTTP_USER_AGENT");
    expect(command?.cwd.startsWith(ports.context.workspace)).toBe(false);
    expect(readdirSync(ports.context.temp)).toEqual([]);
    expect(existsSync(join(folder, "go/src/go.mod"))).toBe(true);
    for (const path of ["bin/go", "pkg/tool/linux_amd64/compile"]) {
      expect(statSync(join(folder, "go", path)).mode & 0o111).not.toBe(0);
    }
  });

  it("is refused where its sum is not the one that the action brings", async () => {
    // A database of somebody's own can say anything.
    const other = downloads("h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    const settings = { gosumdb: "sum.example+0123abcd+AAAA" };
    await expect(fetch(KNOWN, other, settings)).rejects.toMatchObject({
      code: "integrity",
      message: expect.stringContaining(`not ${SUM ?? ""}`) as unknown,
    });
    // The twin: what the action knows no sum of is as good as the database.
    await expect(fetch(UNKNOWN, other, settings)).resolves.toBeDefined();
    await expect(fetch(KNOWN, downloads(undefined))).rejects.toMatchObject({ code: "process" });
  });

  it.each([
    ["verifying module: checksum mismatch", "integrity"],
    ["SECURITY ERROR\nThis download does NOT match", "integrity"],
    ["write /x: no space left on device", "environment"],
    ["404 Not Found", "network"],
  ])("that go refuses with %j is an error of code %s", async (error, code) => {
    const exit = { code: 1, stdout: JSON.stringify({ Error: error }) };
    await expect(fetch(KNOWN, exit)).rejects.toMatchObject({ code });
  });

  it.each([
    [{ gosumdb: "off" }, /GOSUMDB is off: .* refused/],
    [{ goproxy: "file:///mods" }, /GOPROXY is a folder: .* refused/],
    [{ goproxy: "off" }, /GOPROXY is off/],
  ])("is not asked for with %j", async (settings, why) => {
    let asked = false;
    const exit = (): ScriptedExit => {
      asked = true;
      return {};
    };
    await expect(fetch(KNOWN, exit, settings)).rejects.toThrow(why);
    expect(asked).toBe(false);
  });

  it("may come from a list with a folder in it, which go verifies", async () => {
    const settings = { goproxy: "file:///mods,https://proxy.example" };
    await expect(fetch(KNOWN, downloads(SUM), settings)).resolves.toBeDefined();
  });
});
