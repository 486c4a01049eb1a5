import { ActionError, messageOf } from "@go-cicd/core/errors.ts";
import { shownUrl } from "@go-cicd/core/http-policy.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { expectSuccess } from "@go-cicd/core/process.ts";
import { settingReader } from "../go-settings.ts";
import { outsideCommand, withScratch } from "./go-command.ts";
import { listByProxy, parseProxies, releasesOf, TOOLCHAIN } from "./goproxy.ts";
import { goOnPath } from "./local.ts";
import { archiveName, type Platform } from "./platform.ts";
import type { ToolchainRequest } from "./request.ts";

/** Where Go publishes its archives and their sums (https://go.dev/dl/?mode=json). */
export const GO_DOWNLOADS = "https://go.dev/dl/";

interface Release {
  version: string;
  files: { filename: string; sha256: string }[];
}

/**
 * All versions of Go. The go command's own list comes first: it is what the proxy of this machine's
 * configuration knows, and so what could be fetched; a go before 1.21 cannot list it, and none at all
 * neither: then it is what proxies have of the module that holds toolchains. A mirror's own list comes before that, where it
 * has one (actions/setup-go asks the same address): it is the only place that will be asked for the
 * archive.
 * @throws ActionError `network` when no list can be had, with what each source said.
 */
export async function knownVersions(
  ports: Ports,
  { mirror, platform, downloads = GO_DOWNLOADS }: Omit<ToolchainRequest, "wanted" | "checkLatest">,
): Promise<string[]> {
  const failures: string[] = [];
  if (mirror !== undefined) {
    try {
      const listed = await listByPage(mirror.baseUrl, ports);
      if (listed.length > 0) return listed;
      failures.push("- mirror: its list of versions is empty");
    } catch (error) {
      ports.signal.throwIfAborted();
      failures.push(`- mirror: ${messageOf(error)}`);
    }
  }
  const go = goOnPath(ports.env);
  try {
    const listed =
      go === undefined
        ? await listByProxy(parseProxies(settingReader(ports.env)("GOPROXY")), platform, ports)
        : await listByGo(go, platform, ports);
    // `GOPROXY=off` and an empty proxy answer the go command with no version, and no error.
    if (listed.length > 0) return listed;
    throw new ActionError("network", "its list of versions is empty");
  } catch (error) {
    ports.signal.throwIfAborted();
    const asked = go === undefined ? "GOPROXY (there is no go on PATH)" : "go command";
    failures.push(`- ${asked}: ${messageOf(error)}`);
  }
  try {
    return await listByPage(downloads, ports);
  } catch (error) {
    ports.signal.throwIfAborted();
    failures.push(`- ${messageOf(error)}`);
    throw new ActionError(
      "network",
      `The list of Go versions could not be fetched:\n${failures.join("\n")}`,
      { hint: "Give an exact version, or check the network and GOPROXY." },
    );
  }
}

async function listByPage(address: string, ports: Ports): Promise<string[]> {
  return (await releases(ports, address)).map(({ version }) => version.replace(/^go/, ""));
}

async function listByGo(go: string, platform: Platform, ports: Ports): Promise<string[]> {
  return withScratch(ports, async (scratch) => {
    const list = async (module: string): Promise<string[]> => {
      const command = {
        ...outsideCommand(go, ["list", "-m", "-versions", module], ports.env, scratch, {
          GOFLAGS: "-modcacherw",
        }),
        timeoutMs: 60_000,
        signal: ports.signal,
      };
      const output = expectSuccess(command, await ports.processes.run(command));
      return output.trim().split(/\s+/).slice(1);
    };
    try {
      return await list("go");
    } catch (error) {
      ports.signal.throwIfAborted();
      // What a go before 1.21 says, to which `go` is no module.
      if (!/malformed module path "go"/.test(messageOf(error))) throw error;
      return releasesOf(await list(TOOLCHAIN), platform);
    }
  });
}

/**
 * The published SHA-256 of an archive, in hex.
 * @throws ActionError when there is none, or the list cannot be had.
 */
export async function publishedSum(
  version: string,
  platform: Platform,
  ports: Ports,
  downloads = GO_DOWNLOADS,
): Promise<string> {
  const filename = archiveName(version, platform);
  const all = await releases(ports, downloads);
  const file = all
    .find((release) => release.version === `go${version}`)
    ?.files.find((each) => each.filename === filename);
  if (file === undefined) {
    throw new ActionError("network", `${shownUrl(downloads)} has no ${filename}`);
  }
  return file.sha256;
}

async function releases({ http, signal }: Ports, downloads: string): Promise<Release[]> {
  const { status, body } = await http.request({
    method: "GET",
    url: `${downloads.replace(/\/*$/, "/")}?mode=json&include=all`,
    signal,
  });
  const shown = shownUrl(downloads);
  if (status !== 200) throw new ActionError("network", `${shown} answered ${status}`);
  let list: unknown;
  try {
    list = JSON.parse(body.toString("utf8"));
  } catch {
    list = undefined;
  }
  if (!Array.isArray(list) || !list.every(isRelease)) {
    throw new ActionError("network", `${shown} did not answer with a list of versions`);
  }
  return list;
}

function isRelease(value: unknown): value is Release {
  if (typeof value !== "object" || value === null) return false;
  const { version, files } = value as Partial<Record<keyof Release, unknown>>;
  return typeof version === "string" && Array.isArray(files) && files.every(isFile);
}

function isFile(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { filename, sha256 } = value as Partial<Record<string, unknown>>;
  return typeof filename === "string" && typeof sha256 === "string";
}
