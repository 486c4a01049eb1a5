import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join, posix } from "node:path";
import { isSystemError } from "./errors.ts";
import { PackError } from "./pack-format.ts";
import type { StoreRoots } from "./store.ts";

const DRAFTS = ".go-cicd-restore-";
/** Drafts of a restore that was killed; nobody works on them any more. */
const STALE_MS = 6 * 60 * 60 * 1000;

/**
 * Puts files below roots so that a name never shows half a file, and so that all of it can be taken
 * back. Nothing that exists is replaced, and no symbolic link is followed below a root.
 */
export class Landing {
  readonly #roots: StoreRoots;
  readonly #drafts = new Map<string, string>();
  /** Folders known to be real ones. True: made by us, so that nothing can be in them yet. */
  readonly #folders = new Map<string, boolean>();
  readonly #madeFolders: string[] = [];
  readonly #madeFiles: string[] = [];
  /** Folders that were made writable for a while, with the mode to give back. */
  readonly #opened = new Map<string, number>();
  #draftCount = 0;

  constructor(roots: StoreRoots) {
    this.#roots = roots;
  }

  /** Whether there is something of this name. @throws PackError when a parent is no folder. */
  exists(root: string, path: string): boolean {
    const folder = this.#folder(root, posix.dirname(path));
    // Elsewhere two names of one entry can be the same file (case folding).
    if (this.#folders.get(folder) === true && process.platform === "linux") return false;
    return lstatSync(join(folder, posix.basename(path)), { throwIfNoEntry: false }) !== undefined;
  }

  /** Writes a file whose content is known to be right. */
  write(root: string, path: string, mode: number, content: Uint8Array): void {
    const draft = this.draft(root);
    writeFileSync(draft, content, { flag: "wx", mode });
    this.name(draft, root, path, mode);
  }

  /** A name for a file that is not complete yet, in the same file system as its root. */
  draft(root: string): string {
    let folder = this.#drafts.get(root);
    if (folder === undefined) {
      const base = this.#root(root);
      mkdirSync(base, { recursive: true });
      removeStaleDrafts(base);
      folder = mkdtempSync(join(base, DRAFTS));
      this.#drafts.set(root, folder);
    }
    this.#draftCount += 1;
    return join(folder, String(this.#draftCount));
  }

  /** Gives a complete draft its name. */
  name(draft: string, root: string, path: string, mode: number): void {
    const folder = this.#folder(root, posix.dirname(path));
    const target = join(folder, posix.basename(path));
    const move = (): void => renameSync(draft, target);
    this.#writable(folder, move);
    this.#madeFiles.push(target);
    // The draft of a large read-only file had to be writable.
    if ((mode & 0o200) === 0) chmodSync(target, mode);
  }

  /** Gives folders made by this landing their modes; those that were there keep theirs. */
  protect(folders: readonly (readonly [root: string, path: string, mode: number])[]): void {
    for (const [root, path, mode] of folders) {
      const folder = join(this.#root(root), path);
      if (this.#folders.get(folder) === true) chmodSync(folder, mode);
    }
  }

  /** Removes all that was created. */
  undo(): void {
    for (const file of this.#madeFiles) ignoreMissing(() => unlinkSync(file));
    // Others may have put something there meanwhile: then the folder stays.
    for (const folder of this.#madeFolders.reverse()) {
      try {
        rmdirSync(folder);
      } catch (error) {
        if (!isSystemError(error, "ENOTEMPTY", "EEXIST", "ENOENT")) throw error;
      }
    }
  }

  /** Removes drafts, and gives folders that were opened for a while their modes back. */
  close(): void {
    for (const folder of this.#drafts.values()) rmSync(folder, { recursive: true, force: true });
    for (const [folder, mode] of this.#opened) ignoreMissing(() => chmodSync(folder, mode));
  }

  #root(id: string): string {
    const folder = this.#roots[id];
    if (folder === undefined) throw new PackError(`the root ${JSON.stringify(id)} is unknown`);
    return folder;
  }

  /** The absolute folder for a relative one, made where it is missing. */
  #folder(root: string, path: string): string {
    const base = this.#root(root);
    if (path === ".") {
      if (!this.#folders.has(base)) {
        mkdirSync(base, { recursive: true });
        this.#folders.set(base, false);
      }
      return base;
    }
    const folder = join(base, path);
    if (this.#folders.has(folder)) return folder;
    const parent = this.#folder(root, posix.dirname(path));
    // lstat: a link in a parent would lead outside of the root.
    const status = lstatSync(folder, { throwIfNoEntry: false });
    if (status === undefined) {
      this.#writable(parent, () => mkdirSync(folder));
      this.#madeFolders.push(folder);
      this.#folders.set(folder, true);
    } else if (status.isDirectory()) {
      this.#folders.set(folder, false);
    } else {
      throw new PackError(`${JSON.stringify(path)} is not a folder on this machine`);
    }
    return folder;
  }

  /** Does `work` in a folder, which may be read-only (Go's module trees are). */
  #writable(folder: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!isSystemError(error, "EACCES", "EPERM") || this.#opened.has(folder)) throw error;
      const mode = statSync(folder).mode & 0o777;
      chmodSync(folder, mode | 0o700);
      this.#opened.set(folder, mode);
      work();
    }
  }
}

function removeStaleDrafts(base: string): void {
  for (const name of readdirSync(base)) {
    if (!name.startsWith(DRAFTS)) continue;
    const folder = join(base, name);
    const status = lstatSync(folder, { throwIfNoEntry: false });
    if (status?.isDirectory() === true && Date.now() - status.mtimeMs > STALE_MS) {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

function ignoreMissing(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) throw error;
  }
}
