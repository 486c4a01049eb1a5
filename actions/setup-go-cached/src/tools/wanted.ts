import { invalidInputs } from "@go-cicd/core/inputs.ts";

/** A program that the user asks for. */
export interface WantedTool {
  /** Import path of the package: `golang.org/x/tools/cmd/stringer`. */
  path: string;
  /** What stands behind the `@`: a version, or a query for one. */
  query: string;
  /** File name of the program, without `.exe`. */
  name: string;
}

const ELEMENT = "[A-Za-z0-9_~-][A-Za-z0-9._~-]*";
/** Import paths that begin with a host (https://go.dev/ref/mod#go-mod-file-ident). */
const PATH = new RegExp(`^${ELEMENT}\\.${ELEMENT}(/${ELEMENT})*$`);
/** Versions and queries (https://go.dev/ref/mod#version-queries), branches and commits among them. */
const QUERY = /^[A-Za-z0-9_][A-Za-z0-9._+/~-]*$/;
/** A whole version, a pseudo-version among them (https://semver.org, with Go's `v`). */
const VERSION = /^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;
/** Queries that mean something only inside a module. */
const INSIDE = ["upgrade", "patch", "none"];

/** Whether a query is a version already, which is the same tomorrow. */
export function isVersion(query: string): boolean {
  return VERSION.test(query);
}

/**
 * Reads the lines of `tools`; lines that begin with `#` are comments.
 * @throws ActionError that names every bad line.
 */
export function parseTools(lines: readonly string[]): WantedTool[] {
  const problems: string[] = [];
  const tools: WantedTool[] = [];
  for (const line of lines.filter((each) => !each.startsWith("#"))) {
    const text = line.replace(/\s+#.*$/, "");
    const [path = "", query = "", ...rest] = text.split("@");
    const why = rest.length > 0 ? "holds more than one @" : whyNot(path, query);
    if (why !== undefined) {
      problems.push(`tools: ${JSON.stringify(text)} ${why}`);
      continue;
    }
    const tool = { path, query, name: programName(path) };
    const same = tools.find(({ name }) => name.toLowerCase() === tool.name.toLowerCase());
    if (same === undefined) tools.push(tool);
    else problems.push(`tools: ${path} and ${same.path} would both be called ${tool.name}`);
  }
  if (problems.length > 0) throw invalidInputs(problems);
  return tools;
}

function whyNot(path: string, query: string): string | undefined {
  if (path.includes("://")) return "is an address; a package path has no scheme";
  if (query === "") return "has no version: write package@v1.2.3, or package@latest";
  if (!PATH.test(path)) {
    return "is no package path that begins with a host, such as golang.org/x/tools/cmd/stringer";
  }
  if (!QUERY.test(query)) return `asks for ${JSON.stringify(query)}, which is no version`;
  if (INSIDE.includes(query)) return `asks for @${query}, which means nothing here`;
  return undefined;
}

/**
 * How the go command calls the program of a package: after the last element of its path, or the one
 * before it where the last is a major version (cmd/go/internal/load, DefaultExecName).
 */
export function programName(path: string): string {
  const elements = path.split("/");
  const last = elements.at(-1) ?? "";
  const isMajor = /^v[1-9]\d*$/.test(last) && last !== "v1";
  return isMajor && elements.length > 1 ? (elements.at(-2) ?? "") : last;
}
