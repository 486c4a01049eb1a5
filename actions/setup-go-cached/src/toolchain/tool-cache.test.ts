import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { scriptedProcesses } from "@go-cicd/core/testing/processes.ts";
import { platformFor } from "./platform.ts";
import { cachedToolchains, intoToolCache, toolCaches } from "./tool-cache.ts";

const X64 = platformFor(undefined, { platform: "linux", arch: "x64" });
const ARM = platformFor("arm64", { platform: "linux", arch: "x64" });

function ports(version = "1.26.3") {
  return fakePorts({
    processes: scriptedProcesses([{ match: /.*/, exit: { stdout: `go${version}\n/goroot\n` } }]),
  });
}

type Ports = ReturnType<typeof ports>;

function put(path: string, content = ""): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

const fill =
  (version = "1.26.3") =>
  (folder: string): Promise<void> => {
    put(join(folder, "go/bin/go"), "ours");
    put(join(folder, "go/VERSION"), `go${version}\n`);
    return Promise.resolve();
  };

const home = ({ root }: Ports): string => join(root, "tools", "go");
const SHELF = { tool: "go", platform: X64 };

describe("the tool cache", () => {
  it("has what anybody wrote in the layout of @actions/tool-cache", () => {
    const on = ports();
    for (const [version, arch] of [
      ["1.25.0", "x64"],
      ["1.27.0-rc.1", "x64"],
      ["1.26.3", "arm64"],
    ] as const) {
      put(join(home(on), version, arch, "bin/go"));
      put(join(home(on), version, `${arch}.complete`));
    }
    // Not complete; without a program; no version.
    put(join(home(on), "1.24.1/x64/bin/go"));
    put(join(home(on), "1.24.2/x64.complete"));
    put(join(home(on), "tip/x64/bin/go"));
    put(join(home(on), "tip/x64.complete"));
    const found = (platform: typeof X64) =>
      cachedToolchains({ tool: "go", platform }, toolCaches(on)).map(({ version }) => version);
    expect(found(X64).sort()).toEqual(["1.25.0", "1.27rc1"]);
    expect(found(ARM)).toEqual(["1.26.3"]);
    expect(cachedToolchains({ tool: "go-0123abcd", platform: X64 }, toolCaches(on))).toEqual([]);
  });

  it("does not take one version for another, whatever the folder is called", async () => {
    const on = ports();
    const place = join(home(on), "1.26.3", "x64");
    put(join(place, "bin/go"), "theirs");
    put(`${place}.complete`);
    for (const [text, answer] of [
      ["go1.26.3\ntime 2026-01-01T00:00:00Z\n", ["1.26.3"]],
      ["go1.26.3-acme\n", ["1.26.3"]],
      ["devel abcdef\n", ["1.26.3"]],
      ["go1.26.2\n", []],
      ["go1.26.31\n", []],
    ] as const) {
      put(join(place, "VERSION"), text);
      expect(cachedToolchains(SHELF, toolCaches(on)).map(({ version }) => version)).toEqual(answer);
    }
    // Other jobs may be using it, so nobody tidies up but its owner.
    let filled = false;
    const mine = (folder: string): Promise<void> => {
      filled = true;
      return fill()(folder);
    };
    await expect(intoToolCache("1.26.3", SHELF, on, mine)).rejects.toMatchObject({
      code: "environment",
      message: `The tool cache is wrong: ${place} says it is Go 1.26.31`,
    });
    expect(filled).toBe(false);
    expect(readdirSync(home(on))).toEqual(["1.26.3"]);
  });

  it.each([
    ["1.26.3", "1.26.3"],
    ["1.27rc1", "1.27.0-rc.1"],
  ])("gets Go %s as %s, complete", async (version, folder) => {
    const on = ports(version);
    const goroot = await intoToolCache(version, SHELF, on, fill(version));
    expect(goroot).toBe(join(home(on), folder, "x64"));
    expect(existsSync(`${goroot}.complete`)).toBe(true);
    expect(cachedToolchains(SHELF, toolCaches(on))).toEqual([{ version, goroot }]);
  });

  it("gets another processor's without running it", async () => {
    const on = ports();
    const goroot = await intoToolCache("1.26.3", { tool: "go", platform: ARM }, on, fill());
    expect(goroot).toBe(join(home(on), "1.26.3", "arm64"));
    expect(on.processes.commands).toEqual([]);
    await expect(
      intoToolCache("1.26.4", { tool: "go", platform: ARM }, on, fill()),
    ).rejects.toThrow(/fetched as Go 1\.26\.4 says it is 1\.26\.3/);
  });

  it("gets nothing that says it is another version, and nothing of what failed", async () => {
    const on = ports("1.26.2");
    await expect(intoToolCache("1.26.3", SHELF, on, fill())).rejects.toMatchObject({
      code: "integrity",
    });
    const fails = async (folder: string): Promise<void> => {
      await fill()(folder);
      throw new Error("in the middle");
    };
    await expect(intoToolCache("1.26.3", SHELF, on, fails)).rejects.toThrow("in the middle");
    expect(readdirSync(home(on))).toEqual(["1.26.3"]);
    expect(readdirSync(join(home(on), "1.26.3"))).toEqual([]);
  });

  it("waits for another action that is still copying, and uses what that completes", async () => {
    const on = ports();
    const place = join(home(on), "1.26.3", "x64");
    put(join(place, "bin/go"), "theirs");
    let turns = 0;
    on.clock.sleep = (ms) => {
      on.clock.advance(ms);
      turns += 1;
      if (turns === 5) put(`${place}.complete`);
      return Promise.resolve();
    };
    expect(await intoToolCache("1.26.3", SHELF, on, fill())).toBe(place);
    expect(turns).toBe(5);
    expect(existsSync(join(place, "VERSION"))).toBe(false);
  });

  it.each(["never completed", "long ago"])("replaces what was %s", async (when) => {
    const on = ports();
    const place = join(home(on), "1.26.3", "x64");
    put(join(place, "bin/go"), "theirs");
    const old = new Date(Date.now() - 60 * 60 * 1000);
    if (when === "long ago") utimesSync(place, old, old);
    await intoToolCache("1.26.3", SHELF, on, fill());
    expect(existsSync(join(place, "VERSION"))).toBe(true);
    expect(on.clock.sleeps.length > 0).toBe(when === "never completed");
    expect(readdirSync(home(on))).toEqual(["1.26.3"]);
  });

  it("that cannot be written says so", async () => {
    const on = ports();
    put(join(on.root, "tools/go"), "a file");
    await expect(intoToolCache("1.26.3", SHELF, on, fill())).rejects.toMatchObject({
      code: "environment",
      message: expect.stringContaining("The tool cache cannot be written") as unknown,
    });
  });

  it.each([
    // [platform, tool cache, temp, RUNNER_ENVIRONMENT, read and written]
    ["linux", "/opt/tools", "/home/x/_temp", "github-hosted", ["/opt/tools"]],
    ["linux", "", "/home/x/_temp", "self-hosted", ["/home/x/_temp/go-cicd-tools"]],
    [
      "win32",
      "C:\\hostedtoolcache\\windows",
      "D:\\a\\_temp",
      "github-hosted",
      ["D:\\hostedtoolcache\\windows", "C:\\hostedtoolcache\\windows"],
    ],
    ["win32", "c:\\tools", "C:\\a\\_temp", "github-hosted", ["c:\\tools"]],
    ["win32", "C:\\tools", "D:\\a\\_temp", "self-hosted", ["C:\\tools"]],
    ["darwin", "/Users/runner/tools", "/tmp", "github-hosted", ["/Users/runner/tools"]],
  ])("on %s, %j beside %j (%s) is %j", (platform, toolCache, temp, kind, caches) => {
    const { context, env } = fakePorts({
      context: { toolCache, temp: "/" },
      env: { RUNNER_ENVIRONMENT: kind },
    });
    expect(toolCaches({ context: { ...context, temp }, env }, platform)).toEqual(caches);
  });
});
