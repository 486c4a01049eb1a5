import { existsSync, readdirSync, type Dirent } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { ActionError, messageOf } from "@go-cicd/core/errors.ts";

/** Folders that hold no modules of the repository (the go command itself skips the first kinds). */
function isSkipped(name: string): boolean {
  return (
    name.startsWith(".") ||
    name.startsWith("_") ||
    name === "vendor" ||
    name === "testdata" ||
    name === "node_modules"
  );
}

/**
 * Folders of all modules in reach of `folder`, as paths relative to the workspace with forward
 * slashes (`.` for the workspace): those below it, and the one it lies in.
 * @throws ActionError `repository` when there is none.
 */
export function findModules(workspace: string, folder: string): string[] {
  const found: string[] = [];
  const walk = (current: string): void => {
    const items = listFolder(current);
    if (items.some((item) => item.name === "go.mod" && item.isFile())) found.push(current);
    for (const item of items) {
      if (item.isDirectory() && !isSkipped(item.name)) walk(join(current, item.name));
    }
  };
  walk(folder);
  if (!existsSync(join(folder, "go.mod"))) {
    const outer = enclosingModule(workspace, folder);
    if (outer !== undefined) found.push(outer);
  }
  if (found.length === 0) {
    const where = slashed(relative(workspace, folder)) || "the workspace";
    throw new ActionError("repository", `There is no go.mod in ${where} or below it`, {
      hint: "Check the repository out first, or point working-directory to the folder of the Go code.",
    });
  }
  return found.map((path) => slashed(relative(workspace, path)) || ".").sort(byText);
}

/** A folder that cannot be read may hold a module: leaving it out could make the verdict wrong. */
function listFolder(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    throw new ActionError("environment", `${path} cannot be read: ${messageOf(error)}`, {
      hint: "Make the folder readable, or point working-directory beside it.",
      cause: error,
    });
  }
}

function enclosingModule(workspace: string, folder: string): string | undefined {
  for (let current = folder; current !== workspace; current = dirname(current)) {
    const parent = dirname(current);
    if (parent === current) return undefined;
    if (existsSync(join(parent, "go.mod"))) return parent;
  }
  return undefined;
}

/**
 * The patterns of the input as one module sees them; none when a pattern is not about it. Both
 * folders are relative to the workspace. Import paths go to every module.
 */
export function modulePatterns(
  module: string,
  modules: readonly string[],
  folder: string,
  patterns: readonly string[],
): string[] {
  return [
    ...new Set(patterns.flatMap((pattern) => modulePattern(module, modules, folder, pattern))),
  ];
}

function modulePattern(
  module: string,
  modules: readonly string[],
  folder: string,
  pattern: string,
): string[] {
  if (pattern !== "." && !pattern.startsWith("./")) return [pattern];
  const open = pattern.endsWith("/...");
  const written = open ? pattern.slice(0, -4) : pattern;
  const base = joinSlashed(folder, written);
  if (open && isWithin(module, base)) return ["./..."];
  // The module that the folder lies in: no other one is deeper on the way to it.
  if (!isWithin(base, module)) return [];
  if (
    modules.some((other) => other !== module && isWithin(other, module) && isWithin(base, other))
  ) {
    return [];
  }
  const rest = base === module ? "." : `./${module === "." ? base : base.slice(module.length + 1)}`;
  return [open ? `${rest}/...` : rest];
}

/** Two relative paths with forward slashes as one; `.` for nothing. */
export function joinSlashed(folder: string, path: string): string {
  const parts = [...folder.split("/"), ...path.split("/")].filter(
    (part) => part !== "." && part !== "",
  );
  return parts.length === 0 ? "." : parts.join("/");
}

/** True when `path` is `folder` or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  return folder === "." || path === folder || path.startsWith(`${folder}/`);
}

export function slashed(path: string): string {
  return sep === "/" ? path : path.replaceAll(sep, "/");
}

/** Order by code units: the same on every machine, whatever its locale. */
export function byText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
