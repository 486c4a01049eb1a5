import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the pipeline needs to know of a project before Go is there to ask. */
export interface Project {
  /** Main packages of the module in the working directory, as `.` or `./cmd/x`. */
  mains: readonly string[];
  hasTests: boolean;
  /** Folders of the modules nested in it, relative to it, which were not looked into. */
  nested: readonly string[];
}

/** Folders the go command never looks into (go help packages). */
const IGNORED = /^([._].*|vendor|testdata)$/;

/**
 * Reads the package clauses below `folder`, without the modules nested in it. A static look: the
 * doors ask the go command and have the last word.
 */
export function inspectProject(folder: string): Project {
  const mains: string[] = [];
  const nested: string[] = [];
  let hasTests = false;
  walk(".");
  return { mains: mains.sort(), hasTests, nested: nested.sort() };

  function walk(path: string): void {
    const items = readdirSync(join(folder, path), { withFileTypes: true });
    const sources = items.filter((item) => item.isFile() && item.name.endsWith(".go"));
    hasTests ||= sources.some((item) => item.name.endsWith("_test.go"));
    const programs = sources.filter((item) => !item.name.endsWith("_test.go"));
    if (programs.some((item) => isMain(readFileSync(join(folder, path, item.name), "utf8")))) {
      mains.push(path === "." ? "." : `./${path}`);
    }
    for (const item of items) {
      const below = path === "." ? item.name : `${path}/${item.name}`;
      if (!item.isDirectory() || IGNORED.test(item.name)) continue;
      if (existsSync(join(folder, below, "go.mod"))) nested.push(below);
      else walk(below);
    }
  }
}

/** A file of package main that every build takes: not one behind `//go:build ignore`. */
function isMain(source: string): boolean {
  const head = source.replace(/\/\*[\s\S]*?\*\//g, "");
  if (/^\/\/go:build\b.*\bignore\b/m.test(head)) return false;
  return /^package main\b/m.test(head);
}
