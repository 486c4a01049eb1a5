import { ActionError, messageOf } from "@go-cicd/core/errors.ts";
import { shownUrl } from "@go-cicd/core/http-policy.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { expectSuccess } from "@go-cicd/core/process.ts";
import { outsideCommand, withScratch } from "./go-command.ts";
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
 * configuration knows, and so what could be fetched. A mirror's own list comes before that, where it
 * has one (actions/setup-go asks the same address): it is the only place that will be asked for the
 * archive.
 * @throws ActionError `network` when no list can be had, with what each source said.
 */
export async function knownVersions(
  ports: Ports,
  { mirror, downloads = GO_DOWNLOADS }: Pick<ToolchainRequest, "mirror" | "downloads">,
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
  if (go === undefined) failures.push("- go command: there is none on PATH");
  else {
    try {
      return await listByGo(go, ports);
    } catch (error) {
      ports.signal.throwIfAborted();
      failures.push(`- go command: ${messageOf(error)}`);
    }
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

async function listByGo(go: string, ports: Ports): Promise<string[]> {
  return withScratch(ports, async (scratch) => {
    const command = {
      ...outsideCommand(go, ["list", "-m", "-versions", "go"], ports.env, scratch, {
        GOFLAGS: "-modcacherw",
      }),
      timeoutMs: 60_000,
      signal: ports.signal,
    };
    const [, ...versions] = expectSuccess(command, await ports.processes.run(command))
      .trim()
      .split(/\s+/);
    // `GOPROXY=off` and an empty proxy answer with no version, and no error.
    if (versions.length === 0) throw new ActionError("network", "its list of versions is empty");
    return versions;
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
  return (
    typeof version === "string" &&
    Array.isArray(files) &&
    files.every(
      (file: Partial<Record<string, unknown>>) =>
        typeof file["filename"] === "string" && typeof file["sha256"] === "string",
    )
  );
}
