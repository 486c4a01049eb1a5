import { createHash } from "node:crypto";
import type { JobContext } from "@go-cicd/core/context.ts";
import type { Environment } from "@go-cicd/core/process.ts";

/** Part of every key: entries of another format are never looked at. */
const FORMAT = "v2";

/**
 * Settings that the compiler's results depend on. Go has them in its action IDs; here they keep
 * jobs that share nothing out of each other's entries.
 */
const BUILD_VARIABLES = [
  "GOFLAGS",
  "GOOS",
  "GOARCH",
  "CGO_ENABLED",
  "GOEXPERIMENT",
  "GO386",
  "GOAMD64",
  "GOARM",
  "GOARM64",
  "GOMIPS",
  "GOMIPS64",
  "GOPPC64",
  "GORISCV64",
  "GOWASM",
  "GOFIPS140",
  "CC",
  "CXX",
  "CGO_CFLAGS",
  "CGO_CPPFLAGS",
  "CGO_CXXFLAGS",
  "CGO_LDFLAGS",
] as const;

/** What a key is made of, each with its name, so that it can be shown. */
type Ingredients = readonly (readonly [name: string, value: string])[];

/**
 * Keys of one store. The names of its entries begin with `scope` (see layers.ts); `fallbacks` are
 * wider and wider prefixes.
 */
export interface Keys {
  scope: string;
  /** What the names of all bases begin with that entries of this store may stand on. */
  family: string;
  fallbacks: readonly string[];
  ingredients: Ingredients;
}

/**
 * Module sources depend on nothing but their sums: all jobs, architectures and Go versions of one
 * OS share them. `sums` are the lines of all go.sum files.
 */
export function moduleKeys(context: Pick<JobContext, "os">, sums: readonly string[]): Keys {
  const digest = digestOf([...new Set(sums)].sort());
  const prefix = `go-cicd-modules-${FORMAT}-${word(context.os)}`;
  return {
    scope: `${prefix}-${digest}`,
    family: prefix,
    fallbacks: [`${prefix}-`],
    ingredients: [
      ["format", FORMAT],
      ["OS", context.os],
      ["sums", `${sums.length} lines, ${digest}`],
    ],
  };
}

export interface BuildKeyParts {
  context: Pick<JobContext, "os" | "arch" | "workflow" | "job" | "workspace">;
  env: Environment;
  goVersion: string;
  /** Its path is part of what is compiled, as the workspace's is. */
  gomodcache: string;
  /** The matrix leg as JSON, or empty. */
  matrix: string;
  /** A setting's value, as the go command sees it. */
  setting: (name: string) => string;
}

/**
 * Build results depend on nearly everything; the paths of the workspace and of the modules are in
 * Go's action IDs unless `-trimpath` is given. No part names a branch or tag: scopes are the cache service's business.
 */
export function buildKeys(parts: BuildKeyParts): Keys {
  const { context, env, goVersion, gomodcache, matrix, setting } = parts;
  const variables = BUILD_VARIABLES.map((name) => [name, setting(name)] as const).filter(
    ([, value]) => value !== "",
  );
  const settings = digestOf(
    variables.map(([name, value]) => `${name}=${value}`),
    8,
  );
  const place = digestOf([context.workspace, gomodcache], 8);
  const leg = matrix === "" || matrix === "null" ? "" : digestOf([canonical(matrix)], 8);
  const image = env["ImageOS"] ?? "";
  const anywhere = [
    `go-cicd-build-${FORMAT}`,
    word(context.os),
    word(context.arch),
    word(image) || "any",
    `go${word(goVersion)}`,
    settings,
  ].join("-");
  const wide = `${anywhere}-${place}`;
  const job = `${word(context.job).slice(0, 60) || "job"}-${digestOf([context.workflow, context.job], 8)}`;
  const scope = [wide, job, leg || "single"].join("-");
  return {
    scope,
    family: scope,
    // Another leg of the job, then another job: most of what they compile is the same. Then another
    // place (a second runner of a machine, act): there the standard library is.
    fallbacks: [`${wide}-${job}-`, `${wide}-`, `${anywhere}-`],
    ingredients: [
      ["format", FORMAT],
      ["OS", context.os],
      ["arch", context.arch],
      ["image", image || "(none)"],
      ["Go", goVersion],
      [
        "build variables",
        variables.map(([name, value]) => `${name}=${value}`).join(" ") || "(none)",
      ],
      ["workspace", context.workspace],
      ["modules", gomodcache],
      ["workflow", context.workflow],
      ["job", context.job],
      ["matrix", leg === "" ? "(none)" : canonical(matrix)],
    ],
  };
}

/** A short digest of lines: SHA-256 in hex, cut. */
export function digestOf(lines: readonly string[], length = 16): string {
  return createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, length);
}

/** Text as part of a key: keys take no commas, and stay readable. */
function word(text: string): string {
  return text.replace(/[^A-Za-z0-9._]+/g, "_");
}

/** The matrix leg with its keys in order: GitHub does not promise one. */
function canonical(matrix: string): string {
  try {
    const leg: unknown = JSON.parse(matrix);
    if (typeof leg !== "object" || leg === null) return matrix;
    return JSON.stringify(
      Object.fromEntries(Object.entries(leg).sort(([a], [b]) => (a < b ? -1 : 1))),
    );
  } catch {
    return matrix;
  }
}
