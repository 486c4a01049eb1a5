import { availableParallelism } from "node:os";
import { ActionError } from "@go-cicd/core/errors.ts";
import { childEnvironment, type Environment } from "@go-cicd/core/process.ts";
import { type Platform, platformName } from "@go-cicd/oci/spec.ts";

/**
 * Flags of GOFLAGS that would run a program of their own or swap sources under us. They may come
 * from an environment file that a pull request wrote, so a build with them is refused.
 */
const UNSAFE_GOFLAGS = /(?:^|\s)['"]?--?(toolexec|overlay|exec|o|pkgdir|ldflags)\b/;

/** @throws ActionError `environment` */
export function checkGoflags(env: Environment): void {
  const found = UNSAFE_GOFLAGS.exec(env["GOFLAGS"] ?? "");
  if (found !== null) {
    throw new ActionError(
      "environment",
      `GOFLAGS holds -${found[1] ?? ""}, which an image is not built with`,
      {
        hint: "Remove it from GOFLAGS for this step; linker flags go into the input `ldflags`.",
      },
    );
  }
}

/** How many builds run at once: each of them uses several processors itself. */
export function buildsAtOnce(processors = availableParallelism()): number {
  return Math.max(2, Math.floor(processors / 2));
}

/** Environment of `go build` for one platform. @throws ActionError `input` for what Go cannot target */
export function buildEnvironment(env: Environment, platform: Platform): Environment {
  return childEnvironment(env, {
    CGO_ENABLED: "0",
    GOOS: platform.os,
    GOARCH: platform.architecture,
    ...variantOf(platform),
  });
}

/** Go's names for what OCI calls a variant (`go help environment`). */
function variantOf(platform: Platform): Environment {
  const { architecture, variant } = platform;
  const none = { GOARM: undefined, GOAMD64: undefined, GOARM64: undefined };
  const unknown = (allowed: string): never => {
    throw new ActionError("input", `Go does not build for ${platformName(platform)}`, {
      hint: `Variants of ${architecture}: ${allowed}.`,
    });
  };
  switch (architecture) {
    case "arm":
      if (variant !== undefined && !/^v[567]$/.test(variant)) unknown("v5, v6, v7");
      return { ...none, GOARM: (variant ?? "v7").slice(1) };
    case "amd64":
      if (variant !== undefined && !/^v[1-4]$/.test(variant)) unknown("v1, v2, v3, v4");
      return { ...none, GOAMD64: variant ?? "v1" };
    case "arm64":
      if (variant !== undefined && !/^v(8|9)$/.test(variant)) unknown("v8, v9");
      return { ...none, GOARM64: variant === "v9" ? "v9.0" : "v8.0" };
    default:
      if (variant !== undefined) unknown("none");
      return none;
  }
}

/** What a build is asked for, beside the platform. */
export interface BuildFlags {
  buildTags: readonly string[];
  ldflags: string | undefined;
}

/**
 * Arguments of `go build`. `-buildvcs=false` and `-trimpath`: neither commit nor folder reaches the
 * binary, so an untouched service keeps its digest. `-s -w` drops symbol tables that only a debugger
 * reads; panics keep their traces.
 */
export function buildArguments(importPath: string, output: string, flags: BuildFlags): string[] {
  const tags = [...new Set(["timetzdata", ...flags.buildTags])];
  return [
    "build",
    "-trimpath",
    "-buildvcs=false",
    `-tags=${tags.join(",")}`,
    `-ldflags=${["-s -w", ...(flags.ldflags === undefined ? [] : [flags.ldflags])].join(" ")}`,
    "-o",
    output,
    "--",
    importPath,
  ];
}

/** @returns what is wrong with the flags, as lines for the message about inputs */
export function flagProblems({ buildTags, ldflags = "" }: BuildFlags): string[] {
  const tags = buildTags
    .filter((tag) => !/^[\p{L}\p{Nd}_.]+$/u.test(tag))
    .map((tag) => `build-tags: ${JSON.stringify(tag)} is no build tag`);
  return [...tags, ...linkerProblems(ldflags)];
}

/** Only flags that change the binary's words and symbols: others start programs or write files. */
function linkerProblems(ldflags: string): string[] {
  const words = splitQuoted(ldflags);
  if (words === undefined) return ["ldflags: a quote is not closed"];
  const problems: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (/^--?X$/.test(word)) {
      at += 1;
      const definition = words[at] ?? "";
      if (!/^[^=\s-][^=\s]*=/.test(definition)) {
        problems.push(`ldflags: -X needs package.name=value, not ${JSON.stringify(definition)}`);
      }
    } else if (
      !/^--?(X=[^=\s-][^=\s]*=|(s|w|compressdwarf)(=(true|false))?$|(B|buildid)=)/.test(word)
    ) {
      problems.push(
        `ldflags: ${JSON.stringify(word)} is not allowed (allowed: -s, -w, -X, -B=, -buildid=, -compressdwarf)`,
      );
    }
  }
  return problems;
}

/** Splits as the go command does (cmd/internal/quoted): blanks, or one pair of quotes per word. */
function splitQuoted(text: string): string[] | undefined {
  const words: string[] = [];
  let rest = text.trimStart();
  while (rest !== "") {
    const quote = /^['"]/.exec(rest)?.[0];
    if (quote === undefined) {
      const [word = ""] = /^\S+/.exec(rest) ?? [];
      words.push(word);
      rest = rest.slice(word.length).trimStart();
      continue;
    }
    const end = rest.indexOf(quote, 1);
    if (end < 0) return undefined;
    words.push(rest.slice(1, end));
    rest = rest.slice(end + 1).trimStart();
  }
  return words;
}
