import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { filesBelow } from "../tree.ts";
import type { SumTable } from "./go-sums.ts";

/** One module version in GOMODCACHE. */
export interface CachedModule {
  /** `path@version`, as go.sum has it. */
  id: string;
  /** Folder of the extracted tree below GOMODCACHE; undefined when only its go.mod is there. */
  tree: string | undefined;
  /** What belongs to it below cache/download. */
  downloads: string[];
}

const DOWNLOADS = "cache/download";
/**
 * What the go command reads of an extracted module: `.mod` and `.info` for the module graph, and
 * `.ziphash`, without which an extracted tree counts as not verified (cmd/go/internal/modfetch).
 * The zips themselves are never read again.
 */
const KEPT = [".mod", ".info", ".ziphash"];

/** Toolchains have a cache of their own: the tool cache. */
const TOOLCHAIN = "golang.org/toolchain@";

/** All module versions in a module cache, by id. */
export function listModules(gomodcache: string): CachedModule[] {
  const found = new Map<string, CachedModule>();
  const at = (id: string): CachedModule => {
    const known = found.get(id) ?? { id, tree: undefined, downloads: [] };
    found.set(id, known);
    return known;
  };
  for (const path of downloadFiles(gomodcache)) {
    const id = moduleOf(path);
    if (id !== undefined) at(id).downloads.push(path);
  }
  for (const tree of treesBelow(gomodcache, "")) at(unescapePath(tree)).tree = tree;
  // The main module has an `.info` for each commit it was built at (its version for build info).
  const isModule = ({ tree, downloads }: CachedModule): boolean =>
    tree !== undefined || downloads.some((path) => path.endsWith(".mod"));
  return [...found.values()].filter((each) => !each.id.startsWith(TOOLCHAIN) && isModule(each));
}

/** The module that a file below GOMODCACHE belongs to, as go.sum names it. */
export function moduleOf(path: string): string | undefined {
  const download = /^cache\/download\/(.+)\/@v\/([^/]+)\.(?:mod|info|ziphash)$/.exec(path);
  if (download !== null) {
    const [, module = "", version = ""] = download;
    return `${unescapePath(module)}@${unescapePath(version)}`;
  }
  const tree = treeOf(path);
  return tree === undefined ? undefined : unescapePath(tree);
}

/** The folder of the extracted tree that a file is in: up to the first `…@version`. */
export function treeOf(path: string): string | undefined {
  return /^(?!cache\/)((?:[^/@]+\/)*[^/@]*@[^/]+)\/./.exec(path)?.[1];
}

/** A module whose tree is there is more than one of which only the go.mod is. */
export function unitOf({ id, tree }: Pick<CachedModule, "id" | "tree">): string {
  return tree === undefined ? `${id}/go.mod` : id;
}

function downloadFiles(gomodcache: string): string[] {
  if (!existsSync(join(gomodcache, DOWNLOADS))) return [];
  return filesBelow(gomodcache, DOWNLOADS).filter((path) =>
    KEPT.some((ending) => path.endsWith(ending)),
  );
}

/** Folders named `…@version`; a tree whose extraction was broken off has a `.partial` mark. */
function treesBelow(gomodcache: string, folder: string): string[] {
  const path = join(gomodcache, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && (folder !== "" || entry.name !== "cache"))
    .flatMap((entry) => {
      const below = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (!entry.name.includes("@")) return treesBelow(gomodcache, below);
      return isPartial(gomodcache, below) ? [] : [below];
    });
}

function isPartial(gomodcache: string, tree: string): boolean {
  const at = tree.lastIndexOf("@");
  const partial = `${tree.slice(0, at)}/@v/${tree.slice(at + 1)}.partial`;
  return existsSync(join(gomodcache, DOWNLOADS, partial));
}

/** Go writes capital letters in paths as `!` and the small letter (module.EscapePath). */
export function unescapePath(path: string): string {
  return path.replace(/!([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** All files of a module that are worth keeping, relative to GOMODCACHE. */
export function filesOf(gomodcache: string, { tree, downloads }: CachedModule): string[] {
  return [...(tree === undefined ? [] : filesBelow(gomodcache, tree)), ...downloads];
}

/** Bytes of files. */
export function sizeOf(root: string, files: readonly string[]): number {
  return files.reduce((sum, file) => sum + statSync(join(root, file)).size, 0);
}

/**
 * Which modules to save. As long as the go.sum files are the same, what was restored and what the
 * job added belong together, whichever job it was; once they changed, what no go.sum names any more
 * is left behind, else entries would only ever grow.
 */
export function modulesToKeep(
  modules: readonly CachedModule[],
  restored: { ids: ReadonlySet<string>; sameSums: boolean },
  sums: SumTable,
): CachedModule[] {
  return modules.filter(
    ({ id }) =>
      restored.sameSums || !restored.ids.has(id) || sums.trees.has(id) || sums.mods.has(id),
  );
}
