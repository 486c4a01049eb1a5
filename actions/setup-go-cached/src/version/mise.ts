import { readToml, type TomlValue } from "./toml.ts";
import { firstVersion } from "./tool-versions.ts";
import type { Wanted } from "./wanted.ts";

/** What users call Go in mise's `[tools]`. */
const NAMES = ["go", "golang", "core:go"];

/**
 * What mise.toml asks for in its table `tools`: a version, a list of them, or tables with one
 * (https://mise.jdx.dev/dev-tools/).
 * @throws ActionError when the file cannot be read, or it is no version.
 */
export function readMise(content: string, shown: string): Wanted | undefined {
  const { tools } = readToml(content, shown);
  if (tools === undefined || typeof tools === "string" || Array.isArray(tools)) return undefined;
  const name = NAMES.find((each) => Object.hasOwn(tools, each));
  const value = name === undefined ? undefined : tools[name];
  return value === undefined ? undefined : firstVersion(versions(value), shown);
}

function versions(value: TomlValue): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(versions);
  return value["version"] === undefined ? [] : versions(value["version"]);
}
