// The main job as a person starts it: `scripts/start.mjs` and the committed bundles, on this machine.
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { requirePart } from "../support/real-parts.ts";

const root = join(import.meta.dirname, "../..");
const go = requirePart("go");
const MINUTES = 60_000;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "npm-start-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  code: number | null;
  out: string;
  err: string;
}

interface Event {
  kind: string;
  job?: string;
  step?: string;
  stage?: string;
  state?: string;
  result?: string;
  text?: string;
  ok?: boolean;
  report?: string;
}

function begin(
  args: readonly string[],
  cache = join(folder, "cache"),
): { child: ChildProcess; ended: Promise<Run> } {
  const child = spawn(process.execPath, [join(root, "scripts/start.mjs"), ...args], {
    cwd: folder,
    env: { ...process.env, XDG_CACHE_HOME: cache, INIT_CWD: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (out += part));
  child.stderr.setEncoding("utf8").on("data", (part: string) => (err += part));
  const ended = new Promise<Run>((resolve) => {
    child.on("close", (code) => resolve({ code, out, err }));
  });
  return { child, ended };
}

const start = (...args: string[]): Promise<Run> => begin(args).ended;

const events = ({ out }: Run): Event[] =>
  out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Event);

function step(run: Run, job: string, id: string): Event | undefined {
  return events(run).find(
    (event) =>
      event.kind === "step-finished" &&
      event.job === job &&
      event.step === id &&
      event.stage === "main",
  );
}

/** Processes that have something of this test's folder in their command line (Linux). */
function leftRunning(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return "";
      }
    })
    .filter((line) => line.includes(join(folder, "cache")));
}

function project(name: string, files: Record<string, string>): string {
  const path = join(folder, name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), text);
  }
  return path;
}

function fingerprint(path: string): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(path, { recursive: true, encoding: "utf8" }).sort()) {
    const stat = statSync(join(path, name));
    hash.update(`${name} ${stat.mtimeMs}\n`);
    if (stat.isFile()) hash.update(readFileSync(join(path, name)));
  }
  return hash.digest("hex");
}

(go === undefined ? describe.skip : describe)("npm start on examples/orders", () => {
  it(
    "walks the whole way: the broken release is rolled back and release 1 serves again",
    async () => {
      const run = await start("--json");
      expect(run.err).toBe("");
      expect(run.code).toBe(0);
      expect(step(run, "ci", "verdict")?.result).toMatch(/^pass · \d+ passed/);
      expect(step(run, "ci", "image")?.result).toContain("sha256:");
      expect(step(run, "deploy", "deploy")?.result).toContain("deployed");
      expect(step(run, "broken", "deploy")).toMatchObject({ state: "expected" });
      expect(step(run, "broken", "deploy")?.result).toContain("rolled-back (health-status)");
      const notes = events(run).map(({ text = "" }) => text);
      expect(notes.some((text) => text.includes("release 1 serves"))).toBe(true);
      const { report } = events(run).find(({ kind }) => kind === "pipeline-finished") ?? {};
      expect(readFileSync(report ?? "", "utf8")).toContain("rolled back");
      expect(leftRunning()).toEqual([]);
    },
    15 * MINUTES,
  );

  it(
    "the second time the caches are at work, and the last line is the path of the report",
    async () => {
      const run = await start();
      expect(run.code).toBe(0);
      expect(run.out).toMatch(/run the tests .* 5 packages cached .*\(before /);
      expect(run.out).not.toContain("\u001b");
      expect(existsSync(run.out.trimEnd().split("\n").at(-1) ?? "")).toBe(true);
      expect(leftRunning()).toEqual([]);
    },
    15 * MINUTES,
  );

  it(
    "Ctrl-C while release 1 serves stops everything it started",
    async () => {
      const { child, ended } = begin(["--json"]);
      let seen = "";
      await new Promise<void>((resolve) => {
        child.stdout?.on("data", (part: string) => {
          seen += part;
          // The broken release is about to come out: release 1 runs on this machine.
          if (/"step-started".*"job":"broken","step":"deploy"/.test(seen)) resolve();
        });
        void ended.then(() => resolve());
      });
      child.kill("SIGINT");
      const run = await ended;
      expect(run.code).toBe(130);
      expect(events(run).find(({ kind }) => kind === "pipeline-finished")?.ok).toBe(false);
      expect(leftRunning()).toEqual([]);
    },
    15 * MINUTES,
  );
});

(go === undefined ? describe.skip : describe)("npm start on a repository of your own", () => {
  const library = {
    "go.mod": "module example.com/acme/money\n\ngo 1.24\n",
    "money.go":
      "// Package money adds.\npackage money\n\n// Add adds.\nfunc Add(a, b int) int { return a + b }\n",
    "money_test.go":
      'package money\n\nimport "testing"\n\nfunc TestAdd(t *testing.T) {\n\tif Add(1, 2) != 3 {\n\t\tt.Error("want 3")\n\t}\n}\n',
  };

  it(
    "tests a library, says why there is no image, and leaves the folder as it was",
    async () => {
      const repo = project("money", library);
      const before = fingerprint(repo);
      const run = await start("--json", "--repo", repo);
      expect(run.code).toBe(0);
      expect(step(run, "ci", "verdict")?.result).toMatch(/^pass · 1 passed/);
      const notes = events(run).map(({ text = "" }) => text);
      expect(notes).toContain("no main package: no image and no deploy");
      expect(step(run, "ci", "image")).toBeUndefined();
      expect(fingerprint(repo)).toBe(before);
    },
    10 * MINUTES,
  );

  it(
    "is red on a failing test, and shows where",
    async () => {
      const repo = project("wrong", {
        ...library,
        "money.go": library["money.go"].replace("a + b", "a - b"),
      });
      const run = await start("--repo", repo);
      expect(run.code).toBe(1);
      expect(run.out).toContain("TestAdd");
      expect(run.out).toContain("money_test.go:7: TestAdd failed: want 3");
      expect(run.out).toMatch(/^✗ red/m);
      expect(run.out).toContain("(first run, nothing cached)");
      // A red run leaves caches as well.
      expect((await start("--repo", repo)).out).toContain("(run 2)");
    },
    10 * MINUTES,
  );

  it("says in one line that a folder is no Go repository", async () => {
    const repo = project("words", { "README.md": "words\n" });
    const run = await start("--repo", repo);
    expect(run).toEqual({
      code: 1,
      out: "",
      err: `${repo} is not a Go repository: no go.mod and no go.work in it\n`,
    });
  });

  it("lists the main packages when the one that was named is none", async () => {
    const repo = project("tools", {
      "go.mod": "module example.com/acme/tools\n\ngo 1.24\n",
      "cmd/a/main.go": "package main\n\nfunc main() {}\n",
      "cmd/b/main.go": "package main\n\nfunc main() {}\n",
    });
    const run = await start("--repo", repo, "--main", "./cmd/c");
    expect(run.code).toBe(1);
    expect(run.err).toContain("There are: ./cmd/a, ./cmd/b");
  });
});

describe("npm start and its arguments", () => {
  it("says in one message that its folder cannot be used", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const run = await begin([], file).ended;
    expect(run).toMatchObject({ code: 1, out: "" });
    expect(run.err).toMatch(
      /^\S+ cannot be used: a part of the path is no folder\n.*XDG_CACHE_HOME/,
    );
    expect(run.err.trimEnd().split("\n")).toHaveLength(2);
  });

  it("names every wrong one", async () => {
    const run = await start("--port", "0", "--cache-limit", "much");
    expect(run.code).toBe(1);
    expect(run.err).toMatch(/--port must be/);
    expect(run.err).toMatch(/--cache-limit must be/);
  });

  (go === undefined ? it.skip : it)(
    "stops a service that was kept running before its folders go",
    async () => {
      const kept = await start("--keep", "--json");
      expect(kept.code).toBe(0);
      expect(leftRunning()).not.toEqual([]);
      expect((await start("--clean")).code).toBe(0);
      expect(leftRunning()).toEqual([]);
    },
    15 * MINUTES,
  );

  it("cleans what earlier runs kept", async () => {
    const run = await start("--clean");
    expect(run.code).toBe(0);
    expect(existsSync(join(folder, "cache/go-cicd/local"))).toBe(false);
  });
});
