import { ActionError, messageOf } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { fits, lowest, nearestVersions, newest, type Wanted } from "../version/wanted.ts";
import { describe, goOnPath, type LocalToolchain } from "./local.ts";
import { mirrorTool } from "./mirror.ts";
import { knownVersions } from "./releases.ts";
import type { ToolchainRequest } from "./request.ts";
import { cachedToolchains, toolCaches } from "./tool-cache.ts";

/** What is known before anything is installed: the version, and the machine's own go. */
export interface Resolution {
  version: string;
  /** How a range was settled; undefined when the version was exact. */
  how: string | undefined;
  path: LocalToolchain | undefined;
}

/**
 * Settles what is wanted to one version: by what is on the machine, else (or with `checkLatest`) by
 * the list of all versions.
 * @throws ActionError when nothing fits or the list cannot be had.
 */
export async function resolveVersion(request: ToolchainRequest, ports: Ports): Promise<Resolution> {
  const { wanted } = request;
  const program = goOnPath(ports.env);
  const path = program === undefined ? undefined : await describe(program, ports);
  if (wanted.kind === "exact") return { version: wanted.version, how: undefined, path };
  if (wanted.kind === "range" && !request.checkLatest) {
    const version = newest(
      onMachine(request, path, ports).map((toolchain) => toolchain.version),
      wanted,
    );
    if (version !== undefined) return { version, how: "the newest on this machine", path };
  }
  let known: string[];
  try {
    known = await knownVersions(ports, request);
  } catch (error) {
    ports.signal.throwIfAborted();
    return { ...withoutList(request, path, error, ports), path };
  }
  const version = newest(known, wanted);
  if (version === undefined || (wanted.kind === "range" && !fits(version, wanted))) {
    // A proxy of a site without a network may know a few versions only.
    const by = request.source === undefined ? "" : `, which ${request.source} asks for`;
    const error = new ActionError("input", `No Go version fits ${wanted.text}${by}`, {
      hint: `The nearest that exist are ${nearestVersions(lowest(wanted), known).join(", ")}; the newest ones are ${newestReleases(known)}.`,
    });
    return { ...newEnough(request, path, error, ports), path };
  }
  return { version, how: "the newest there is", path };
}

/**
 * What does where no list can be had. Somebody who wants the newest gets the newest that is here, as
 * from actions/setup-go: a site without a network cannot know better, and the log says so.
 * @throws `error` when there is nothing that fits.
 */
function withoutList(
  request: ToolchainRequest,
  path: LocalToolchain | undefined,
  error: unknown,
  ports: Ports,
): { version: string; how: string } {
  const { wanted } = request;
  if (wanted.kind === "range" && request.checkLatest) {
    const here = onMachine(request, path, ports).map((toolchain) => toolchain.version);
    const version = newest(here, wanted);
    if (version !== undefined) {
      ports.log.warning(
        `${messageOf(error)}\nGo ${version} is taken, the newest on this machine: whether there is a newer one is not known.`,
      );
      return { version, how: "the newest on this machine" };
    }
  }
  return newEnough(request, path, error, ports);
}

/**
 * What is here and newer than a go line asks for: it names a minimum, so that is right, if not what
 * it would be online.
 * @throws `error` for any other request, and when there is nothing.
 */
function newEnough(
  request: ToolchainRequest,
  path: LocalToolchain | undefined,
  error: unknown,
  ports: Ports,
): { version: string; how: string } {
  const { wanted } = request;
  const otherwise = wanted.kind === "range" ? wanted.otherwise : undefined;
  if (otherwise === undefined) throw error;
  const minimum: Wanted = { kind: "range", range: otherwise, text: otherwise };
  const here = usable(path, request);
  const onPath = here !== undefined && fits(here.version, minimum);
  const cached = onMachine(request, undefined, ports).map((toolchain) => toolchain.version);
  const version = onPath ? here.version : newest(cached, minimum);
  if (version === undefined) throw error;
  const how = onPath ? "the one on PATH" : "the newest in the tool cache";
  ports.log.warning(`${messageOf(error)}\nGo ${version} is taken, ${how}: it is new enough.`);
  return { version, how };
}

/** The toolchains on this machine that may answer a request. */
function onMachine(
  request: ToolchainRequest,
  path: LocalToolchain | undefined,
  ports: Ports,
): LocalToolchain[] {
  const { mirror, platform } = request;
  const tool = mirror === undefined ? "go" : mirrorTool(mirror);
  const own = usable(path, request);
  return [
    ...cachedToolchains({ tool, platform }, toolCaches(ports)),
    ...(own === undefined ? [] : [own]),
  ];
}

/** The Go on PATH, unless another processor's or a mirror's own build is wanted. */
export function usable(
  path: LocalToolchain | undefined,
  { platform, mirror }: ToolchainRequest,
): LocalToolchain | undefined {
  if (path === undefined || mirror?.sha256 !== undefined) return undefined;
  return (path.goarch ?? platform.goarch) === platform.goarch && platform.native ? path : undefined;
}

function newestReleases(known: readonly string[]): string {
  const [stable, older] = (["stable", "oldstable"] as const).map((kind) =>
    newest(known, { kind, text: kind }),
  );
  return [stable, older].filter((version) => version !== undefined).join(" and ");
}
