import { readFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import type { Ports } from "@go-cicd/core/ports.ts";
import { childEnvironment } from "@go-cicd/core/process.ts";

/** A module of the workspace. */
export interface ModuleFolder {
  path: string;
  folder: string;
}

/** The modules of the workspace: those that git tracks, and those around the working folder. */
export async function moduleFolders(
  workingDirectory: string,
  { context, env, processes, signal }: Ports,
): Promise<ModuleFolder[]> {
  const { workspace } = context;
  const folders = new Set<string>();
  for (let at = resolve(workspace, workingDirectory); ; at = dirname(at)) {
    folders.add(at);
    if (at === workspace || !at.startsWith(`${workspace}${sep}`)) break;
  }
  const listing = await processes.run({
    file: "git",
    args: ["ls-files", "-z", "--", "go.mod", "*/go.mod"],
    cwd: workspace,
    env: childEnvironment(env, { GIT_OPTIONAL_LOCKS: "0" }),
    timeoutMs: 60_000,
    signal,
  });
  if (listing.kind === "exited" && listing.code === 0) {
    for (const path of listing.stdout.split("\0")) {
      if (path !== "") folders.add(dirname(join(workspace, path)));
    }
  }
  return [...folders].flatMap((folder) => {
    const path = modulePath(join(folder, "go.mod"));
    return path === undefined ? [] : [{ path, folder }];
  });
}

function modulePath(file: string): string | undefined {
  try {
    return /^\s*module\s+"?([^\s"]+)/m.exec(readFileSync(file, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

/** The module of a package, and the package's folder; undefined for packages of other places. */
export function placeOf(
  importPath: string,
  modules: readonly ModuleFolder[],
): { module: string; folder: string } | undefined {
  const inside = modules.filter(
    ({ path }) => importPath === path || importPath.startsWith(`${path}/`),
  );
  const nearest = inside.sort((a, b) => b.path.length - a.path.length)[0];
  if (nearest === undefined) return undefined;
  const rest = importPath.slice(nearest.path.length + 1);
  return {
    module: nearest.folder,
    folder: rest === "" ? nearest.folder : join(nearest.folder, rest),
  };
}
