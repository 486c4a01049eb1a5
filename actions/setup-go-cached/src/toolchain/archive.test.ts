import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
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

async function download(body: Buffer, check: Check, platform = LINUX, status = 200) {
  const folder = tempFolder();
  const http = scriptedHttp({ "GET https://mirror.example/*": { status, body } });
  const ports = { http, signal: new AbortController().signal };
  await downloadArchive("https://mirror.example/dl/", "1.26.3", platform, check, folder, ports);
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
    await expect(download(body, sum(platform), platform, 404)).rejects.toThrow(/answered 404/);
  });
});
