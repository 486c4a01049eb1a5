import { ActionError, messageOf } from "@go-cicd/core/errors.ts";
import { shownUrl } from "@go-cicd/core/http-policy.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { nearestVersions, toSemver } from "../version/wanted.ts";
import { downloadArchive } from "./archive.ts";
import { fetchByGo } from "./go-fetch.ts";
import { fetchByProxy, parseProxies } from "./goproxy.ts";
import type { LocalToolchain } from "./local.ts";
import { MachineProblem } from "./machine-problem.ts";
import { mirrorCheck, mirrorTool, type Mirror } from "./mirror.ts";
import { platformName } from "./platform.ts";
import { GO_DOWNLOADS, knownVersions, publishedSum } from "./releases.ts";
import type { ToolchainRequest } from "./request.ts";
import { usable, type Resolution } from "./resolve.ts";
import { cachedToolchains, intoToolCache, toolCaches } from "./tool-cache.ts";
import { knownSum } from "./tree-sum.ts";
import { readVerification } from "./verification.ts";

export interface Toolchain extends LocalToolchain {
  /** Where it came from, for the log. */
  source: string;
}

/** A place that may have the toolchain: makes `<folder>/go` a verified GOROOT, or throws. */
interface Source {
  name: string;
  fetch: (folder: string) => Promise<void>;
}

/**
 * The toolchain of a version, from the first source that has it: tool cache, PATH, the go command
 * (which fetches and verifies other versions of itself), the same module from the machine's
 * proxies, Go's downloads; or the user's mirror in place of the last three. What cannot be verified
 * is refused.
 * @throws ActionError with what each source said.
 */
export async function installToolchain(
  resolution: Resolution,
  request: ToolchainRequest,
  ports: Ports,
): Promise<Toolchain> {
  const { version, path } = resolution;
  const { mirror, platform } = request;
  const shelf = { tool: mirror === undefined ? "go" : mirrorTool(mirror), platform };
  const cached = cachedToolchains(shelf, toolCaches(ports)).find(
    (each) => each.version === version,
  );
  if (cached !== undefined) return { ...cached, source: "tool cache" };
  const own = usable(path, request);
  if (own?.version === version) return { ...own, source: "PATH" };

  const sources =
    mirror === undefined
      ? await ownSources(version, path, request, ports)
      : [mirrorSource(mirror, version, request, ports)];
  const failures: string[] = [];
  for (const { name, fetch } of sources) {
    try {
      return { version, goroot: await intoToolCache(version, shelf, ports, fetch), source: name };
    } catch (error) {
      ports.signal.throwIfAborted();
      if (!(error instanceof ActionError) || isFinal(error)) throw error;
      failures.push(`- ${name}: ${messageOf(error)}`);
      ports.log.info(`Go ${version} not from the ${name}: ${messageOf(error)}`);
    }
  }
  throw await notHad(version, failures, request, ports);
}

/** A sum that is wrong is never answered by trying elsewhere; neither is a full disk. */
function isFinal(error: ActionError): boolean {
  return error instanceof MachineProblem || error.code === "integrity" || error.code === "input";
}

async function ownSources(
  version: string,
  path: LocalToolchain | undefined,
  { platform, downloads = GO_DOWNLOADS }: ToolchainRequest,
  ports: Ports,
): Promise<Source[]> {
  const verification = await readVerification(path, ports);
  const sum = knownSum(version, platform);
  const proxies = parseProxies(verification.goproxy);
  const sources: Source[] = [];
  if (path !== undefined) {
    sources.push({
      name: "go command, checked by the checksum database",
      fetch: (folder) => fetchByGo(version, platform, path, verification, folder, ports),
    });
  }
  sources.push({
    name: "module proxy, checked by the sum in this action",
    fetch: async (folder) => {
      if (sum === undefined)
        throw new ActionError("network", noSum(version, platformName(platform)));
      await fetchByProxy(version, platform, sum, proxies, folder, ports);
    },
  });
  const shown = shownUrl(downloads);
  sources.push({
    name: `${shown}, checked by ${sum === undefined ? "its published SHA-256" : "the sum in this action"}`,
    fetch: async (folder) => {
      const check =
        sum === undefined
          ? {
              kind: "archive" as const,
              sha256: await publishedSum(version, platform, ports, downloads),
            }
          : { kind: "tree" as const, sum };
      await downloadArchive(downloads, version, platform, check, folder, ports);
    },
  });
  return sources;
}

function noSum(version: string, platform: string): string {
  return `this release of the action does not know the sum of Go ${version} for ${platform}`;
}

function mirrorSource(
  mirror: Mirror,
  version: string,
  { platform }: ToolchainRequest,
  ports: Ports,
): Source {
  const by = mirror.sha256 === undefined ? "the sum in this action" : "go-download-sha256";
  return {
    name: `mirror, checked by ${by}`,
    fetch: async (folder) => {
      const check = mirrorCheck(mirror, version, platform);
      await downloadArchive(mirror.baseUrl, version, platform, check, folder, ports);
    },
  };
}

/** No source had it: because there is no such version, or because none could be reached. */
async function notHad(
  version: string,
  failures: readonly string[],
  request: ToolchainRequest,
  ports: Ports,
): Promise<ActionError> {
  const said = failures.join("\n");
  let known: string[] = [];
  try {
    known = await knownVersions(ports, request);
  } catch (error) {
    ports.signal.throwIfAborted();
    ports.log.debug(messageOf(error));
  }
  if (known.length > 0 && !known.includes(version)) {
    return new ActionError("input", `There is no Go ${version} in the list of versions:\n${said}`, {
      hint: `The nearest that exist are ${nearestVersions(toSemver(version) ?? version, known).join(", ")}.`,
    });
  }
  return new ActionError(
    "network",
    `Go ${version} for ${platformName(request.platform)} could not be had:\n${said}`,
    {
      hint: "Check the network and GOPROXY, put the version into the runner's tool cache, or name a mirror with go-download-base-url.",
    },
  );
}
