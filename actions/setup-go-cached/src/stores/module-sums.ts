import { hash } from "node:crypto";
import type { EntryFile } from "@go-cicd/core/store.ts";
import { h1, modSum } from "../dirhash.ts";
import type { SumTable } from "./go-sums.ts";
import { moduleOf, treeOf, unitOf } from "./module-cache.ts";

/** What go.sum says of the modules of an entry, before any of it lands. */
export interface ModuleVerdicts {
  /** Modules that are what go.sum says: each by its unit (see `unitOf`). */
  verified: Set<string>;
  /** Modules that no go.sum names: nothing to check them against. */
  unknown: Set<string>;
  /** Modules whose content is not what go.sum says. */
  altered: Set<string>;
  /** Files that belong to no module: an entry of ours has none. */
  strays: string[];
}

interface Contents {
  tree: Map<string, string>;
  mod: string | undefined;
  zipHash: string | undefined;
}

/**
 * Holds the modules of an entry against go.sum by the sums of their files, which the entry's index
 * has, so that nothing needs to be read: what lands has these sums. (`go mod verify` compares with
 * sums that stand in the module cache itself, which come out of the same entry.)
 *
 * The go command compares the `.ziphash` beside a tree with go.sum and ends with a security error
 * when they differ (modfetch, checkMod). So that file, too, has to say what go.sum does.
 */
export function judgeModules(files: readonly EntryFile[], sums: SumTable): ModuleVerdicts {
  const verdicts: ModuleVerdicts = {
    verified: new Set(),
    unknown: new Set(),
    altered: new Set(),
    strays: [],
  };
  for (const [id, { tree, mod, zipHash }] of contentsOf(files, verdicts.strays)) {
    const hasTree = tree.size > 0;
    const wantedTree = sums.trees.get(id);
    const wantedMod = sums.mods.get(id);
    const unit = unitOf({ id, tree: hasTree ? id : undefined });
    const altered =
      (hasTree && wantedTree !== undefined && h1(id, tree) !== wantedTree) ||
      (zipHash !== undefined && wantedTree !== undefined && !says(zipHash, wantedTree)) ||
      (mod !== undefined && wantedMod !== undefined && modSum(mod) !== wantedMod);
    const unknown =
      (hasTree && wantedTree === undefined) || (mod !== undefined && wantedMod === undefined);
    verdicts[altered ? "altered" : unknown ? "unknown" : "verified"].add(unit);
  }
  return verdicts;
}

function contentsOf(files: readonly EntryFile[], strays: string[]): Map<string, Contents> {
  const found = new Map<string, Contents>();
  for (const { path, sha256 } of files) {
    const id = moduleOf(path);
    if (id === undefined) {
      strays.push(path);
      continue;
    }
    const contents = found.get(id) ?? { tree: new Map(), mod: undefined, zipHash: undefined };
    found.set(id, contents);
    const tree = treeOf(path);
    if (tree !== undefined) contents.tree.set(path.slice(tree.length + 1), sha256);
    else if (path.endsWith(".mod")) contents.mod = sha256;
    else if (path.endsWith(".ziphash")) contents.zipHash = sha256;
  }
  return found;
}

/** Whether a file of this sum holds just this text. */
function says(sha256: string, text: string): boolean {
  return [text, `${text}\n`].some((content) => hash("sha256", content, "hex") === sha256);
}
