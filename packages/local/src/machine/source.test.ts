import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { realProcesses } from "@go-cicd/core/adapters/processes.ts";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { assertGoProject, checkOut, commitAll } from "./source.ts";

const env = { PATH: process.env["PATH"], HOME: "/nonexistent" };
const tools = { processes: realProcesses(), env };
let folder = "";
let repo = "";
let workspace = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "source-"));
  repo = join(folder, "repo");
  workspace = join(folder, "workspace");
  mkdirSync(repo);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(repo, name)), { recursive: true });
    writeFileSync(join(repo, name), text);
  }
}

function git(...args: string[]): string {
  const identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgSign=false"];
  return execFileSync("git", [...identity, ...args], { cwd: repo, encoding: "utf8" });
}

function commit(): void {
  git("init", "-q", "-b", "trunk");
  git("add", "-A");
  git("commit", "-q", "-m", "one");
}

/** Names, times and content of everything below a folder. */
function fingerprint(of: string): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(of, { recursive: true, encoding: "utf8" }).sort()) {
    const stat = lstatSync(join(of, name));
    hash.update(`${name} ${stat.mtimeMs} ${stat.mode}\n`);
    if (stat.isFile()) hash.update(readFileSync(join(of, name)));
  }
  return hash.digest("hex");
}

describe("checkOut", () => {
  it("lays uncommitted changes over the commit", async () => {
    write({ "go.mod": "module x\n", "a.go": "package x\n", "gone.go": "package x\n" });
    commit();
    write({ "a.go": "package x // changed\n", "new ä.go": "package x\n" });
    rmSync(join(repo, "gone.go"));
    const checkout = await checkOut(repo, workspace, tools);
    expect(checkout).toMatchObject({ branch: "trunk", workingDirectory: ".", changed: 3 });
    expect(checkout.sha).toBe(git("rev-parse", "HEAD").trim());
    expect(readFileSync(join(workspace, "a.go"), "utf8")).toContain("changed");
    expect(existsSync(join(workspace, "new ä.go"))).toBe(true);
    expect(existsSync(join(workspace, "gone.go"))).toBe(false);
  });

  it("writes nothing into the user's folder", async () => {
    write({ "go.mod": "module x\n", "a.go": "package x\n", ".gitignore": "out\n", out: "x" });
    commit();
    write({ "a.go": "package x // changed\n" });
    const before = fingerprint(repo);
    await checkOut(repo, workspace, tools);
    writeFileSync(join(workspace, "a.go"), "package y\n");
    await commitAll(workspace, tools);
    expect(fingerprint(repo)).toBe(before);
    expect(existsSync(join(workspace, "out"))).toBe(false);
  });

  it("knows where in the repository the project is", async () => {
    write({ "svc/go.mod": "module x\n", "README.md": "" });
    commit();
    const checkout = await checkOut(join(repo, "svc"), workspace, tools);
    expect(checkout.workingDirectory).toBe("svc");
    expect(existsSync(join(workspace, "svc/go.mod"))).toBe(true);
  });

  it("makes a repository of a plain folder, the same commit each time", async () => {
    write({ "go.mod": "module x\n", "run.sh": "#!/bin/sh\n" });
    symlinkSync("go.mod", join(repo, "link"));
    const first = await checkOut(repo, workspace, tools);
    const second = await checkOut(repo, join(folder, "other"), tools);
    expect(second.sha).toBe(first.sha);
    expect(readlinkSync(join(workspace, "link"))).toBe("go.mod");
    expect(existsSync(join(repo, ".git"))).toBe(false);
  });

  it("takes a folder out of a larger repository when it stands alone", async () => {
    write({ "svc/go.mod": "module x\n", "other.txt": "" });
    commit();
    const checkout = await checkOut(join(repo, "svc"), workspace, tools, { alone: true });
    expect(checkout.workingDirectory).toBe(".");
    expect(statSync(join(workspace, "go.mod")).isFile()).toBe(true);
    expect(existsSync(join(workspace, "other.txt"))).toBe(false);
  });

  it("copies a repository that belongs to another user", async () => {
    write({ "go.mod": "module x\n" });
    commit();
    // Git's own switch for tests of its check (CVE-2022-24765).
    const stranger = { ...env, GIT_TEST_ASSUME_DIFFERENT_OWNER: "true" };
    const checkout = await checkOut(repo, workspace, { ...tools, env: stranger });
    expect(checkout.sha).toBe(git("rev-parse", "HEAD").trim());
  });

  it("does not run the repository's hooks", async () => {
    write({ "go.mod": "module x\n" });
    commit();
    const mark = join(folder, "ran");
    write({ ".git/hooks/post-checkout": `#!/bin/sh\ntouch ${mark}\n` });
    execFileSync("chmod", ["+x", join(repo, ".git/hooks/post-checkout")]);
    await checkOut(repo, workspace, tools);
    expect(existsSync(mark)).toBe(false);
  });
});

describe("assertGoProject", () => {
  it("says in one line that a folder is none", () => {
    write({ "README.md": "" });
    expect(() => assertGoProject(repo)).toThrow(
      `${repo} is not a Go repository: no go.mod and no go.work in it`,
    );
    expect(() => assertGoProject(join(repo, "nowhere"))).toThrow("does not exist");
    expect(() => assertGoProject(join(repo, "README.md"))).toThrow("is not a folder");
    mkdirSync(join(repo, "go.mod"));
    expect(() => assertGoProject(repo)).toThrow("is not a Go repository");
  });

  it("finds modules below, but not those of others", () => {
    write({ "vendor/v/go.mod": "module v\n" });
    expect(() => assertGoProject(repo)).toThrow();
    write({ "services/a/go.mod": "module a\n" });
    expect(() => assertGoProject(repo)).not.toThrow();
  });
});
