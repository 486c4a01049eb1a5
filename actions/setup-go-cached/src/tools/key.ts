import { createHash } from "node:crypto";
import type { JobContext } from "@go-cicd/core/context.ts";
import type { Environment } from "@go-cicd/core/process.ts";
import type { WantedTool } from "./wanted.ts";

/** Part of every key: entries of another format are never looked at. */
const FORMAT = "v1";

export interface ToolsKey {
  /** An entry is saved as `<scope>-<content>`. */
  scope: string;
  /** Entries of other lists of tools, some of which may be the same. */
  others: string;
}

/**
 * The key of a list of tools. `versions` are settled ones: what `@latest` is today is another key
 * tomorrow. The image and CGO_ENABLED belong to it since a program may need the C library it was
 * linked with. No part of it names a branch or tag.
 */
export function toolsKey(
  versions: readonly Pick<WantedTool & { version: string }, "path" | "version">[],
  minor: string,
  { os, arch }: Pick<JobContext, "os" | "arch">,
  env: Environment,
): ToolsKey {
  const lines = versions.map(({ path, version }) => `${path}@${version}`).sort();
  const place = digest([env["ImageOS"] ?? "", env["CGO_ENABLED"] ?? ""], 8);
  const others = ["go-cicd-tools", FORMAT, os, arch, `go${minor}`, place].join("-");
  return { scope: `${others}-${digest(lines, 16)}`, others };
}

/** SHA-256 of lines in hex, cut. */
export function digest(lines: readonly string[], length: number): string {
  return createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, length);
}
