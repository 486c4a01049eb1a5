import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { systemClock } from "@go-cicd/core/adapters/clock.ts";
import { httpClient } from "@go-cicd/core/adapters/http.ts";
import { scriptedHttp, type Routes } from "@go-cicd/core/testing/http.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { fetchByProxy, parseProxies } from "./goproxy.ts";
import { platformFor } from "./platform.ts";
import { sampleZip, sha256 } from "./sample-zip.ts";
import { toolchainSum } from "./tree-sum.ts";

const PLATFORM = platformFor(undefined, { platform: "linux", arch: "x64" });
const MODULE = "golang.org/toolchain/@v/v0.0.1-go1.26.3.linux-amd64.zip";
const PREFIX = "golang.org/toolchain@v0.0.1-go1.26.3.linux-amd64";

const FILES: Record<string, string> = {
  VERSION: "go1.26.3\n",
  "bin/go": "program",
  "pkg/tool/linux_amd64/compile": "compiler",
  "lib/wasm/go_js_wasm_exec": "script",
  "src/_go.mod": "module std\n",
  "src/fmt/print.go": "package fmt\n",
};
const SUM = toolchainSum(
  "1.26.3",
  PLATFORM,
  new Map(Object.entries(FILES).map(([path, text]) => [path, sha256(text)])),
);

const zipOf = (files: Record<string, string>, prefix = PREFIX): Buffer =>
  sampleZip(Object.entries(files).map(([path, text]) => [`${prefix}/${path}`, text] as const));

const sound = zipOf(FILES);

async function fetched(list: string, routes: Routes) {
  const folder = tempFolder();
  const http = scriptedHttp(routes);
  await fetchByProxy("1.26.3", PLATFORM, SUM, parseProxies(list), folder, {
    http,
    signal: new AbortController().signal,
  });
  return { folder, http };
}

describe("GOPROXY", () => {
  it.each([
    ["", ["direct,"]],
    ["https://a,direct", ["https://a,", "direct,"]],
    ["https://a|https://b/x , https://c", ["https://a|", "https://b/x,", "https://c,"]],
    ["proxy.acme.example,off,https://never", ["https://proxy.acme.example,", "off,"]],
    ["direct,https://never", ["direct,"]],
    ["file:///mods|direct", ["file:///mods|", "direct,"]],
    [",|, ", ["direct,"]],
  ])("%j is read as the go command does", (list, proxies) => {
    expect(
      parseProxies(list).map(({ url, onAnyError }) => `${url}${onAnyError ? "|" : ","}`),
    ).toEqual(proxies);
  });
});

describe("a toolchain from a proxy", () => {
  it("becomes a GOROOT: names and modes as in an archive", async () => {
    const { folder } = await fetched("https://a/mods/", {
      [`GET https://a/mods/${MODULE}`]: { body: sound },
    });
    expect(readdirSync(folder)).toEqual(["go"]);
    const goroot = join(folder, "go");
    expect(readFileSync(join(goroot, "src/go.mod"), "utf8")).toBe("module std\n");
    expect(existsSync(join(goroot, "src/_go.mod"))).toBe(false);
    const runnable = (path: string): boolean => (statSync(join(goroot, path)).mode & 0o111) !== 0;
    expect(Object.keys(FILES).filter((path) => path !== "src/_go.mod" && runnable(path))).toEqual([
      "bin/go",
      "pkg/tool/linux_amd64/compile",
      "lib/wasm/go_js_wasm_exec",
    ]);
  });

  it.each([
    ["a file that is another one", zipOf({ ...FILES, "bin/go": "progrom" })],
    ["a file that is added", zipOf({ ...FILES, "src/added.go": "x" })],
    ["a file that is missing", zipOf({ VERSION: "go1.26.3\n" })],
  ])("with %s is refused, and nobody else is asked", async (_, body) => {
    await expect(
      fetched("https://a|https://b", { [`GET https://a/${MODULE}`]: { body } }),
    ).rejects.toMatchObject({ code: "integrity" });
  });

  it("that is no module of that version is refused", async () => {
    await expect(
      fetched("https://a", {
        [`GET https://a/${MODULE}`]: { body: zipOf(FILES, PREFIX.replace("1.26.3", "1.26.4")) },
      }),
    ).rejects.toThrow(/is not of golang.org\/toolchain@v0\.0\.1-go1\.26\.3/);
  });

  it.each([
    ["https://404,https://good", true],
    ["https://410,https://good", true],
    ["https://403,https://good", false],
    ["https://403|https://good", true],
    ["https://cut,https://good", false],
    ["https://cut|https://good", true],
    ["https://404,https://404,direct", true],
    ["off,https://good", false],
    ["file:///nowhere,https://good", true],
    ["ftp://old,https://good", false],
  ])("from %s: %s", async (list, works) => {
    const done = fetched(list, {
      [`GET https://404/${MODULE}`]: { status: 404 },
      [`GET https://410/${MODULE}`]: { status: 410 },
      [`GET https://403/${MODULE}`]: { status: 403 },
      [`GET https://cut/${MODULE}`]: { body: sound.subarray(0, 100) },
      [`GET https://good/${MODULE}`]: { body: sound },
      [`GET https://go.dev/dl/mod/${MODULE}`]: { body: sound },
    });
    if (works) expect(readdirSync((await done).folder)).toEqual(["go"]);
    else await expect(done).rejects.toThrow(/403|no sound zip|GOPROXY is off|is no address/);
  });

  it("can be in a folder, which is left as it is", async () => {
    const mods = tempFolder();
    mkdirSync(dirname(join(mods, MODULE)), { recursive: true });
    writeFileSync(join(mods, MODULE), sound);
    const { folder, http } = await fetched(`file://${mods}`, {});
    expect(readdirSync(folder)).toEqual(["go"]);
    expect(http.requests).toEqual([]);
    expect(existsSync(join(mods, MODULE))).toBe(true);
  });

  it("is asked for with the user in its address, who is not sent where it redirects to", async () => {
    const heard: (string | undefined)[] = [];
    const servers: Server[] = [];
    const serve = async (answer: (response: ServerResponse) => void): Promise<string> => {
      const server = createServer((request, response) => {
        heard.push(request.headers.authorization);
        answer(response);
      });
      servers.push(server);
      await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    try {
      const other = await serve((response) => response.end(sound));
      const origin = await serve((response) =>
        response.writeHead(302, { location: `${other}/elsewhere` }).end(),
      );
      const folder = tempFolder();
      const proxies = parseProxies(origin.replace("//", "//user:hidden@"));
      const ports = { http: httpClient(systemClock()), signal: new AbortController().signal };
      await fetchByProxy("1.26.3", PLATFORM, SUM, proxies, folder, ports);
      expect(heard).toEqual([`Basic ${Buffer.from("user:hidden").toString("base64")}`, undefined]);
      const lost = parseProxies(`${origin.replace("//", "//user:hidden@")}1/gone`);
      const message = await fetchByProxy("1.26.3", PLATFORM, SUM, lost, folder, ports).catch(
        (error: unknown) => String(error),
      );
      expect(message).not.toContain("hidden");
    } finally {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    }
  });
});
