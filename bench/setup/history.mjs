// Which commits are measured, and the edits that no history holds.
import { mkdirSync, writeFileSync, readFileSync, appendFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { git, wipe } from "./machine.mjs";

const GO_FILES = [":(glob)**/*.go", ":(glob)**/go.mod", ":(glob)**/go.sum", "go.work"];

/** One commit more than asked for, oldest first: the first one fills the caches. */
export function replayCommits(folders, { commits, until, tags, allCommits }) {
  const at = (...args) =>
    git(["-C", folders.source, ...args])
      .split("\n")
      .filter(Boolean);
  if (tags) {
    const names = at("tag", "--merged", until, "--sort=version:refname");
    return names.slice(-(commits + 1)).map((name) => at("rev-parse", `${name}^{commit}`)[0]);
  }
  const paths = allCommits ? [] : ["--", ...GO_FILES];
  return at("rev-list", "--first-parent", `-${commits + 1}`, until, ...paths).reverse();
}

/** The newest commit that changed which modules are needed, and the one before it. */
export function bump(folders, until) {
  const at = (...args) => git(["-C", folders.source, ...args]);
  const after = at("rev-list", "--first-parent", "-1", until, "--", "go.mod", "go.sum");
  if (after === "") return undefined;
  const before = at("rev-parse", `${after}^1`);
  return at("ls-tree", before, "--", "go.mod") === "" ? undefined : { before, after };
}

/** Package that reads a file of its own in a test: what a same-size edit is tried on. */
export const READER = "zz_reads_a_file";
const READER_FILES = {
  "reader.go": "// Package reader is read by a benchmark.\npackage reader\n",
  "reader_test.go": `package reader

import (
	"os"
	"testing"
)

func TestRead(t *testing.T) {
	if text, err := os.ReadFile("testdata/price.txt"); err != nil || len(text) != 4 {
		t.Fatal(string(text), err)
	}
}
`,
  "testdata/price.txt": "100\n",
};

/**
 * Commits on top of one: `base` has a package more, the others differ from it by one edit.
 * @returns commit ids, and which packages were edited
 */
export async function edits(folders, head, go, modules) {
  await wipe(folders.edits);
  git(["clone", "-q", folders.source, folders.edits]);
  const at = (...args) =>
    git(["-C", folders.edits, "-c", "user.name=bench", "-c", "user.email=b@example.com", ...args]);
  const commit = (name) => {
    at("add", "-A", "-f", READER, ".");
    at("commit", "-q", "--no-verify", "-m", name);
    at("push", "-q", "--force", "origin", `HEAD:refs/heads/bench-${name}`);
    return at("rev-parse", "HEAD");
  };
  at("checkout", "-q", "--detach", head);
  for (const [path, text] of Object.entries(READER_FILES)) {
    mkdirSync(dirname(join(folders.edits, READER, path)), { recursive: true });
    writeFileSync(join(folders.edits, READER, path), text);
  }
  const base = commit("base");
  const { leaf, root } = ends(folders, go, modules);
  const edited = (name, file, text) => {
    at("checkout", "-q", "--detach", base);
    if (file === undefined) return undefined;
    if (text === undefined) appendFileSync(file, liveCode(name));
    else writeFileSync(file, text);
    return commit(name);
  };
  return {
    base,
    leaf: edited("Leaf", leaf?.file),
    root: edited("Root", root?.file),
    sameSize: edited("SameSize", join(folders.edits, READER, "testdata/price.txt"), "999\n"),
    leafPackage: leaf?.name,
    rootPackage: root?.name,
  };
}

/** Code that the linker keeps: an edit of dead code leaves programs and test results as they are. */
function liveCode(name) {
  const text = JSON.stringify(`edit ${name}`);
  return `\nvar benchEdit = ${text}\n\nfunc init() {\n\tif benchEdit == "" {\n\t\tpanic(benchEdit)\n\t}\n}\n`;
}

/** The package that most others of the module need, and one that none needs; no programs. */
function ends(folders, go, modules) {
  const text = execFileSync(
    join(go.bin, "go"),
    ["list", "-json=ImportPath,Name,Dir,GoFiles,Deps", "./..."],
    {
      cwd: folders.edits,
      encoding: "utf8",
      maxBuffer: 1 << 28,
      env: { ...process.env, GOMODCACHE: modules, GOFLAGS: "-modcacherw -e", GOTOOLCHAIN: "local" },
    },
  );
  const packages = JSON.parse(`[${text.trim().replaceAll(/^}\n{/gm, "},\n{")}]`);
  const users = (path) => packages.filter(({ Deps = [] }) => Deps.includes(path)).length;
  const libraries = packages
    .filter(
      ({ Name, GoFiles = [], ImportPath }) =>
        Name !== "main" && GoFiles.length > 0 && !ImportPath.endsWith(READER),
    )
    .map((each) => ({
      name: each.ImportPath,
      users: users(each.ImportPath),
      deps: each.Deps?.length ?? 0,
      file: plainFile(each),
    }))
    .filter(({ file }) => file !== undefined);
  const byUse = libraries.sort((a, b) => a.users - b.users || b.deps - a.deps);
  return { leaf: byUse[0], root: byUse.at(-1) };
}

/** A file without build constraints, so that the edit is compiled. */
function plainFile({ Dir, GoFiles }) {
  return GoFiles.map((name) => join(Dir, name)).find(
    (path) =>
      !readFileSync(path, "utf8").includes("//go:build") && !/_(linux|amd64|unix)\.go$/.test(path),
  );
}
