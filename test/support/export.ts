import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DOORS } from "@go-cicd/core/names.ts";

const root = join(import.meta.dirname, "../..");

/**
 * Fills `folder` with what a user's job downloads: the tree of the work tree's files (the committed
 * ones, when nothing is changed) after `export-ignore`. The repository itself is not touched: index
 * and objects are kept aside.
 */
export function exportDoors(folder: string): void {
  const aside = mkdtempSync(join(tmpdir(), "export-"));
  try {
    mkdirSync(join(aside, "objects"));
    const git = (...args: string[]): Buffer =>
      execFileSync("git", ["-C", root, ...args], {
        maxBuffer: 1024 * 1024 * 1024,
        stdio: "pipe",
        env: {
          ...process.env,
          GIT_INDEX_FILE: join(aside, "index"),
          GIT_OBJECT_DIRECTORY: join(aside, "objects"),
          GIT_ALTERNATE_OBJECT_DIRECTORIES: join(
            execFileSync("git", ["-C", root, "rev-parse", "--absolute-git-dir"], {
              encoding: "utf8",
            }).trim(),
            "objects",
          ),
        },
      });
    const paths = [".gitattributes", "action.yml", "LICENSE", "dist", ...DOORS];
    git("add", "--", ...paths.filter((path) => existsSync(join(root, path))));
    const tree = git("write-tree").toString().trim();
    const archive = git("archive", "--format=tar", tree);
    mkdirSync(folder, { recursive: true });
    execFileSync("tar", ["-x", "-C", folder], { input: archive });
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}
