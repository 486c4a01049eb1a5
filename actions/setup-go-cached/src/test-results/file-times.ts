import { existsSync, readdirSync } from "node:fs";
import { posix, relative, sep } from "node:path";
import type { Ports } from "@go-cicd/core/ports.ts";
import { pathBytes, readWorkTree, type WorkTree } from "./git-files.ts";
import { isTestdata, stampWorkTree, type Stamped } from "./stamp.ts";

/** What was done, or why nothing was. */
export type TimesResult =
  | {
      kind: "set";
      files: number;
      folders: number;
      /** Files that keep their own time. */
      skipped: number;
      /** Repositories and paths that were left out, each with the reason. */
      problems: string[];
    }
  | { kind: "skipped"; why: string };

/** Work trees that are looked at in one go. */
const AT_ONCE = 4;

/**
 * Gives clean tracked files and their folders times that follow from their content.
 *
 * `go test` takes a file that a test read for unchanged when its size, mode and time are
 * (cmd/go/internal/test, hashOpen), and so does the index of packages with their imports
 * (cmd/go/internal/modindex, dirHash); a checkout sets all times to now, so no result is ever found
 * again. A fixed date would hide an edit that keeps the size. A time made from git's blob hash
 * changes with the content, needs no history and reads no file.
 *
 * Repositories inside (submodules, further checkouts) are done the same way. Left alone: files with
 * changes, those git is told not to look at, untracked ones, folders that hold such, and `.git`.
 */
export async function setFileTimes(ports: Ports): Promise<TimesResult> {
  const { workspace } = ports.context;
  const total: Stamped = { files: 0, folders: 0, skipped: 0, failed: 0, problem: undefined };
  const problems: string[] = [];
  const found: Repository[] = [];
  let queue = [{ folder: workspace, top: false }];
  while (queue.length > 0) {
    const batch = queue.splice(0, AT_ONCE);
    const more = await Promise.all(
      batch.map(async ({ folder, top }) => {
        const tree = await readWorkTree(folder, top, ports);
        if (tree.kind === "refused") problems.push(tree.why);
        if (tree.kind === "no-repository") {
          // Checkouts with a `path` are repositories below.
          return folder === workspace ? repositoriesBelow(workspace) : [];
        }
        if (tree.kind !== "listed") return [];
        found.push({ folder, tree });
        return repositoriesIn(folder, tree);
      }),
    );
    queue = [...queue, ...more.flat().map((folder) => ({ folder, top: true }))];
  }
  await stampAll(found, workspace, total);
  if (found.length === 0) {
    return { kind: "skipped", why: problems[0] ?? `${workspace} is not a git repository` };
  }
  if (total.failed > 0) problems.push(`${total.failed} paths: ${total.problem ?? ""}`);
  const { files, folders, skipped } = total;
  if (files === 0) return { kind: "skipped", why: problems[0] ?? "git tracks no clean file here" };
  return { kind: "set", files, folders, skipped, problems };
}

interface Repository {
  folder: string;
  tree: WorkTree;
}

/** Inner ones first: what a folder around them holds follows from what they do. */
async function stampAll(
  repositories: readonly Repository[],
  workspace: string,
  total: Stamped,
): Promise<void> {
  const tops = new Map<string, string | undefined>();
  for (const { folder, tree } of repositories.toReversed()) {
    const { top, ...stamped } = await stampWorkTree(folder, tree, {
      deep: isTestdata(relative(workspace, folder).replaceAll(sep, "/")),
      submodule: (path) => {
        const inside = pathBytes(folder, path);
        if (typeof inside !== "string") return undefined;
        return tops.has(inside) ? tops.get(inside) : isEmpty(inside) ? "absent" : undefined;
      },
    });
    tops.set(folder, top);
    add(total, stamped);
  }
}

function isEmpty(folder: string): boolean {
  try {
    return readdirSync(folder).length === 0;
  } catch {
    // No folder, or not ours to read.
    return false;
  }
}

/** `setFileTimes` as a part of the job: timed, and said. */
export async function stampFiles(ports: Ports): Promise<void> {
  const result = await ports.timeline.phase("set file times", async (phase) => {
    const times = await setFileTimes(ports);
    if (times.kind === "set") phase.count("files", times.files);
    return times;
  });
  if (result.kind === "skipped") {
    ports.log.info(
      `File times stay as they are (test results will not be found again): ${result.why}`,
    );
    return;
  }
  const { files, folders, skipped, problems } = result;
  ports.log.info(
    `Times from content: ${files} files, ${folders} folders; ${skipped} with changes keep theirs`,
  );
  for (const problem of problems) ports.log.info(`  left out: ${problem}`);
}

function add(total: Stamped, one: Stamped): void {
  total.files += one.files;
  total.folders += one.folders;
  total.skipped += one.skipped;
  total.failed += one.failed;
  total.problem ??= one.problem;
}

/** Submodules that are there, and other repositories that were checked out inside. */
function repositoriesIn(folder: string, { files, untracked }: WorkTree): string[] {
  return [
    ...files.filter(({ mode }) => mode === "160000").map(({ path }) => path),
    ...untracked.filter((path) => path.endsWith("/")).map((path) => path.slice(0, -1)),
  ].flatMap((path) => {
    const inside = pathBytes(folder, path);
    // A name that is not UTF-8 cannot be a process's folder here.
    return typeof inside === "string" && existsSync(`${inside}/.git`) ? [inside] : [];
  });
}

/** `src/github.com/acme/orders`, the layout of a GOPATH, is the deepest that is usual. */
const DEPTH = 4;
const FOLDERS_AT_MOST = 2_000;

function repositoriesBelow(workspace: string): string[] {
  const found: string[] = [];
  let level = [workspace];
  let seen = 0;
  for (let depth = 0; depth < DEPTH && seen < FOLDERS_AT_MOST; depth += 1) {
    const next: string[] = [];
    for (const folder of level) {
      seen += 1;
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (!entry.isDirectory() || /^\.|^node_modules$/.test(entry.name)) continue;
        const path = posix.join(folder, entry.name);
        if (existsSync(`${path}/.git`)) found.push(path);
        else next.push(path);
      }
    }
    level = next;
  }
  return found;
}
