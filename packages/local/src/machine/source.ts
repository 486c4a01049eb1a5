import { accessSync, constants, existsSync, lstatSync, readdirSync, statSync } from "node:fs";
import { chmod, copyFile, mkdir, readlink, rm, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { ActionError } from "@go-cicd/core/errors.ts";
import {
  expectSuccess,
  type Command,
  type Environment,
  type Processes,
} from "@go-cicd/core/process.ts";

/** A copy of the user's repository to work on; nothing is ever written into the original. */
export interface Checkout {
  /** Commit that the copy stands on, uncommitted changes laid over it. */
  sha: string;
  branch: string;
  /** Where the Go project is, relative to the copy's root; `.` at the root. */
  workingDirectory: string;
  /** Files that differ from the commit. */
  changed: number;
}

export interface SourceTools {
  processes: Processes;
  env: Environment;
}

/** @throws ActionError when `folder` does not hold a Go project; one line. */
export function assertGoProject(folder: string): void {
  const there = statSync(folder, { throwIfNoEntry: false });
  if (there === undefined) throw new ActionError("repository", `${folder} does not exist`);
  if (!there.isDirectory()) throw new ActionError("repository", `${folder} is not a folder`);
  for (const name of ["go.mod", "go.work"]) {
    const file = join(folder, name);
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) continue;
    accessSync(file, constants.R_OK);
    return;
  }
  if (modulesBelow(folder, 3).length > 0) return;
  throw new ActionError(
    "repository",
    `${folder} is not a Go repository: no go.mod and no go.work in it`,
  );
}

/** Folders with a go.mod, at most `depth` levels down. */
export function modulesBelow(folder: string, depth: number): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((item) => {
    if (item.isFile()) return item.name === "go.mod" ? [folder] : [];
    const hidden = /^[._]|^(vendor|testdata|node_modules)$/.test(item.name);
    return item.isDirectory() && !hidden && depth > 0
      ? modulesBelow(join(folder, item.name), depth - 1)
      : [];
  });
}

/**
 * Fills `workspace` (emptied first) with a copy of `folder`: a clone of its commit with the
 * uncommitted changes laid over it, so that blob hashes mean what they mean on a runner. A folder
 * that is no repository of its own (or with `alone`) becomes one, with a commit that depends on its
 * content alone.
 */
export async function checkOut(
  folder: string,
  workspace: string,
  tools: SourceTools,
  options: { alone?: boolean } = {},
): Promise<Checkout> {
  await rm(workspace, { recursive: true, force: true });
  await mkdir(workspace, { recursive: true });
  const top = options.alone === true ? undefined : await topLevel(folder, tools);
  if (top === undefined) {
    await copyTree(folder, workspace, await listed(folder, tools));
    const sha = await commitAll(workspace, tools);
    return { sha, branch: "main", workingDirectory: ".", changed: 0 };
  }
  const sha = (await git(tools, top, ["rev-parse", "HEAD"])).trim();
  // By the transfer protocol, as a runner would: a clone that shares objects with the original
  // touches their times when it writes the same object again.
  await git(tools, workspace, ["init", "-q", "-b", "main"]);
  await git(tools, workspace, [
    "fetch",
    "-q",
    "--depth=1",
    // Git hands no setting of this command on to the side that is read from.
    "--upload-pack=git -c safe.directory=* upload-pack",
    pathToFileURL(top).href,
    "HEAD",
  ]);
  await git(tools, workspace, ["checkout", "-q", "--detach", sha]);
  const branch = (await git(tools, top, ["rev-parse", "--abbrev-ref", "HEAD"])).trim();
  const changed = await overlay(top, workspace, tools);
  return {
    sha,
    branch: branch === "HEAD" ? "main" : branch,
    workingDirectory: relative(top, folder).replaceAll("\\", "/") || ".",
    changed,
  };
}

/** Commits everything in `workspace` under a fixed name and date, so that the commit repeats. */
export async function commitAll(workspace: string, tools: SourceTools): Promise<string> {
  if (!existsSync(join(workspace, ".git"))) {
    await git(tools, workspace, ["init", "-q", "-b", "main"]);
  }
  await git(tools, workspace, ["add", "-A"]);
  await git(tools, workspace, ["commit", "-q", "--allow-empty", "-m", "snapshot"], {
    GIT_AUTHOR_NAME: "go-cicd",
    GIT_AUTHOR_EMAIL: "go-cicd@localhost",
    GIT_AUTHOR_DATE: "2026-01-01T00:00:00Z",
    GIT_COMMITTER_NAME: "go-cicd",
    GIT_COMMITTER_EMAIL: "go-cicd@localhost",
    GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z",
  });
  return (await git(tools, workspace, ["rev-parse", "HEAD"])).trim();
}

/** Root of the work tree that `folder` is in when that has a commit, else undefined. */
async function topLevel(folder: string, tools: SourceTools): Promise<string | undefined> {
  const top = await tools.processes.run(command(tools, folder, ["rev-parse", "--show-toplevel"]));
  if (top.kind !== "exited" || top.code !== 0) return undefined;
  const head = await tools.processes.run(
    command(tools, folder, ["rev-parse", "--verify", "-q", "HEAD"]),
  );
  return head.kind === "exited" && head.code === 0 ? top.stdout.trim() : undefined;
}

/** Files of a folder to copy: what git would take where git knows, else all but `.git`. */
async function listed(folder: string, tools: SourceTools): Promise<string[]> {
  const exit = await tools.processes.run({
    ...command(tools, folder, [
      "ls-files",
      "-z",
      "--cached",
      "--others",
      "--exclude-standard",
      ".",
    ]),
    keepBytes: 64 * 1024 * 1024,
  });
  if (exit.kind === "exited" && exit.code === 0) {
    const names = [...new Set(exit.stdout.split("\0"))];
    return names.filter(
      (name) => name !== "" && lstatSync(join(folder, name), { throwIfNoEntry: false }),
    );
  }
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (name) => !/^\.git([/\\]|$)/.test(name) && !lstatSync(join(folder, name)).isDirectory(),
  );
}

async function copyTree(from: string, to: string, names: readonly string[]): Promise<void> {
  for (const name of names) await copyOne(join(from, name), join(to, name));
}

async function copyOne(from: string, to: string): Promise<void> {
  const stat = lstatSync(from);
  if (stat.isDirectory()) return; // a submodule or a nested repository: git does not list its files
  await mkdir(dirname(to), { recursive: true });
  await rm(to, { recursive: true, force: true });
  if (stat.isSymbolicLink()) {
    await symlink(await readlink(from), to);
  } else if (stat.isFile()) {
    await copyFile(from, to);
    await chmod(to, stat.mode);
  }
}

/** Lays the uncommitted changes of `top` over its clone; returns how many files that were. */
async function overlay(top: string, workspace: string, tools: SourceTools): Promise<number> {
  const status = await git(tools, top, [
    "status",
    "--porcelain=v1",
    "-z",
    "--untracked-files=all",
    "--no-renames",
  ]);
  const entries = status.split("\0").filter((entry) => entry !== "");
  for (const entry of entries) {
    const name = entry.slice(3);
    if (lstatSync(join(top, name), { throwIfNoEntry: false }) === undefined) {
      await rm(join(workspace, name), { force: true });
    } else {
      await copyOne(join(top, name), join(workspace, name));
    }
  }
  return entries.length;
}

async function git(
  tools: SourceTools,
  cwd: string,
  args: readonly string[],
  env: Environment = {},
): Promise<string> {
  const git = command(tools, cwd, args, env);
  return expectSuccess(git, await tools.processes.run(git));
}

function command(
  tools: SourceTools,
  cwd: string,
  args: readonly string[],
  env: Environment = {},
): Command {
  return {
    file: "git",
    // The copy may belong to another user than the original (CVE-2022-24765); hooks and filters of
    // the user's configuration have no business in a copy.
    args: [
      "-c",
      "safe.directory=*",
      "-c",
      "core.hooksPath=/dev/null",
      "-c",
      "commit.gpgSign=false",
      ...args,
    ],
    cwd,
    // Without optional locks `git status` does not refresh the user's index.
    env: { ...tools.env, ...env, GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0", LC_ALL: "C" },
    keepBytes: 64 * 1024 * 1024,
  };
}
