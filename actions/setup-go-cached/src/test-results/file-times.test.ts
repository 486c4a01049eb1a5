import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { realProcesses, scriptedProcesses } from "@go-cicd/core/testing/processes.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { isContentTime, timeOf } from "./content-time.ts";
import { setFileTimes } from "./file-times.ts";
import { parseIndex } from "./git-files.ts";

const FILES = {
  "go.mod": "module x\n",
  "a/one.txt": "100\n",
  "a/two.txt": "200\n",
  "b/c/three.txt": "3\n",
  "testdata/deep/four.txt": "4\n",
};

const IDENTITY = ["-c", "user.name=x", "-c", "user.email=x@example.com"];

/** Git without the settings of this machine, and with submodules from folders. */
const GIT_ENVIRONMENT = {
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_COUNT: "1",
  GIT_CONFIG_KEY_0: "protocol.file.allow",
  GIT_CONFIG_VALUE_0: "always",
};

function repository(files: Record<string, string> = FILES, folder = "") {
  const ports = fakePorts({ processes: realProcesses(), env: GIT_ENVIRONMENT });
  const root = join(ports.context.workspace, folder);
  mkdirSync(root, { recursive: true });
  const gitIn = (cwd: string, ...args: string[]): string =>
    execFileSync("git", [...IDENTITY, ...args], {
      cwd,
      encoding: "utf8",
      env: { ...process.env, ...ports.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
  const git = (...args: string[]): string => gitIn(root, ...args);
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  const commit = (): void => {
    git("add", "-A");
    git("commit", "-q", "--allow-empty", "-m", "x");
  };
  git("init", "-q");
  for (const [path, content] of Object.entries(files)) write(path, content);
  commit();
  const time = (path: string): number => lstatSync(join(root, path)).mtimeMs;
  const stamped = (path: string): boolean => isContentTime(time(path));
  return {
    ports,
    root,
    git,
    gitIn,
    write,
    commit,
    time,
    stamped,
    status: () => git("status", "--porcelain"),
    set: () => setFileTimes(ports),
  };
}

describe("times from content", () => {
  it("are the same in every checkout, and long past", async () => {
    const [one, two] = [repository(), repository()];
    for (const { root, commit } of [one, two]) {
      symlinkSync("one.txt", join(root, "a/link"));
      commit();
    }
    await expect(one.set()).resolves.toEqual({
      kind: "set",
      files: 6,
      folders: 6,
      skipped: 0,
      problems: [],
    });
    await two.set();
    for (const path of [...Object.keys(FILES), "a/link", ".", "a", "b", "b/c", "testdata"]) {
      expect(one.time(path)).toBe(two.time(path));
      expect(one.stamped(path)).toBe(true);
    }
    expect(new Set(Object.keys(FILES).map((path) => one.time(path))).size).toBe(5);
  });

  it("change with an edit that keeps the size, for the file and the folder it is in", async () => {
    const edited = { ...FILES, "b/c/three.txt": "9\n", "testdata/deep/four.txt": "9\n" };
    const [one, two] = [repository(), repository(edited)];
    await one.set();
    await two.set();
    // Below testdata all the way up: a test can hand such a folder to another program.
    for (const path of ["b/c/three.txt", "b/c", "testdata/deep", "testdata", "."]) {
      expect(one.time(path)).not.toBe(two.time(path));
    }
    for (const path of ["a", "b"]) expect(one.time(path)).toBe(two.time(path));
  });

  it("of a folder change with the names in it", async () => {
    const [one, two] = [repository(), repository({ ...FILES, "b/d/five.txt": "5\n" })];
    await one.set();
    await two.set();
    expect(one.time("b")).not.toBe(two.time("b"));
    expect(one.time(".")).toBe(two.time("."));
    // The top is a folder like any other.
    const three = repository({ ...FILES, "e/five.txt": "5\n" });
    await three.set();
    expect(three.time(".")).not.toBe(one.time("."));
  });

  it("leave alone files with changes, and folders that hold such or untracked ones", async () => {
    const { write, set, stamped, git, root } = repository();
    write("a/one.txt", "999\n");
    write("b/c/new.txt", "x");
    write("b/c/later.txt", "y");
    git("add", "--intent-to-add", "b/c/later.txt");
    write("testdata/deep/four.txt", "5\n");
    rmSync(join(root, "a/two.txt"));
    await expect(set()).resolves.toMatchObject({ kind: "set", files: 2, skipped: 3 });
    for (const path of ["a/one.txt", "a", "b/c", "b/c/new.txt", "b/c/later.txt"]) {
      expect(stamped(path)).toBe(false);
    }
    // What is below testdata counts for it, so it is open as well.
    for (const path of ["testdata/deep/four.txt", "testdata/deep", "testdata"]) {
      expect(stamped(path)).toBe(false);
    }
    for (const path of ["b/c/three.txt", "b", ".", "go.mod"]) expect(stamped(path)).toBe(true);
  });

  it("leave alone a folder that holds an empty folder", async () => {
    const { root, set, stamped } = repository();
    mkdirSync(join(root, "a/empty"));
    await set();
    expect(stamped("a")).toBe(false);
    expect(stamped("a/one.txt")).toBe(true);
  });

  it("can be set again and again, and git still sees no change", async () => {
    const { set, time, write, status } = repository();
    await set();
    const before = time("a/one.txt");
    await expect(set()).resolves.toMatchObject({ files: 5, skipped: 0 });
    expect(time("a/one.txt")).toBe(before);
    expect(status()).toBe("");
    write("a/one.txt", "998\n");
    expect(status()).toContain("a/one.txt");
    await expect(set()).resolves.toMatchObject({ skipped: 1 });
  });

  it("never follow a link, nor touch .git", async () => {
    const { root, set, commit, stamped } = repository();
    const outside = tempFolder("outside-");
    symlinkSync(outside, join(root, "link"));
    commit();
    const index = statSync(join(root, ".git/index")).mtimeMs;
    await set();
    expect(statSync(join(root, ".git/index")).mtimeMs).toBe(index);
    expect(stamped("link")).toBe(true);
    expect(isContentTime(statSync(outside).mtimeMs)).toBe(false);
  });

  it("never reach through a folder that became a link", async () => {
    const { root, set } = repository();
    const outside = tempFolder("outside-");
    cpSync(join(root, "a"), outside, { recursive: true });
    rmSync(join(root, "a"), { recursive: true });
    symlinkSync(outside, join(root, "a"));
    await set();
    expect(isContentTime(statSync(join(outside, "one.txt")).mtimeMs)).toBe(false);
  });

  it("say why there are none", async () => {
    const ports = fakePorts({ processes: realProcesses() });
    await expect(setFileTimes(ports)).resolves.toMatchObject({
      kind: "skipped",
      why: expect.stringContaining("not a git repository") as unknown,
    });
    const none = fakePorts({
      processes: scriptedProcesses([{ match: ["git"], exit: { kind: "not-found" } }]),
    });
    await expect(setFileTimes(none)).resolves.toEqual({
      kind: "skipped",
      why: "git is not on PATH",
    });
  });

  it("say how a repository of another user is mended, and are set once it is", async () => {
    const { ports, set } = repository();
    const { workspace } = ports.context;
    (ports.env as Record<string, string>)["GIT_TEST_ASSUME_DIFFERENT_OWNER"] = "1";
    await expect(set()).resolves.toMatchObject({
      kind: "skipped",
      why: expect.stringContaining(
        `git config --global --add safe.directory ${workspace}`,
      ) as unknown,
    });
    execFileSync("git", ["config", "--global", "--add", "safe.directory", workspace], {
      env: { ...process.env, ...ports.env },
    });
    await expect(set()).resolves.toMatchObject({ kind: "set", files: 5 });
  });

  it("survive the way through a double and the file system", () => {
    fc.assert(
      fc.property(fc.string(), (content) => {
        const time = timeOf(content);
        expect(Math.round(time * 1e6) / 1e6).toBe(time);
        expect(isContentTime(time * 1000)).toBe(true);
      }),
    );
    expect(isContentTime(Date.UTC(1989, 11, 31))).toBe(false);
    expect(isContentTime(Date.UTC(2016, 0, 1))).toBe(false);
  });
});

describe("times from content, of edits that hide themselves", () => {
  /** An edit of the same size that gives the file the time it had. */
  function hide(root: string, path: string, content: string): void {
    const { atime, mtime } = statSync(join(root, path));
    writeFileSync(join(root, path), content);
    utimesSync(join(root, path), atime, mtime);
  }

  it("are new where the time of an earlier set-up was restored", async () => {
    const { root, set, stamped, time } = repository();
    await set();
    const clean = time("a/one.txt");
    hide(root, "a/one.txt", "999\n");
    expect(time("a/one.txt")).toBeCloseTo(clean, -1);
    await set();
    expect(stamped("a/one.txt")).toBe(false);
  });

  it.each(["--assume-unchanged", "--skip-worktree"])(
    "are new where git is told not to look (%s)",
    async (flag) => {
      const { root, set, stamped, git, status } = repository();
      await set();
      git("update-index", flag, "a/one.txt");
      hide(root, "a/one.txt", "999\n");
      // Git says nothing of it.
      expect(status()).toBe("");
      await expect(set()).resolves.toMatchObject({ skipped: 1 });
      expect(stamped("a/one.txt")).toBe(false);
      expect(stamped("a")).toBe(false);
      expect(stamped("a/two.txt")).toBe(true);
    },
  );

  it("are new where git is told to trust times", async () => {
    const { root, set, stamped, git, time, status } = repository();
    git("config", "core.trustctime", "false");
    git("config", "core.checkStat", "minimal");
    // Long enough ago that the index takes the time for sure.
    utimesSync(join(root, "a/one.txt"), 1e9, 1e9);
    git("update-index", "--refresh");
    hide(root, "a/one.txt", "999\n");
    expect(status()).toBe("");
    const before = time("a/one.txt");
    await expect(set()).resolves.toMatchObject({ skipped: 1 });
    expect(time("a/one.txt")).not.toBe(before);
    expect(stamped("a/one.txt")).toBe(false);
  });

  it("are new in the second in which git took note of the time that was restored", async () => {
    const { root, set, stamped, git, status } = repository();
    for (let round = 0; round < 3; round += 1) {
      git("checkout", "-q", "-f", ".");
      await set();
      git("update-index", "--refresh");
      hide(root, "a/one.txt", `99${round}\n`);
      // So that git does not take the file for written at the same time as the index.
      git("update-index", "--force-write-index");
      await expect(set()).resolves.toMatchObject({ skipped: 1 });
      expect(stamped("a/one.txt")).toBe(false);
    }
    git("checkout", "-q", "-f", ".");
    await expect(set()).resolves.toMatchObject({ skipped: 0 });
    expect(status()).toBe("");
  });

  it("are new in the very second in which the index was written", async () => {
    const { write, git, set, stamped } = repository();
    for (let round = 0; round < 5; round += 1) {
      git("checkout", "-q", "-f", ".");
      write("a/one.txt", "999\n");
      await expect(set()).resolves.toMatchObject({ skipped: 1 });
      expect(stamped("a/one.txt")).toBe(false);
    }
  });

  it("follow the content through a rename", async () => {
    const { root, git, set, time } = repository();
    await set();
    const [one, two] = [time("a/one.txt"), time("a/two.txt")];
    renameSync(join(root, "a/one.txt"), join(root, "a/swap.txt"));
    renameSync(join(root, "a/two.txt"), join(root, "a/one.txt"));
    renameSync(join(root, "a/swap.txt"), join(root, "a/two.txt"));
    git("add", "-A");
    await set();
    expect([time("a/one.txt"), time("a/two.txt")]).toEqual([two, one]);
  });
});

describe("times from content, of files that are not what the blob is", () => {
  const POINTER =
    "version https://git-lfs.github.com/spec/v1\n" + `oid sha256:${"a".repeat(64)}\nsize 4\n`;

  /** A repository in which git has checked out `POINTER` through a filter of the name `lfs`. */
  async function withLfs(smudge: string | undefined): Promise<ReturnType<typeof repository>> {
    const it = repository({ ".gitattributes": "*.bin filter=lfs\n", "data.bin": POINTER });
    if (smudge !== undefined) {
      it.git("config", "filter.lfs.smudge", `printf '%s' '${smudge}'; cat >/dev/null`);
      it.git("config", "filter.lfs.clean", `cat >/dev/null; printf '%s' '${POINTER}'`);
      rmSync(join(it.root, "data.bin"));
      it.git("checkout", "-q", "--", "data.bin");
    }
    await it.set();
    return it;
  }

  it("tell a pointer of Git LFS from its content, also at the same size", async () => {
    const content = "x".repeat(POINTER.length);
    const [pointer, full, again] = [
      await withLfs(undefined),
      await withLfs(content),
      await withLfs(content),
    ];
    expect(statSync(join(full.root, "data.bin")).size).toBe(
      statSync(join(pointer.root, "data.bin")).size,
    );
    expect(full.stamped("data.bin")).toBe(true);
    expect(pointer.stamped("data.bin")).toBe(true);
    expect(full.time("data.bin")).not.toBe(pointer.time("data.bin"));
    expect(again.time("data.bin")).toBe(full.time("data.bin"));
  });

  it("follow what another filter made of the same blob", async () => {
    const made = async (tool: string): Promise<number> => {
      const { git, root, set, time, stamped } = repository({
        ".gitattributes": "*.txt filter=stamp\n",
        "version.txt": "v0\n",
      });
      git("config", "filter.stamp.smudge", `sed s/0/${tool}/`);
      git("config", "filter.stamp.clean", `sed s/${tool}/0/`);
      rmSync(join(root, "version.txt"));
      git("checkout", "-q", "--", "version.txt");
      await set();
      expect(stamped("version.txt")).toBe(true);
      return time("version.txt");
    };
    const [one, two, again] = [await made("1"), await made("2"), await made("1")];
    expect(one).not.toBe(two);
    expect(again).toBe(one);
  });

  it("tell line endings apart", async () => {
    const ending = async (eol: string): Promise<number> => {
      const { git, root, set, time } = repository({ ".gitattributes": "* text\n", a: "1\n2\n" });
      git("config", "core.eol", eol);
      rmSync(join(root, "a"));
      git("checkout", "-q", "--", "a");
      await set();
      return time("a");
    };
    expect(await ending("crlf")).not.toBe(await ending("lf"));
    expect(await ending("crlf")).toBe(await ending("crlf"));
  });

  it("follow ident and encodings", async () => {
    const { root, set, time, stamped, git } = repository({
      ".gitattributes": "id.txt ident\n",
      "id.txt": "$Id$\n",
    });
    rmSync(join(root, "id.txt"));
    git("checkout", "-q", "--", "id.txt");
    expect(statSync(join(root, "id.txt")).size).toBeGreaterThan(40);
    await set();
    expect(stamped("id.txt")).toBe(true);
    const encoded = async (encoding: string): Promise<number> => {
      const other = repository({ "a.txt": "text\n" });
      // Without being tracked, it makes two sets of bytes of one blob.
      appendFileSync(
        join(other.root, ".git/info/attributes"),
        `*.txt working-tree-encoding=${encoding}\n`,
      );
      rmSync(join(other.root, "a.txt"));
      other.git("checkout", "-q", "--", "a.txt");
      await other.set();
      expect(other.stamped("a.txt")).toBe(true);
      return other.time("a.txt");
    };
    expect(await encoded("UTF-16LE")).not.toBe(await encoded("UTF-16BE"));
    expect(time("id.txt")).toBeGreaterThan(0);
  });

  it("tell a program from a text of the same bytes", async () => {
    const mode = async (bits: number): Promise<number> => {
      const { root, commit, set, time } = repository({ run: "#!/bin/sh\n" });
      chmodSync(join(root, "run"), bits);
      commit();
      await set();
      return time("run");
    };
    expect(await mode(0o755)).not.toBe(await mode(0o644));
  });

  it("tell a link from a file that holds its target", async () => {
    const { root, git, set, time, commit, stamped } = repository({ a: "b" });
    symlinkSync("a", join(root, "link"));
    commit();
    await set();
    const link = time("link");
    git("config", "core.symlinks", "false");
    rmSync(join(root, "link"));
    git("checkout", "-q", "--", "link");
    expect(lstatSync(join(root, "link")).isFile()).toBe(true);
    await set();
    expect(stamped("link")).toBe(true);
    expect(time("link")).not.toBe(link);
  });
});

describe("times from content, in repositories of every shape", () => {
  it("reach submodules and what is in them, by their own index", async () => {
    const inner = repository({ "c.txt": "c\n" });
    const middle = repository({ "b.txt": "b\n" });
    middle.git("submodule", "--quiet", "add", inner.root, "inner");
    middle.commit();
    const outer = repository();
    outer.git("submodule", "--quiet", "add", middle.root, "sub/middle");
    outer.git("submodule", "--quiet", "update", "--init", "--recursive");
    outer.git("submodule", "--quiet", "add", inner.root, "absent");
    outer.commit();
    outer.git("submodule", "--quiet", "deinit", "-f", "absent");
    await expect(outer.set()).resolves.toMatchObject({ kind: "set", skipped: 0, problems: [] });
    for (const path of ["middle", "middle/b.txt", "middle/inner", "middle/inner/c.txt"]) {
      expect(outer.stamped(`sub/${path}`)).toBe(true);
    }
    expect(outer.stamped("sub")).toBe(true);
    expect(outer.status()).toBe("");

    outer.write("sub/middle/inner/c.txt", "d\n");
    await expect(outer.set()).resolves.toMatchObject({ skipped: 1 });
    expect(outer.stamped("sub/middle/inner/c.txt")).toBe(false);
    expect(outer.stamped("sub/middle/inner")).toBe(false);
    expect(outer.stamped("sub/middle/b.txt")).toBe(true);
  });

  it("of a folder in testdata change with what is deep in a submodule there", async () => {
    const fixtures = repository({ "case/in.txt": "1\n", "x/y/z.txt": "1\n" });
    const outer = repository();
    outer.git("submodule", "--quiet", "add", fixtures.root, "testdata/spec");
    outer.git("submodule", "--quiet", "add", fixtures.root, "lib/spec");
    outer.commit();
    const times = async (): Promise<Record<string, number>> => {
      await expect(outer.set()).resolves.toMatchObject({ kind: "set", problems: [] });
      const paths = ["testdata", "testdata/spec", "testdata/spec/x", "lib", "lib/spec"];
      return Object.fromEntries(paths.map((path) => [path, outer.time(path)]));
    };
    const before = await times();
    expect(await times()).toEqual(before);
    expect(Object.values(before).every(isContentTime)).toBe(true);

    fixtures.write("x/y/z.txt", "2\n");
    fixtures.commit();
    for (const sub of ["testdata/spec", "lib/spec"]) {
      outer.gitIn(join(outer.root, sub), "pull", "-q");
    }
    // Also where the outer repository has not taken note of it yet.
    const after = await times();
    const changed = Object.keys(after).filter((path) => after[path] !== before[path]);
    expect(changed).toEqual(["testdata", "testdata/spec", "testdata/spec/x"]);
    outer.commit();
    expect(await times()).toEqual(after);

    // What nobody has committed there leaves all folders around it their own time.
    outer.write("testdata/spec/x/y/new.txt", "3\n");
    await outer.set();
    for (const path of ["testdata", "testdata/spec", "testdata/spec/x"]) {
      expect(outer.stamped(path)).toBe(false);
    }
    outer.git("submodule", "--quiet", "deinit", "-f", "testdata/spec");
    await outer.set();
    expect(outer.stamped("testdata")).toBe(true);
    expect([before["testdata"], after["testdata"]]).not.toContain(outer.time("testdata"));
  });

  it("reach checkouts below the workspace, and further ones inside of a checkout", async () => {
    const { ports, root, set, stamped, gitIn } = repository(FILES, "src/orders");
    const tools = join(root, "tools");
    mkdirSync(tools);
    gitIn(tools, "init", "-q");
    writeFileSync(join(tools, "x"), "x");
    gitIn(tools, "add", "-A");
    gitIn(tools, "commit", "-q", "-m", "x");
    expect(existsSync(join(ports.context.workspace, ".git"))).toBe(false);
    await expect(set()).resolves.toMatchObject({ kind: "set", files: 6 });
    expect(stamped("a/one.txt")).toBe(true);
    expect(stamped("tools/x")).toBe(true);
    // It holds what the outer repository does not track.
    expect(stamped(".")).toBe(false);
  });

  it("keep to the workspace where the repository is larger", async () => {
    const { ports, root, set, stamped } = repository();
    ports.context.workspace = join(root, "b");
    await expect(set()).resolves.toMatchObject({ kind: "set", files: 1 });
    expect(stamped("b/c/three.txt")).toBe(true);
    expect(stamped("a/one.txt")).toBe(false);
  });

  it("work in a second work tree, and for a job whose environment names another repository", async () => {
    const { ports, git, root, set } = repository();
    const second = join(ports.root, "second");
    git("worktree", "add", "-q", second, "HEAD");
    ports.context.workspace = second;
    Object.assign(ports.env, { GIT_DIR: join(root, ".git"), GIT_WORK_TREE: root });
    await expect(set()).resolves.toMatchObject({ kind: "set", files: 5 });
    expect(isContentTime(statSync(join(second, "a/one.txt")).mtimeMs)).toBe(true);
  });

  it("work at depth 1, without blobs, and where files are left out", async () => {
    const origin = repository();
    origin.write("a/one.txt", "101\n");
    origin.commit();
    origin.git("config", "uploadpack.allowFilter", "true");
    const shallow = join(origin.ports.root, "shallow");
    origin.git(
      ...["clone", "-q", "--depth=1", "--filter=blob:none", "--sparse"],
      `file://${origin.root}`,
      shallow,
    );
    origin.gitIn(shallow, "sparse-checkout", "set", "a");
    await origin.set();
    origin.ports.context.workspace = shallow;
    await expect(origin.set()).resolves.toMatchObject({ kind: "set", files: 3, skipped: 0 });
    expect(existsSync(join(shallow, "b"))).toBe(false);
    for (const path of ["a/one.txt", "a/two.txt", "go.mod", "a"]) {
      expect(statSync(join(shallow, path)).mtimeMs).toBe(origin.time(path));
    }
  });

  it("leave conflicts alone", async () => {
    const { git, write, commit, set, stamped } = repository();
    git("checkout", "-q", "-b", "other");
    write("a/one.txt", "101\n");
    commit();
    git("checkout", "-q", "-");
    write("a/one.txt", "102\n");
    commit();
    expect(() => git("merge", "other")).toThrow();
    await set();
    expect(stamped("a/one.txt")).toBe(false);
    expect(stamped("a")).toBe(false);
    expect(stamped("a/two.txt")).toBe(true);
  });

  it("are set for names of every kind", async () => {
    const { root, set, commit, status } = repository();
    const strange = [
      Buffer.from('n/ä "b"\nc\td'),
      Buffer.from("n/\xff\xfe", "latin1"),
      Buffer.from("n/-rf"),
    ].map((name) => Buffer.concat([Buffer.from(`${root}/`), name]));
    mkdirSync(join(root, "n"));
    for (const path of strange) writeFileSync(path, "x");
    commit();
    await expect(set()).resolves.toMatchObject({ files: 8, skipped: 0 });
    for (const path of strange) expect(isContentTime(statSync(path).mtimeMs)).toBe(true);
    expect(status()).toBe("");
    writeFileSync(strange[1] ?? "", "y");
    // Git can be asked about the content of all of them, but for those with a newline.
    await expect(set()).resolves.toMatchObject({ files: 6, skipped: 2 });
  });

  it("are set in no time for thousands of files", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, at) => [`d${at % 50}/f${at}.txt`, `${at}\n`]),
    );
    const { set } = repository(many);
    await expect(set()).resolves.toMatchObject({ kind: "set", files: 5_000, folders: 51 });
  });
});

describe("the index of git", () => {
  it("is read with its flags; paths in conflict are left out", () => {
    const blob = "a".repeat(40);
    const output = ["H", "S", "h"].map((tag) => `${tag} 100644 ${blob} 0\tä "b"\nc\0`).join("");
    expect(
      parseIndex(Buffer.from(`${output}M 100644 ${blob} 2\tconflict\0`)).map((file) => [
        Buffer.from(file.path, "latin1").toString(),
        file.unwatched,
      ]),
    ).toEqual([
      ['ä "b"\nc', false],
      ['ä "b"\nc', true],
      ['ä "b"\nc', true],
    ]);
  });
});
