import type { Ports } from "@go-cicd/core/ports.ts";
import { childEnvironment, type Exit } from "@go-cicd/core/process.ts";

/**
 * One path of the index. Paths are bytes, kept one a character (Latin-1): on most systems a name
 * need not be UTF-8, and sorted like this they are in git's own order.
 */
export interface TrackedFile {
  path: string;
  /** `100644`, `100755`, `120000` (symbolic link) or `160000` (submodule). */
  mode: string;
  blob: string;
  /**
   * assume-unchanged or skip-worktree: git does not look at the file, so `git diff` says nothing
   * about it.
   */
  unwatched: boolean;
}

/** What git knows of one work tree, below the folder that was asked about. */
export interface WorkTree {
  files: TrackedFile[];
  /** Tracked paths that are not as the index says, or in conflict. */
  changed: string[];
  /** Untracked and ignored paths; a folder of nothing else is one path that ends with a slash. */
  untracked: string[];
  /** Files whose bytes on disk a program or an encoding made from the blob. */
  converted: Map<string, "lfs" | "other">;
  /**
   * The blobs that these files would be now, each read whole; undefined when git cannot tell.
   */
  blobsOf(paths: readonly string[]): Promise<string[] | undefined>;
}

export type WorkTreeResult =
  ({ kind: "listed" } & WorkTree) | { kind: "no-repository" } | { kind: "refused"; why: string };

/**
 * Time stamps that the user has told git not to look at are looked at; no hook is asked what has
 * changed; neither a lock is taken nor the index rewritten, it is the user's; no blob is fetched in
 * a partial clone.
 */
const SETTINGS = [
  "core.fsmonitor=false",
  "core.untrackedCache=false",
  "core.trustctime=true",
  "core.checkStat=default",
].flatMap((setting) => ["-c", setting]);

const ENVIRONMENT = {
  GIT_OPTIONAL_LOCKS: "0",
  GIT_NO_LAZY_FETCH: "1",
  GIT_TERMINAL_PROMPT: "0",
  LC_ALL: "C",
  // The repository is the one of the folder.
  GIT_DIR: undefined,
  GIT_WORK_TREE: undefined,
  GIT_INDEX_FILE: undefined,
  GIT_ATTR_SOURCE: undefined,
};

/**
 * Asks git about the work tree that `folder` is in. With `top` the folder must be the top of one:
 * that of a submodule that is not there would otherwise be taken for a part of the one around it.
 */
export async function readWorkTree(
  folder: string,
  top: boolean,
  ports: Ports,
): Promise<WorkTreeResult> {
  const git = async (args: readonly string[], stdin?: Uint8Array): Promise<Answer> => {
    const chunks: Uint8Array[] = [];
    const exit = await ports.processes.run({
      file: "git",
      args: [...SETTINGS, ...args],
      cwd: folder,
      env: childEnvironment(ports.env, ENVIRONMENT),
      ...(stdin !== undefined && { stdin }),
      onStdout: (chunk) => chunks.push(chunk),
      keepBytes: 4096,
      timeoutMs: 120_000,
      signal: ports.signal,
    });
    return { exit, stdout: Buffer.concat(chunks) };
  };
  const listing = git(["ls-files", "-s", "-v", "-z"]);
  const tracked = listing.then(({ stdout }) => parseIndex(stdout));
  const [index, changed, untracked, prefix, attributes] = await Promise.all([
    listing,
    git([
      "diff",
      "--relative",
      "--name-only",
      "--no-renames",
      "--no-ext-diff",
      "--ignore-submodules=all",
      "-z",
    ]),
    git(["ls-files", "--others", "--directory", "-z"]),
    git(["rev-parse", "--show-prefix"]),
    // Does not wait for `git diff`.
    tracked.then((files) =>
      git(
        ["check-attr", "-z", "--stdin", "filter", "ident", "working-tree-encoding"],
        Buffer.from(files.map(({ path }) => `${path}\0`).join(""), "latin1"),
      ),
    ),
  ]);
  for (const { exit } of [index, changed, untracked, prefix, attributes]) {
    const failed = failureOf(exit, folder);
    if (failed !== undefined) return failed;
  }
  if (top && prefix.stdout.toString("latin1").trim() !== "") return { kind: "no-repository" };
  return {
    kind: "listed",
    files: await tracked,
    changed: names(changed.stdout),
    untracked: names(untracked.stdout),
    converted: parseAttributes(attributes.stdout),
    blobsOf: async (paths) => {
      const stdin = Buffer.from(paths.map((path) => `${path}\n`).join(""), "latin1");
      const { exit, stdout } = await git(["hash-object", "--stdin-paths"], stdin);
      const blobs = stdout.toString("latin1").trim().split("\n");
      const whole = exit.kind === "exited" && exit.code === 0 && blobs.length === paths.length;
      return whole ? blobs : undefined;
    },
  };
}

interface Answer {
  exit: Exit;
  stdout: Buffer;
}

/** Why git gave no answer, with what mends it. */
function failureOf(exit: Exit, folder: string): WorkTreeResult | undefined {
  if (exit.kind === "exited" && exit.code === 0) return undefined;
  if (exit.kind === "not-found") return { kind: "refused", why: "git is not on PATH" };
  if (exit.kind === "cancelled") return { kind: "refused", why: "the job was cancelled" };
  const said = exit.stderr.trim();
  if (/not a git repository/.test(said)) return { kind: "no-repository" };
  const owned = /dubious ownership in repository at '(.+)'/.exec(said)?.[1];
  if (owned !== undefined) {
    return {
      kind: "refused",
      why:
        `git refuses ${owned}, which belongs to another user (usual where a job runs in a container). ` +
        `A step before this one mends it: git config --global --add safe.directory ${owned}`,
    };
  }
  const line = said.split("\n").find((text) => /^(fatal|error):/.test(text)) ?? said.split("\n")[0];
  const why = line === undefined || line === "" ? `git ${exit.kind}` : line;
  return { kind: "refused", why: `${why} (in ${folder})` };
}

function names(output: Buffer): string[] {
  return output
    .toString("latin1")
    .split("\0")
    .filter((name) => name !== "");
}

/**
 * Reads the `<tag> <mode> <blob> <stage>\t<path>` records of `git ls-files -s -v -z`; paths in
 * conflict are left out.
 */
export function parseIndex(output: Buffer): TrackedFile[] {
  return names(output).flatMap((record) => {
    const match = /^(\S) (\d{6}) ([0-9a-f]{40,64}) 0\t([\s\S]+)$/.exec(record);
    if (match === null) return [];
    const [, tag, mode = "", blob = "", path = ""] = match;
    return [{ path, mode, blob, unwatched: tag !== "H" }];
  });
}

/** Reads the `<path>\0<attribute>\0<value>\0` records of `git check-attr -z`. */
function parseAttributes(output: Buffer): Map<string, "lfs" | "other"> {
  const found = new Map<string, "lfs" | "other">();
  const fields = output.toString("latin1").split("\0");
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [path = "", attribute = "", value = ""] = fields.slice(at, at + 3);
    if (value === "unspecified" || value === "unset") continue;
    if (attribute === "filter" && value === "lfs") {
      if (!found.has(path)) found.set(path, "lfs");
    } else found.set(path, "other");
  }
  return found;
}

/** A path of git for the file system and for people. */
export function pathBytes(folder: string, path: string): string | Buffer {
  // eslint-disable-next-line no-control-regex -- ASCII is what needs no conversion
  if (/^[\x00-\x7f]*$/.test(path)) return path === "." ? folder : `${folder}/${path}`;
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, "latin1")]);
}
