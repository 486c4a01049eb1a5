import { ActionError } from "@go-cicd/core/errors.ts";
import type { GoTool } from "./go-tool.ts";
import type { WantedTool } from "./wanted.ts";

/** A tool whose module and version are settled. */
export interface ResolvedTool extends WantedTool {
  module: string;
  version: string;
}

interface Listed {
  Path: string;
  Version?: string;
  /** What was asked for, where that is not the version. */
  Query?: string;
  Error?: { Err?: string };
}

/**
 * Settles modules and versions through the go command. A package's module is the longest prefix of
 * its path that is one; prefixes are asked of one proxy after the other, as `go install` does
 * (cmd/go/internal/modload, queryPrefixModules): else each prefix that is no module would be looked
 * up in its repository.
 * @throws ActionError that names every tool that was not found.
 */
export async function resolveTools(
  wanted: readonly WantedTool[],
  go: GoTool,
): Promise<ResolvedTool[]> {
  const proxies = (await go.output(["env", "GOPROXY"])).trim();
  const found = new Map<WantedTool, ResolvedTool>();
  const said = new Map<WantedTool, string>();
  for (const proxy of splitProxies(proxies)) {
    const missing = wanted.filter((tool) => !found.has(tool));
    if (missing.length === 0) break;
    const words = missing.flatMap((tool) =>
      prefixes(tool.path).map((path) => `${path}@${tool.query}`),
    );
    const arguments_ = ["list", "-m", "-e", "-json", ...new Set(words)];
    const exit = await go.exit(arguments_, { GOPROXY: proxy });
    const answers = new Map(
      parseJsonStream<Listed>(exit.stdout).map((each) => [
        `${each.Path}@${each.Query ?? each.Version ?? ""}`,
        each,
      ]),
    );
    for (const tool of missing) {
      const asked = prefixes(tool.path).map((path) => answers.get(`${path}@${tool.query}`));
      const hit = asked.find((each) => each?.Version !== undefined && each.Error === undefined);
      if (hit?.Version !== undefined) {
        found.set(tool, { ...tool, module: hit.Path, version: hit.Version });
      } else {
        const shortest = asked.findLast((each) => each?.Error?.Err !== undefined);
        said.set(tool, shortest?.Error?.Err ?? lastLine(exit.stderr));
      }
    }
  }
  const lost = wanted.filter((tool) => !found.has(tool));
  if (lost.length > 0) {
    const lines = lost.map((tool) => `- ${tool.path}@${tool.query}: ${said.get(tool) ?? ""}`);
    throw new ActionError("input", `No version was found of:\n${lines.join("\n")}`, {
      hint: "Check path and version. Private modules need `private` and `private-token`.",
    });
  }
  return wanted.flatMap((tool) => found.get(tool) ?? []);
}

/** Paths that can be the package's module, longest first; a host alone is none. */
export function prefixes(path: string): string[] {
  const elements = path.split("/");
  // Repositories of these hosts are two levels deep (cmd/go/internal/vcs).
  const least = /^(github\.com|bitbucket\.org)$/.test(elements[0] ?? "") ? 3 : 2;
  const shortest = Math.min(least, elements.length);
  return elements
    .slice(shortest - 1)
    .map((_, index, { length }) => elements.slice(0, shortest + length - 1 - index).join("/"));
}

/** GOPROXY is a list that is tried in order, whatever stands between two of it. */
function splitProxies(list: string): string[] {
  const proxies = list.split(/[,|]/).filter((proxy) => proxy !== "");
  return proxies.length === 0 ? ["direct"] : proxies;
}

interface Downloaded {
  Path: string;
  Version: string;
  Sum?: string;
  Error?: string;
}

/**
 * Sums of modules, `path@version` → `h1:…`, from where modules come from: the go command fetches
 * each, works its sum out, and holds it against the checksum database unless the user's settings
 * except it (GONOSUMDB, GOPRIVATE). What cannot be had has no sum.
 */
export async function moduleSums(
  tools: readonly ResolvedTool[],
  go: GoTool,
): Promise<Map<string, string>> {
  const words = [...new Set(tools.map(({ module, version }) => `${module}@${version}`))];
  if (words.length === 0) return new Map();
  const exit = await go.exit(["mod", "download", "-json", ...words]);
  return new Map(
    parseJsonStream<Downloaded>(exit.stdout).flatMap(({ Path, Version, Sum, Error: failed }) =>
      Sum === undefined || failed !== undefined ? [] : [[`${Path}@${Version}`, Sum] as const],
    ),
  );
}

/** Values that stand one after the other, as the go command prints them: `}` alone ends each. */
function parseJsonStream<T>(text: string): T[] {
  return text
    .split(/^(?=\{)/m)
    .filter((part) => part.trim() !== "")
    .flatMap((part) => {
      try {
        return [JSON.parse(part) as T];
      } catch {
        // Cut off, since go was ended; what is missing counts as not found.
        return [];
      }
    });
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
