import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ActionError } from "@go-cicd/core/errors.ts";
import { parse } from "yaml";

/** One declared input. Every scalar of action.yml is text to the runner. */
export interface DeclaredInput {
  name: string;
  /** May hold expressions; absent means empty. */
  default: string;
  required: boolean;
  deprecationMessage: string | undefined;
}

/** What the runner takes from a JavaScript action's metadata file. */
export interface ActionManifest {
  /** Absolute folder that holds action.yml. */
  folder: string;
  name: string;
  using: string;
  inputs: readonly DeclaredInput[];
  outputs: readonly string[];
  /** Absolute files of the stages. */
  main: string;
  pre: string | undefined;
  post: string | undefined;
  /** Conditions, `always()` unless given. */
  preIf: string;
  postIf: string;
}

/**
 * Reads `action.yml` (or `action.yaml`) as the runner does: a JavaScript action whose stages exist.
 * @throws ActionError `repository` when there is none, or it is no such action.
 */
export function readActionManifest(folder: string): ActionManifest {
  const absolute = resolve(folder);
  const file = ["action.yml", "action.yaml"]
    .map((name) => join(absolute, name))
    .find((path) => existsSync(path));
  if (file === undefined) {
    throw new ActionError("repository", `there is no action.yml in ${absolute}`);
  }
  // The failsafe schema keeps every scalar a string: `default: 1.20` must not become 1.2.
  const root = mapping(parse(readFileSync(file, "utf8"), { schema: "failsafe" }));
  const runs = mapping(root["runs"]);
  const using = text(runs["using"]) ?? "";
  if (!/^node\d+$/.test(using)) {
    throw new ActionError("repository", `${file}: runs.using must be a Node version, not ${using}`);
  }
  const stage = (name: string): string | undefined => {
    const path = text(runs[name]);
    if (path === undefined) return undefined;
    const found = join(absolute, path);
    if (!existsSync(found)) {
      throw new ActionError("repository", `${file}: runs.${name} does not exist: ${found}`);
    }
    return found;
  };
  const main = stage("main");
  if (main === undefined) throw new ActionError("repository", `${file}: runs.main is missing`);
  return {
    folder: absolute,
    name: text(root["name"]) ?? "",
    using,
    inputs: Object.entries(mapping(root["inputs"])).map(([name, value]) => {
      const input = mapping(value);
      return {
        name,
        default: text(input["default"]) ?? "",
        required: text(input["required"]) === "true",
        deprecationMessage: text(input["deprecationMessage"]),
      };
    }),
    outputs: Object.keys(mapping(root["outputs"])),
    main,
    pre: stage("pre"),
    post: stage("post"),
    preIf: text(runs["pre-if"]) ?? "always()",
    postIf: text(runs["post-if"]) ?? "always()",
  };
}

function mapping(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
