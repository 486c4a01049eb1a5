import { ActionError } from "@go-cicd/core/errors.ts";
import { readGoMod, type Said } from "./go-mod.ts";
import { readMise } from "./mise.ts";
import { readToolVersions } from "./tool-versions.ts";
import { parseWanted, type Wanted } from "./wanted.ts";

/** Files that name a Go version, the first that is there and names one decides. */
export const VERSION_FILES = [
  "go.work",
  "go.mod",
  ".go-version",
  ".tool-versions",
  "mise.toml",
  ".mise.toml",
] as const;

/**
 * What a version file says, by the grammar of its name; undefined when it says nothing.
 * @param toolchainCounts whether the toolchain line of go.mod and go.work does
 * @throws ActionError when what it says is no version.
 */
export function readVersion(
  name: string,
  content: string,
  shown: string,
  toolchainCounts = true,
): Said | undefined {
  if (name.endsWith(".mod") || name.endsWith(".work")) {
    return readGoMod(content, shown, toolchainCounts);
  }
  if (name.endsWith(".toml")) return whole(readMise(content, shown));
  if (name === ".tool-versions") return whole(readToolVersions(content, shown));
  const line = content
    .split(/\r?\n/)
    .map((each) => each.replace(/#.*/, "").trim())
    .find((each) => each !== "");
  return line === undefined ? undefined : whole(parseWanted(line, shown));
}

function whole(wanted: Wanted | undefined): Said | undefined {
  return wanted === undefined ? undefined : { wanted, part: "" };
}

/** A file that was named, and says nothing of Go. */
export function saysNothing(shown: string): ActionError {
  return new ActionError("repository", `${shown} names no Go version`, {
    hint: 'Expected is a line such as `go 1.26.3` (go.mod, go.work), `golang 1.26.3` (.tool-versions), `go = "1.26.3"` below `[tools]` (mise.toml) or `1.26.3` (.go-version). `system`, `path:` and `ref:` name no version.',
  });
}
