import { join } from "node:path";
import { readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ActionError, isSystemError, messageOf } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { answered, downloadFile, expectSum, NotThere } from "./archive.ts";
import { makeRunnable } from "./module-tree.ts";
import { platformName, type Platform } from "./platform.ts";
import { distributionName, moduleVersion, toolchainSum } from "./tree-sum.ts";
import { unpackZip } from "./zip.ts";

/** One entry of GOPROXY. */
export interface Proxy {
  /** An address, or the words `direct` and `off`. */
  url: string;
  /** Whether the next one is asked after any error, and not only when something is not there. */
  onAnyError: boolean;
}

/** Where golang.org/toolchain is without a proxy (`go-import` of https://golang.org/toolchain). */
const DIRECT = "https://go.dev/dl/mod";

/**
 * Reads GOPROXY as the go command does (cmd/go/internal/modfetch/proxy.go): a comma asks the next
 * one when something is not there, a bar after any error; what follows `direct` or `off` is never
 * reached. Empty means `direct`: the go command's own default stands in its distribution.
 */
export function parseProxies(list: string): Proxy[] {
  const proxies: Proxy[] = [];
  for (const match of list.matchAll(/([^,|]+)([,|]?)/g)) {
    const url = (match[1] ?? "").trim();
    if (url === "") continue;
    const known = url === "direct" || url === "off" || url === "noproxy";
    const bare = !known && /[.:/]/.test(url) && !url.includes(":/") && !url.startsWith("/");
    proxies.push({ url: bare ? `https://${url}` : url, onAnyError: match[2] === "|" });
    if (url === "direct" || url === "off") break;
  }
  return proxies.length === 0 ? [{ url: "direct", onAnyError: false }] : proxies;
}

/**
 * Fetches a toolchain as a module from the proxies, and makes `<folder>/go` its GOROOT. Nothing of
 * it is used unless the sum of the module is the one given.
 * @throws ActionError with what each proxy said; `integrity` when the sum is another one.
 */
export async function fetchByProxy(
  version: string,
  platform: Platform,
  sum: string,
  proxies: readonly Proxy[],
  folder: string,
  ports: Pick<Ports, "http" | "signal">,
): Promise<void> {
  const said: string[] = [];
  for (const proxy of proxies) {
    try {
      const module = `${TOOLCHAIN}/@v/${moduleVersion(version, platform)}.zip`;
      const zip = await moduleZip(proxy, module, folder, ports);
      await unpackModule(zip.path, version, platform, sum, folder);
      if (zip.ours) await rm(zip.path);
      return;
    } catch (error) {
      ports.signal.throwIfAborted();
      if (!(error instanceof ActionError) || error.code === "integrity") throw error;
      said.push(messageOf(error));
      if (!(error instanceof NotThere || proxy.onAnyError)) break;
      await rm(join(folder, ZIP), { force: true });
      await rm(join(folder, "go"), { recursive: true, force: true });
    }
  }
  throw new ActionError("network", said.join("; "));
}

/** The module whose versions are toolchains (https://go.dev/doc/toolchain#download). */
export const TOOLCHAIN = "golang.org/toolchain";

/**
 * The versions of Go for a platform among the module's own, as the go command lists versions of `go`
 * (cmd/go/internal/modfetch/toolchain.go).
 */
export function releasesOf(versions: readonly string[], platform: Platform): string[] {
  const [before, behind] = ["v0.0.1-go", `.${platformName(platform)}`];
  return versions
    .filter((version) => version.startsWith(before) && version.endsWith(behind))
    .map((version) => version.slice(before.length, -behind.length));
}

/**
 * The versions of Go that the proxies have for a platform, for a machine without Go.
 * @throws ActionError with what each proxy said.
 */
export async function listByProxy(
  proxies: readonly Proxy[],
  platform: Platform,
  ports: Pick<Ports, "http" | "signal">,
): Promise<string[]> {
  const said: string[] = [];
  for (const proxy of proxies) {
    try {
      const list = await text(proxy, `${TOOLCHAIN}/@v/list`, ports);
      return releasesOf(list.split(/\s+/), platform);
    } catch (error) {
      ports.signal.throwIfAborted();
      if (!(error instanceof ActionError)) throw error;
      said.push(messageOf(error));
      if (!(error instanceof NotThere || proxy.onAnyError)) break;
    }
  }
  throw new ActionError("network", said.join("; "));
}

async function text(
  proxy: Proxy,
  path: string,
  { http, signal }: Pick<Ports, "http" | "signal">,
): Promise<string> {
  const base = baseOf(proxy);
  if (base.startsWith("file://")) {
    const file = join(fileURLToPath(base), path);
    try {
      return await readFile(file, "utf8");
    } catch (error) {
      throw new NotThere("network", `${file} cannot be read`, { cause: error });
    }
  }
  const url = `${base}/${path}`;
  const { status, body } = await http.request({ method: "GET", url, signal });
  if (status !== 200) throw answered(url, status);
  return body.toString("utf8");
}

/** @throws ActionError when it is no place to ask. */
function baseOf({ url }: Proxy): string {
  if (url === "off") throw new ActionError("environment", "GOPROXY is off");
  const base = url === "direct" ? DIRECT : url.replace(/\/+$/, "");
  if (/^(https?|file):\/\//.test(base)) return base;
  throw new ActionError("environment", `${JSON.stringify(url)} in GOPROXY is no address`);
}

const ZIP = "toolchain.zip";

async function moduleZip(
  proxy: Proxy,
  module: string,
  folder: string,
  ports: Pick<Ports, "http" | "signal">,
): Promise<{ path: string; ours: boolean }> {
  const base = baseOf(proxy);
  if (base.startsWith("file://")) {
    return { path: join(fileURLToPath(base), module), ours: false };
  }
  const path = join(folder, ZIP);
  await downloadFile(`${base}/${module}`, path, ports);
  return { path, ours: true };
}

async function unpackModule(
  zip: string,
  version: string,
  platform: Platform,
  sum: string,
  folder: string,
): Promise<void> {
  const prefix = `golang.org/toolchain@${moduleVersion(version, platform)}/`;
  const goroot = join(folder, "go");
  let sums: Map<string, string>;
  try {
    sums = await unpackZip(zip, goroot, (name) => {
      if (name.startsWith(prefix)) return distributionName(name.slice(prefix.length));
      throw new ActionError("network", `${JSON.stringify(name)} is not of ${prefix.slice(0, -1)}`);
    });
  } catch (error) {
    if (isSystemError(error, "ENOENT")) {
      throw new NotThere("network", `${zip} does not exist`, { cause: error });
    }
    throw error;
  }
  const inside = new Map([...sums].map(([name, hex]) => [name.slice(prefix.length), hex]));
  expectSum(prefix.slice(0, -1), toolchainSum(version, platform, inside), sum);
  makeRunnable(goroot);
}
