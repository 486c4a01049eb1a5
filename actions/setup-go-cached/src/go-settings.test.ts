import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { goSettings } from "./go-settings.ts";

function home(settings?: string): string {
  const folder = tempFolder();
  if (settings !== undefined) {
    mkdirSync(join(folder, ".config/go"), { recursive: true });
    writeFileSync(join(folder, ".config/go/env"), settings);
  }
  return folder;
}

describe("Go's settings, without running go", () => {
  it("are the defaults on a bare machine", () => {
    const HOME = home();
    expect(goSettings({ HOME })).toMatchObject({
      gocache: join(HOME, ".cache/go-build"),
      gomodcache: join(HOME, "go/pkg/mod"),
      gopath: join(HOME, "go"),
    });
  });

  it("come from the environment before Go's own file", () => {
    const HOME = home("GOCACHE=/file/cache\nGOPATH=/file/path:/other\nGOFLAGS=-mod=mod -v\nx\n");
    const settings = goSettings({ HOME, GOCACHE: "/env/cache" });
    expect(settings).toMatchObject({ gocache: "/env/cache", gomodcache: "/file/path/pkg/mod" });
    expect(settings.value("GOFLAGS")).toBe("-mod=mod -v");
    expect(settings.value("GOARCH")).toBe("");
  });

  it("know where else the file and the caches can be", () => {
    const HOME = home("GOCACHE=/file/cache\n");
    expect(goSettings({ HOME, GOENV: "off", XDG_CACHE_HOME: "/xdg" }).gocache).toBe(
      "/xdg/go-build",
    );
    const other = join(home(), "env");
    writeFileSync(other, "GOMODCACHE=/mods\n");
    expect(goSettings({ HOME, GOENV: other }).gomodcache).toBe("/mods");
  });

  it.each([
    ["GOCACHE", "off"],
    ["GOCACHE", "relative"],
    ["GOMODCACHE", "relative"],
  ])("refuse %s=%s", (name, value) => {
    expect(() => goSettings({ HOME: home(), [name]: value })).toThrow(`${name} is "${value}"`);
  });

  it.each([
    [
      "win32",
      { UserProfile: "C:\\Users\\x", LOCALAPPDATA: "C:\\Users\\x\\AppData\\Local" },
      ["C:\\Users\\x\\AppData\\Local\\go-build", "C:\\Users\\x\\go\\pkg\\mod", "C:\\Users\\x\\go"],
    ],
    [
      "win32",
      { USERPROFILE: "C:\\x", GOPATH: "D:\\go;C:\\old", GoCache: "D:\\cache" },
      ["D:\\cache", "D:\\go\\pkg\\mod", "D:\\go"],
    ],
    [
      "darwin",
      { HOME: "/Users/x" },
      ["/Users/x/Library/Caches/go-build", "/Users/x/go/pkg/mod", "/Users/x/go"],
    ],
    [
      "linux",
      { HOME: "/home/x", GOPATH: "/a:/b", XDG_CACHE_HOME: "" },
      ["/home/x/.cache/go-build", "/a/pkg/mod", "/a"],
    ],
  ])("on %s of %j are %j", (platform, env, [gocache, gomodcache, gopath]) => {
    expect(goSettings(env, platform)).toMatchObject({ gocache, gomodcache, gopath });
  });
});
