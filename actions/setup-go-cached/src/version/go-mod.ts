import semver from "semver";
import { parseWanted, toSemver, wantedByGoLine, type Wanted } from "./wanted.ts";

/** What a file says of the version, and in which of its parts. */
export interface Said {
  wanted: Wanted;
  /** `toolchain line`, `go line`; empty where the file is nothing but a version. */
  part: string;
}

/**
 * What go.mod or go.work asks for. The toolchain line decides, unless it is older than the go line
 * (then the go command ignores it) or does not count, since GOTOOLCHAIN is local
 * (https://go.dev/doc/toolchain#select). `toolchain default` asks for nothing, and a suffix names a
 * build of the same version.
 * @throws ActionError when a line holds no version.
 */
export function readGoMod(
  content: string,
  shown: string,
  toolchainCounts = true,
): Said | undefined {
  const lines = content.split(/\r?\n/).map((line) => line.trim());
  const first = (pattern: RegExp): string | undefined =>
    lines.map((line) => pattern.exec(line)?.[1]).find((match) => match !== undefined);
  const toolchain = first(/^toolchain\s+go([\w.]+)/);
  const go = first(/^go\s+(.*?)\s*(?:\/\/.*)?$/);
  if (toolchain !== undefined && toolchainCounts && !isOlder(toolchain, go)) {
    return { wanted: parseWanted(toolchain, shown), part: "toolchain line" };
  }
  if (go !== undefined) {
    const why =
      toolchain === undefined
        ? ""
        : toolchainCounts
          ? "; the toolchain line is older"
          : "; the toolchain line does not count, since GOTOOLCHAIN is local";
    return { wanted: wantedByGoLine(go, shown), part: `go line${why}` };
  }
  // Without a go line the go command takes 1.16 (go.dev/ref/mod, "go directive"): any Go does.
  if (first(/^(module)\s/) === undefined) return undefined;
  return { wanted: wantedByGoLine("1.16", shown), part: "no go line: any Go" };
}

function isOlder(toolchain: string, go: string | undefined): boolean {
  const [one, other] = [toSemver(toolchain), toSemver(go ?? "")];
  return one !== undefined && other !== undefined && semver.lt(one, other);
}
