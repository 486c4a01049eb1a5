import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "@jest/globals";
import { packTar, type TarEntry } from "modern-tar";
import { scriptedHttp } from "@go-cicd/core/testing/http.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { downloadArchive, type Check } from "./archive.ts";
import { platformFor } from "./platform.ts";
import { sampleZip, sha256 } from "./sample-zip.ts";
import { toolchainSum } from "./tree-sum.ts";

const LINUX = platformFor(undefined, { platform: "linux", arch: "x64" });
const WINDOWS = platformFor(undefined, { platform: "win32", arch: "x64" });

const NEEDED = { VERSION: "go1.26.3\n", "bin/go": "program", "src/go.mod": "module std\n" };
const FILES = { ...NEEDED, "test/x.go": "x", "api/go1.txt": "x", "doc/x": "x", "misc/x": "x" };

/** The sum of the same files as a module: there, go.mod has another name. */
const sum = (platform: typeof LINUX): Check => ({
  kind: "tree",
  sum: toolchainSum(
    "1.26.3",
    platform,
    new Map(
      Object.entries(NEEDED).map(([path, text]) => [
        path.replace("go.mod", "_go.mod"),
        sha256(text),
      ]),
    ),
  ),
});

function tar(files: Record<string, string>): Buffer {
  const stage = tempFolder();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(stage, "go", path)), { recursive: true });
    writeFileSync(join(stage, "go", path), text);
  }
  return execFileSync("tar", ["-czf", "-", "-C", stage, "go"]);
}

const zip = (files: Record<string, string>): Buffer =>
  sampleZip(Object.entries(files).map(([path, text]) => [`go/${path}`, text] as const));

interface DownloadOptions {
  status?: number;
  folder?: string;
  atMost?: number;
}

async function download(
  body: Buffer,
  check: Check,
  platform = LINUX,
  { status = 200, folder = tempFolder(), atMost }: DownloadOptions = {},
) {
  const http = scriptedHttp({ "GET https://mirror.example/*": { status, body } });
  const ports = { http, signal: new AbortController().signal };
  const base = "https://mirror.example/dl/";
  await downloadArchive(base, "1.26.3", platform, check, folder, ports, atMost);
  return { folder, http };
}

describe.each([
  ["a tar archive", LINUX, tar, "go1.26.3.linux-amd64.tar.gz"],
  ["a zip archive", WINDOWS, zip, "go1.26.3.windows-amd64.zip"],
])("%s", (_, platform, pack, name) => {
  it("is unpacked without what no build reads, and checked by its own sum", async () => {
    const body = pack(FILES);
    const check: Check = { kind: "archive", sha256: sha256(body) };
    const { folder, http } = await download(body, check, platform);
    expect(http.lines()).toEqual([`GET https://mirror.example/dl/${name}`]);
    // No credentials of any kind: the mirror is not ours.
    expect(Object.keys(http.requests[0]?.headers ?? {})).toEqual([]);
    expect(readdirSync(folder)).toEqual(["go"]);
    expect(readdirSync(join(folder, "go")).sort()).toEqual(["VERSION", "bin", "src"]);
    expect(readFileSync(join(folder, "go/bin/go"), "utf8")).toBe("program");
    await expect(
      download(body, { kind: "archive", sha256: "0".repeat(64) }, platform),
    ).rejects.toMatchObject({ code: "integrity" });
  });

  it("is checked by the sum of the module", async () => {
    const { folder } = await download(pack(FILES), sum(platform), platform);
    expect(readFileSync(join(folder, "go/src/go.mod"), "utf8")).toBe("module std\n");
    for (const other of [
      { ...FILES, "bin/go": "progrom" },
      { ...FILES, "src/added.go": "x" },
      { VERSION: NEEDED.VERSION },
    ]) {
      await expect(download(pack(other), sum(platform), platform)).rejects.toMatchObject({
        code: "integrity",
        message: expect.stringContaining("the content of https://mirror.example/dl/go1") as unknown,
      });
    }
  });

  it("that is cut, or none, or not there is refused", async () => {
    const body = pack(FILES);
    const bad = { code: "network" };
    await expect(
      download(body.subarray(0, body.length - 30), sum(platform), platform),
    ).rejects.toMatchObject(bad);
    await expect(download(Buffer.from("<html>"), sum(platform), platform)).rejects.toMatchObject(
      bad,
    );
    await expect(download(body, sum(platform), platform, { status: 404 })).rejects.toThrow(
      /answered 404/,
    );
  });
});

describe("a tar archive that is hostile", () => {
  const file = (name: string, body = "x", mode = 0o644): TarEntry => ({
    header: { name, size: body.length, mode },
    body,
  });
  const special = (
    type: NonNullable<TarEntry["header"]["type"]>,
    name: string,
    linkname?: string,
  ): TarEntry => ({ header: { name, size: 0, type, ...(linkname !== undefined && { linkname }) } });
  const pack = async (entries: TarEntry[]): Promise<Buffer> => gzipSync(await packTar(entries));
  const good = Object.entries(NEEDED).map(([path, text]) => file(`go/${path}`, text));

  /** Unpacked below two folders, with a sum that is right: what is refused is what it holds. */
  async function unpack(entries: TarEntry[]) {
    const around = tempFolder();
    const folder = join(around, "tools", "fresh");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(around, "secret"), "untouched");
    const body = await pack(entries);
    const check: Check = { kind: "archive", sha256: sha256(body) };
    let error: unknown;
    try {
      await download(body, check, LINUX, { folder });
    } catch (thrown) {
      error = thrown;
    }
    expect(readFileSync(join(around, "secret"), "utf8")).toBe("untouched");
    expect(readdirSync(around).sort()).toEqual(["secret", "tools"]);
    expect(readdirSync(join(around, "tools"))).toEqual(["fresh"]);
    return { folder, error };
  }

  it.each<[string, TarEntry[]]>([
    ["a path that leads out", [file("go/../../../secret")]],
    ["a path that leads out of what is taken", [file("go/../../x")]],
    ["an absolute path", [file("/tmp/go-cicd-never")]],
    ["a drive", [file("C:/go/x")]],
    ["a backslash", [file("go\\..\\..\\secret")]],
    ["a line break in a name", [file("go/\n::error::x")]],
    ["a symbolic link that leads out", [special("symlink", "go/out", "../../..")]],
    [
      "a file behind such a link",
      [special("symlink", "go/out", "../../.."), file("go/out/secret", "owned")],
    ],
    ["an absolute symbolic link", [special("symlink", "go/out", "/etc")]],
    // Whoever may write where it leads could change a toolchain that was found good.
    ["a symbolic link inside", [special("symlink", "go/pkg", "src")]],
    ["a hard link that leads out", [special("link", "go/out", "../../secret")]],
    ["a hard link inside", [special("link", "go/bin/gofmt", "go/bin/go")]],
    ["a device", [special("character-device", "go/null")]],
    ["a pipe", [special("fifo", "go/pipe")]],
  ])("with %s is refused, whatever its sum", async (_, entries) => {
    const { error } = await unpack([...good, ...entries]);
    expect(error).toMatchObject({
      code: "integrity",
      message: expect.stringMatching(/^The archive holds /) as unknown,
    });
  });

  it("can set no mode beyond that of a program", async () => {
    const { folder, error } = await unpack([...good, file("go/bin/gofmt", "x", 0o6755)]);
    expect(error).toBeUndefined();
    expect(statSync(join(folder, "go/bin/gofmt")).mode & 0o7777).toBe(0o755);
  });

  it("is a bomb where it grows beyond all toolchains, also in what is not unpacked", async () => {
    for (const name of ["go/src/zeros", "go/test/zeros", "other/zeros"]) {
      const body = await pack([...good, file(name, "\0".repeat(4_000_000))]);
      const check: Check = { kind: "archive", sha256: sha256(body) };
      expect(body.length).toBeLessThan(100_000);
      await expect(download(body, check, LINUX, { atMost: 2_000_000 })).rejects.toMatchObject({
        code: "network",
        message: "It is longer than 2000000 bytes",
      });
      await download(body, check);
    }
  });
});
