import { createHash, hash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SumTable } from "./go-sums.ts";
import { filesBelow, removeTree } from "../tree.ts";

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
    const match = /^cache\/download\/(.+)\/@v\/([^/]+)\.(?:mod|info|ziphash)$/.exec(path);
    if (match === null) continue;
    const [, module = "", version = ""] = match;
    at(`${unescapePath(module)}@${unescapePath(version)}`).downloads.push(path);
  }
  for (const tree of treesBelow(gomodcache, "")) at(unescapePath(tree)).tree = tree;
  // The main module has an `.info` for each commit it was built at (its version for build info).
  const isModule = ({ tree, downloads }: CachedModule): boolean =>
    tree !== undefined || downloads.some((path) => path.endsWith(".mod"));
  return [...found.values()].filter((each) => !each.id.startsWith(TOOLCHAIN) && isModule(each));
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

/**
 * The sum of a module's tree as go.sum has it: SHA-256 over the lines `<sha256>  <path@version>/<file>`
 * of its sorted files (golang.org/x/mod/sumdb/dirhash, Hash1).
 */
export function treeSum(gomodcache: string, id: string, tree: string): string {
  const names = filesBelow(join(gomodcache, tree), "").sort(byBytes);
  const sum = createHash("sha256");
  for (const name of names) {
    const content = readFileSync(join(gomodcache, tree, name));
    sum.update(`${hash("sha256", content, "hex")}  ${id}/${name}\n`);
  }
  return `h1:${sum.digest("base64")}`;
}

/** Go sorts the names' bytes. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The sum of a go.mod file alone, as go.sum has it. */
export function modSum(content: Buffer): string {
  const line = `${hash("sha256", content, "hex")}  go.mod\n`;
  return `h1:${hash("sha256", Buffer.from(line), "base64")}`;
}

export interface Verification {
  verified: number;
  /** Modules that no go.sum names: nothing to check them against, so they were removed. */
  unknown: string[];
  /** Modules whose content is not what go.sum says. They were removed. */
  altered: string[];
}

/**
 * Checks a module cache against go.sum by our own hash of the trees (`go mod verify` compares with
 * sums that stand in the module cache itself, which came out of the same entry). What is not proven
 * is removed: the go command fetches it again, and verifies it. Modules in `before` are not looked at.
 */
export function verifyModules(
  gomodcache: string,
  sums: SumTable,
  before: ReadonlySet<string> = new Set(),
): Verification {
  const result: Verification = { verified: 0, unknown: [], altered: [] };
  for (const { id, tree, downloads } of listModules(gomodcache)) {
    if (before.has(id)) continue;
    const mod = downloads.find((path) => path.endsWith(".mod"));
    const wantedTree = sums.trees.get(id);
    const wantedMod = sums.mods.get(id);
    const altered =
      (tree !== undefined &&
        wantedTree !== undefined &&
        treeSum(gomodcache, id, tree) !== wantedTree) ||
      (mod !== undefined &&
        wantedMod !== undefined &&
        modSum(readFileSync(join(gomodcache, mod))) !== wantedMod);
    const unknown =
      (tree !== undefined && wantedTree === undefined) ||
      (mod !== undefined && wantedMod === undefined);
    if (!altered && !unknown) {
      result.verified += 1;
      continue;
    }
    result[altered ? "altered" : "unknown"].push(id);
    if (tree !== undefined) removeTree(join(gomodcache, tree));
    for (const path of downloads) rmSync(join(gomodcache, path), { force: true });
    // Versions that were asked for stand in a list beside them.
    if (mod !== undefined) rmSync(join(gomodcache, dirname(mod), "list"), { force: true });
  }
  return result;
}
