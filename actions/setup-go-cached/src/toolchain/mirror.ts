import { createHash } from "node:crypto";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Check } from "./archive.ts";
import { platformName, type Platform } from "./platform.ts";
import { knownSum } from "./tree-sum.ts";

/**
 * A place that is asked for archives instead of all others, as `go-download-base-url` means in
 * actions/setup-go.
 */
export interface Mirror {
  baseUrl: string;
  /** SHA-256 of the archive in hex; without it the mirror must have what Go itself publishes. */
  sha256: string | undefined;
}

/** Problems of the two inputs, as they follow the inputs' names; none when they are sound. */
export function mirrorProblems(baseUrl: string | undefined, sha256: string | undefined): string[] {
  const problems: string[] = [];
  if (baseUrl === undefined && sha256 !== undefined) {
    problems.push("go-download-sha256 needs go-download-base-url");
  }
  if (baseUrl !== undefined && !/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? "")) {
    problems.push("go-download-base-url must be an http or https address");
  }
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256)) {
    problems.push("go-download-sha256 must be 64 hex digits");
  }
  return problems;
}

/**
 * Name of a mirror's toolchains in the tool cache. What has a sum of its own may be another build
 * of the same version, and is never mixed up with Go's; what must be Go's own content is.
 */
export function mirrorTool({ baseUrl, sha256 }: Mirror): string {
  if (sha256 === undefined) return "go";
  const id = createHash("sha256").update(`${baseUrl}\n${sha256.toLowerCase()}`).digest("hex");
  return `go-${id.slice(0, 8)}`;
}

/**
 * How a mirror's archive is checked.
 * @throws ActionError `input` when there is nothing to check it by.
 */
export function mirrorCheck(mirror: Mirror, version: string, platform: Platform): Check {
  if (mirror.sha256 !== undefined) return { kind: "archive", sha256: mirror.sha256 };
  const sum = knownSum(version, platform);
  if (sum !== undefined) return { kind: "tree", sum };
  throw new ActionError(
    "input",
    `go-download-base-url needs go-download-sha256 for Go ${version} on ${platformName(platform)}`,
    {
      hint: "What a mirror sends is verified, and this release of the action does not know the sum of that toolchain.",
    },
  );
}
