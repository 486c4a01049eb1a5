import { describe, expect, it } from "@jest/globals";
import { archiveName, platformFor, platformName, programName } from "./platform.ts";

const linux = { platform: "linux", arch: "x64" };
const windows = { platform: "win32", arch: "x64" };
const mac = { platform: "darwin", arch: "arm64" };

describe("the platform of a toolchain", () => {
  it.each([
    [linux, undefined, "linux-amd64", "x64", true, "go1.26.3.linux-amd64.tar.gz"],
    [linux, "x64", "linux-amd64", "x64", true, "go1.26.3.linux-amd64.tar.gz"],
    [linux, "amd64", "linux-amd64", "x64", true, "go1.26.3.linux-amd64.tar.gz"],
    [linux, "X86_64", "linux-amd64", "x64", true, "go1.26.3.linux-amd64.tar.gz"],
    [linux, "arm64", "linux-arm64", "arm64", false, "go1.26.3.linux-arm64.tar.gz"],
    [linux, "aarch64", "linux-arm64", "arm64", false, "go1.26.3.linux-arm64.tar.gz"],
    [linux, "x86", "linux-386", "x86", false, "go1.26.3.linux-386.tar.gz"],
    [linux, "386", "linux-386", "x86", false, "go1.26.3.linux-386.tar.gz"],
    [linux, "x32", "linux-386", "x86", false, "go1.26.3.linux-386.tar.gz"],
    [linux, "arm", "linux-arm", "arm", false, "go1.26.3.linux-armv6l.tar.gz"],
    [linux, "ppc64le", "linux-ppc64le", "ppc64", false, "go1.26.3.linux-ppc64le.tar.gz"],
    [linux, "s390x", "linux-s390x", "s390x", false, "go1.26.3.linux-s390x.tar.gz"],
    [windows, undefined, "windows-amd64", "x64", true, "go1.26.3.windows-amd64.zip"],
    [windows, "x86", "windows-386", "x86", false, "go1.26.3.windows-386.zip"],
    [windows, "arm64", "windows-arm64", "arm64", false, "go1.26.3.windows-arm64.zip"],
    [mac, undefined, "darwin-arm64", "arm64", true, "go1.26.3.darwin-arm64.tar.gz"],
    [mac, "x64", "darwin-amd64", "x64", false, "go1.26.3.darwin-amd64.tar.gz"],
    [{ platform: "linux", arch: "ia32" }, "x86", "linux-386", "ia32", true, undefined],
    [{ platform: "linux", arch: "mips" }, undefined, "linux-mips", "mips", true, undefined],
  ])("%j with architecture %j is %s", (machine, architecture, name, toolArch, native, archive) => {
    const platform = platformFor(architecture, machine);
    expect(platformName(platform)).toBe(name);
    expect(platform).toMatchObject({ toolArch, native });
    if (archive !== undefined) expect(archiveName("1.26.3", platform)).toBe(archive);
  });

  it("is refused when nobody knows it, with what is allowed", () => {
    expect(() => platformFor("z80")).toThrow(/"z80" is no architecture of Go/);
    try {
      platformFor("z80");
    } catch (error) {
      expect(error).toMatchObject({ hint: expect.stringContaining("x64 (amd64)") as unknown });
    }
  });

  it("decides how programs are called", () => {
    expect(programName("go", platformFor(undefined, windows))).toBe("go.exe");
    expect(programName("go", platformFor(undefined, mac))).toBe("go");
  });
});
