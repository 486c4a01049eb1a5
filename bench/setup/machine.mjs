// The machines that jobs run on: the fresh one, wiped before each job, and the persistent one.
import { execFile, execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Programs of the jobs, without any Go that is installed. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** All folders of a bench; paths are the same for every job. */
export function layout(work, store = join(work, "store")) {
  const folders = {
    work,
    source: join(work, "source.git"),
    edits: join(work, "edits"),
    /** Wiped before each job. */
    home: join(work, "home"),
    workspace: join(work, "work/subject/subject"),
    temp: join(work, "temp"),
    tools: join(work, "tools"),
    runStep: join(work, "run-step"),
    services: join(store, "services"),
    states: join(store, "states"),
    persistent: {
      home: join(work, "persistent/home"),
      workspace: join(work, "persistent/work/subject"),
      temp: join(work, "persistent/temp"),
    },
  };
  for (const folder of [folders.tools, folders.runStep, folders.services]) {
    mkdirSync(folder, { recursive: true });
  }
  writeRunStep(folders.runStep);
  return folders;
}

/** Removes a folder, also one with read-only modules. */
export async function wipe(...folders) {
  const there = folders.filter((folder) => existsSync(folder));
  if (there.length === 0) return;
  await run("chmod", ["-R", "u+w", ...there]).catch(() => undefined);
  await run("rm", ["-rf", ...there]);
}

/** A copy that keeps times and modes. */
export async function copyTree(from, to) {
  await wipe(to);
  mkdirSync(join(to, ".."), { recursive: true });
  await run("cp", ["-a", "--reflink=auto", from, to]);
}

/** The repository's history in a folder of the bench; edits are pushed to it. */
export function cloneSource(repo, folders) {
  rmSync(folders.source, { recursive: true, force: true });
  git(["clone", "-q", "--bare", "--no-hardlinks", repo, folders.source]);
  git(["-C", folders.source, "config", "uploadpack.allowAnySHA1InWant", "true"]);
}

export function git(args, options = {}) {
  return execFileSync("git", args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 1 << 28,
    ...options,
  }).trim();
}

/** Lines of `git ls-tree` of the files whose path fits. */
export function filesOf(folders, sha, path) {
  return git(["-C", folders.source, "ls-tree", "-r", sha])
    .split("\n")
    .filter((line) => path.test(line.split("\t")[1] ?? ""));
}

/** What actions/checkout leaves: one commit, all files with the time of now. */
export async function freshCheckout(folders, sha, workspace = folders.workspace) {
  await wipe(workspace);
  mkdirSync(workspace, { recursive: true });
  const at = (...args) => run("git", ["-C", workspace, ...args]);
  await at("init", "-q", "-b", "main");
  await at("remote", "add", "origin", `file://${folders.source}`);
  await at("fetch", "-q", "--depth=1", "--no-tags", "origin", sha);
  await at("checkout", "-q", "--force", "-B", "main", "FETCH_HEAD");
}

/** Only files that the commit changed get a new time. */
export async function stableCheckout(folders, sha) {
  const { workspace } = folders.persistent;
  if (!existsSync(workspace)) await run("git", ["clone", "-q", "-n", folders.source, workspace]);
  await run("git", ["-C", workspace, "fetch", "-q", "origin", sha]);
  // In a copied folder git would take every file for changed, and write it again.
  await run("git", ["-C", workspace, "update-index", "-q", "--refresh"]).catch(() => undefined);
  await run("git", ["-C", workspace, "checkout", "-q", "--force", "--detach", sha]);
}

/**
 * Puts a Go into the tool cache, as hosted machines have them: that of the machine, or another one
 * that it fetches.
 */
export function prepareGo(folders, version) {
  const ask = (name, env = {}) =>
    execFileSync("go", ["env", name], {
      encoding: "utf8",
      cwd: folders.work,
      env: { ...process.env, GOTOOLCHAIN: "local", ...env },
    }).trim();
  const own = ask("GOVERSION").replace(/^go/, "");
  const wanted = version ?? own;
  const place = join(folders.tools, "go", wanted, "x64");
  if (!existsSync(`${place}.complete`)) {
    const goroot = wanted === own ? ask("GOROOT") : ask("GOROOT", { GOTOOLCHAIN: `go${wanted}` });
    rmSync(place, { recursive: true, force: true });
    cpSync(goroot, place, { recursive: true, verbatimSymlinks: true });
    execFileSync("chmod", ["-R", "u+w", place]);
    writeFileSync(`${place}.complete`, "");
  }
  return { version: wanted, bin: join(place, "bin") };
}

/** Variables of the runner itself: nothing of this machine's own settings gets in. */
export function runnerEnvironment(home) {
  return { PATH, HOME: home, LANG: "C.UTF-8", ImageOS: "ubuntu24", ImageVersion: "20261101.1.0" };
}

/** An action that does what `run:` does: a shell that sees neither inputs nor tokens. */
function writeRunStep(folder) {
  writeFileSync(
    join(folder, "action.yml"),
    "name: run\ninputs:\n  run:\n    required: true\nruns:\n  using: node24\n  main: main.cjs\n",
  );
  writeFileSync(
    join(folder, "main.cjs"),
    `const { spawn } = require("node:child_process");
const hidden = /^(INPUT_|ACTIONS_|STATE_|https?_proxy$|no_proxy$)/;
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !hidden.test(name)));
const args = ["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", process.env.INPUT_RUN];
spawn("bash", args, { env, stdio: "inherit" }).on("exit", (code) => (process.exitCode = code ?? 1));
`,
  );
}
