import { createHash } from "node:crypto";
import { lstatSync, lutimesSync, readFileSync, type Stats } from "node:fs";
import { posix } from "node:path";
import { setImmediate } from "node:timers/promises";
import { isSystemError, messageOf } from "@go-cicd/core/errors.ts";
import { isContentTime, timeOf } from "./content-time.ts";
import { pathBytes, type TrackedFile, type WorkTree } from "./git-files.ts";

/** What became of one work tree. */
export interface Stamped {
  files: number;
  folders: number;
  /** Files that keep their own time. */
  skipped: number;
  /** Paths that could not be touched, and the first reason. */
  failed: number;
  problem: string | undefined;
}

/** What is around a work tree, and in it. */
export interface Surroundings {
  /** Whether it is itself below `testdata`: then every change in it counts for all its folders. */
  deep: boolean;
  /**
   * What the work tree of a submodule holds, where every change in it counts; undefined when that is
   * not known.
   */
  submodule: (path: string) => string | undefined;
}

/** Other work may go on in between: the restores run at the same time. */
const PAUSE_EVERY = 2_000;
const EXPECTED = [
  "EACCES",
  "EPERM",
  "EROFS",
  "EIO",
  "ENOENT",
  "ENOTDIR",
  "ELOOP",
  "EINVAL",
  "ENOSYS",
];
/** What a filter made is read whole, up to this size. */
const READ_BYTES = 16 * 1024 * 1024;
const POINTER_BYTES = 1024;
/** A file that was just written changed no later than this after the time it bears. */
const FRESH_MS = 1_000;
/** Files that are read because their times were set; beyond this many bytes they are left alone. */
const VERIFY_BYTES = 1024 * 1024 * 1024;

/**
 * Gives the clean files of a work tree, and the folders of such, the times of their content.
 * @returns also `top`, what the whole work tree holds; undefined when that is not known
 */
export async function stampWorkTree(
  folder: string,
  tree: WorkTree,
  { deep, submodule }: Surroundings,
): Promise<Stamped & { top: string | undefined }> {
  const result: Stamped = { files: 0, folders: 0, skipped: 0, failed: 0, problem: undefined };
  const folders = new Folders(deep);
  for (const path of [...tree.changed, ...tree.untracked]) folders.open(path);
  const present = await presentFiles(folder, tree, result);
  const changed = new Set([...tree.changed, ...(await hiddenEdits(present, tree))]);
  for (const [count, { file, path, status }] of present.entries()) {
    if (count % PAUSE_EVERY === PAUSE_EVERY - 1) await setImmediate();
    attempt(result, () => {
      if (file.mode === "160000") {
        // Its folder has the time of its own work tree.
        const held = folders.isDeep(file.path) ? submodule(file.path) : "";
        if (held === undefined) folders.open(file.path);
        else folders.add(file.path, `submodule ${held}`);
        return;
      }
      const content =
        changed.has(file.path) || file.unwatched
          ? undefined
          : contentOf(path, status, file, tree.converted.get(file.path));
      if (content === undefined) {
        result.skipped += 1;
        folders.open(file.path);
        disown(path, status);
        return;
      }
      folders.add(file.path, content);
      setTime(path, content);
      result.files += 1;
    });
  }
  let top: string | undefined;
  for (const { path: name, content } of folders.list()) {
    if (name === ".") top = content;
    const path = pathBytes(folder, name);
    attempt(result, () => {
      const status = lstatSync(path, { throwIfNoEntry: false });
      if (status?.isDirectory() !== true) return;
      if (content === undefined) {
        disown(path, status);
        return;
      }
      setTime(path, content);
      result.folders += 1;
    });
  }
  return { ...result, top };
}

interface PresentFile {
  file: TrackedFile;
  path: string | Buffer;
  status: Stats;
}

/** Sparse checkouts leave files out; what was deleted is among the changed ones. */
async function presentFiles(
  folder: string,
  tree: WorkTree,
  result: Stamped,
): Promise<PresentFile[]> {
  const present: PresentFile[] = [];
  for (const [count, file] of tree.files.entries()) {
    if (count % PAUSE_EVERY === PAUSE_EVERY - 1) await setImmediate();
    const path = pathBytes(folder, file.path);
    attempt(result, () => {
      const status = lstatSync(path, { throwIfNoEntry: false });
      if (status !== undefined) present.push({ file, path, status });
    });
  }
  return present;
}

/**
 * Files whose times somebody set: there git can be wrong about what is clean. It compares sizes,
 * times and, to the second, when the inode changed; so an edit of the same size in the second in
 * which the index took note of a file is not seen when its time is put back (git's own guard against
 * such, `is_racy_timestamp` in read-cache.c, goes by the time of the file). These are read.
 */
async function hiddenEdits(present: readonly PresentFile[], tree: WorkTree): Promise<string[]> {
  const changed = new Set(tree.changed);
  let bytes = 0;
  const suspects: TrackedFile[] = [];
  const unknown: TrackedFile[] = [];
  for (const { file, status } of present) {
    const plain = status.isFile() && !file.unwatched && !changed.has(file.path);
    if (!plain || status.ctimeMs - status.mtimeMs <= FRESH_MS) continue;
    bytes += status.size;
    const readable = bytes <= VERIFY_BYTES && !/[\r\n"]/.test(file.path);
    (readable ? suspects : unknown).push(file);
  }
  const blobs = suspects.length === 0 ? [] : await tree.blobsOf(suspects.map(({ path }) => path));
  return [...suspects.filter(({ blob }, at) => blob !== blobs?.[at]), ...unknown].map(
    ({ path }) => path,
  );
}

function setTime(path: string | Buffer, content: string): void {
  const time = timeOf(content);
  lutimesSync(path, time, time);
}

/** Files of another user, a read-only workspace: the job does not depend on any of this. */
function attempt(result: Stamped, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!isSystemError(error, ...EXPECTED)) throw error;
    result.failed += 1;
    result.problem ??= messageOf(error);
  }
}

/**
 * What is left alone must not bear a time that says what it holds: `touch -r`, `cp -p` or an earlier
 * set-up can have given it one, and then a result for other content would be found.
 */
function disown(path: string | Buffer, status: Stats): void {
  if (!isContentTime(status.mtimeMs)) return;
  const now = Date.now() / 1000;
  lutimesSync(path, now, now);
}

/**
 * What a clean file holds, in a few words; undefined when that is not known.
 *
 * The size stands for the line endings: the same blob has either as many bytes everywhere or, with
 * `text` and `eol`, one more a line. What a filter or an encoding made can be anything, so it is
 * read. Git LFS is the exception that is worth one: a pointer names the sum of its content, so either
 * the content is there or, without `git lfs`, the pointer itself.
 */
function contentOf(
  path: string | Buffer,
  status: Stats,
  { mode, blob }: TrackedFile,
  converted: "lfs" | "other" | undefined,
): string | undefined {
  if (status.isSymbolicLink()) return mode === "120000" ? `link ${blob}` : undefined;
  // With core.symlinks=false a link is a file that holds its target.
  if (!status.isFile()) return undefined;
  const plain = `${mode} ${blob} ${status.size}`;
  if (converted === undefined) return plain;
  if (converted === "lfs") {
    const pointer =
      status.size <= POINTER_BYTES &&
      readFileSync(path, "latin1").startsWith("version https://git-lfs.github.com/spec/");
    return `${pointer ? "lfs pointer" : "lfs content"} ${plain}`;
  }
  if (status.size > READ_BYTES) return undefined;
  return `${mode} sha256 ${createHash("sha256").update(readFileSync(path)).digest("hex")}`;
}

/**
 * The folders of a work tree and what they hold.
 *
 * A folder's time follows from what is tracked directly in it: the names of its folders, the names
 * and contents of its files. That is when git itself, changing from commit to commit, writes to a
 * folder; a test that goes to the top of the repository would never be found again if every change
 * below counted. For `testdata`, the folder it is in and all folders in it, every change below does
 * count: a test may look at one only to hand it to another program, and Go does not see what that
 * reads. A submodule there is no exception.
 */
class Folders {
  readonly #entries = new Map<string, string[]>([[".", []]]);
  /** Folders that hold something else than what the index says. */
  readonly #open = new Set<string>();
  readonly #deep: boolean;

  /** @param deep whether every change counts for all folders */
  constructor(deep: boolean) {
    this.#deep = deep;
  }

  isDeep(path: string): boolean {
    return this.#deep || isTestdata(path);
  }

  /** Notes something that is as the index says. */
  add(path: string, content: string): void {
    let entries = this.#entries.get(posix.dirname(path));
    if (entries === undefined) {
      entries = [];
      for (let at = posix.dirname(path); !this.#entries.has(at); at = posix.dirname(at)) {
        this.#entries.set(at, at === posix.dirname(path) ? entries : []);
      }
    }
    entries.push(`${posix.basename(path)} ${content}`);
  }

  /** Notes something that is not: the folder's own time stays, it says more. */
  open(path: string): void {
    let at = posix.dirname(path.replace(/\/$/, ""));
    this.#open.add(at);
    while (at !== "." && this.isDeep(posix.dirname(at))) {
      at = posix.dirname(at);
      this.#open.add(at);
    }
  }

  /** Deepest first: a folder's content is known once those of the folders in it are. */
  list(): { path: string; content: string | undefined }[] {
    const depth = (path: string): number => (path === "." ? 0 : path.split("/").length);
    const paths = [...this.#entries.keys()].sort((a, b) => depth(b) - depth(a) || (a < b ? -1 : 1));
    return paths.map((path) => {
      const entries = this.#entries.get(path) ?? [];
      const digest = createHash("sha256").update(entries.sort().join("\0")).digest("hex");
      const content = `folder ${digest}`;
      if (path !== ".") {
        const below = this.isDeep(path) ? content : "folder";
        this.#entries.get(posix.dirname(path))?.push(`${posix.basename(path)} ${below}`);
      }
      return { path, content: this.#open.has(path) ? undefined : content };
    });
  }
}

/** Whether a folder is `testdata`, or below one. */
export function isTestdata(folder: string): boolean {
  return /(^|\/)testdata(\/|$)/.test(folder);
}
