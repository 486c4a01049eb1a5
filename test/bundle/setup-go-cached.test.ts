// The committed bundle of setup-go-cached on the runner's side, over the loopback cache services:
// main and post of one job, then another machine, and what goes wrong with caches.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { runJob } from "@go-cicd/local/contract/job.ts";
import type { JobOptions } from "@go-cicd/local/contract/plan.ts";
import type { StepResult } from "@go-cicd/local/contract/step.ts";
import { startServices, type Services } from "@go-cicd/local/services/server.ts";
import type { CacheScope } from "@go-cicd/local/services/scopes.ts";
import { fixtureAction } from "../support/fixture-action.ts";
import { requirePart } from "../support/real-parts.ts";

jest.setTimeout(240_000);

const go = requirePart("go");
const whole = go === undefined ? describe.skip : describe;
const version =
  go === undefined
    ? ""
    : execFileSync(go, ["env", "GOVERSION"], {
        encoding: "utf8",
        env: { ...process.env, GOTOOLCHAIN: "local" },
      })
        .trim()
        .replace("go", "");

const SUM = "h1:FEBLx1zS214owpjy7qsBeixbURkuhQAwrK5UwLGTwt4=";
const FILES: Record<string, string> = {
  "go.mod": "module example.com/acme/orders\n\ngo 1.24\n",
  "go.sum": `github.com/pkg/errors v0.9.1 ${SUM}\n`,
};

let services: Services;
let kept: string;
beforeEach(async () => {
  kept = tempFolder();
  services = await startServices({ folder: kept });
});
afterEach(() => services.close());

const MAIN: CacheScope = { scope: "refs/heads/main", read: true, write: true };

interface Machine {
  workspace: string;
  home: string;
  gocache: string;
  gomodcache: string;
}

const GOCACHE = ".cache/go-build";
const GOMODCACHE = "go/pkg/mod";
const workspace = join(tempFolder(), "orders");

/** As on hosted runners: the same path on all machines, since it is part of what is compiled. */
const home = join(tempFolder(), "runner");

/** A machine with nothing on it but Go. */
function machine(): Machine {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home);
  for (const [name, content] of Object.entries(FILES)) write(workspace, name, content);
  return {
    workspace,
    home,
    gocache: join(home, GOCACHE),
    gomodcache: join(home, GOMODCACHE),
  };
}

function write(root: string, path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

interface Options extends Partial<JobOptions> {
  scopes?: CacheScope[];
  inputs?: Record<string, string>;
  /** What a build between main and post leaves; nothing by default. */
  seed?: string;
}

/** A whole job on a machine: main, what a build leaves, post. */
async function jobOn(on: Machine, options: Options = {}) {
  const { scopes = [MAIN], inputs = {}, seed, ...rest } = options;
  const left = tempFolder();
  if (seed !== undefined) build(left, seed);
  const copy = `fs.cpSync(${JSON.stringify(left)}, ${JSON.stringify(on.home)}, { recursive: true });`;
  const { stages } = await runJob(
    {
      id: "ci",
      steps: [
        { id: "go", action: "setup-go-cached", with: { "go-version": version, ...inputs } },
        { id: "build", action: fixtureAction({ main: copy }) },
      ],
    },
    {
      workspace: on.workspace,
      temp: tempFolder(),
      toolCache: join(on.home, "tools"),
      github: { event: { repository: { default_branch: "main" } } },
      services: services.environment({ runId: "1", jobId: "1-ci", scopes }),
      inherited: {
        PATH: `${dirname(go ?? "")}${delimiter}${process.env["PATH"] ?? ""}`,
        HOME: on.home,
        LANG: "C.UTF-8",
      },
      ...rest,
    },
  );
  const result = (stage: "main" | "post"): StepResult => {
    const found = stages.find(({ of }) => of.step === "go" && of.stage === stage);
    if (found === undefined) throw new Error(`${stage} did not run`);
    return found.result;
  };
  return { on, main: result("main"), post: result("post") };
}

const job = (seed: string, options: Options = {}) => jobOn(machine(), { ...options, seed });

/** Main alone. */
async function mainOn(on: Machine, options: Options = {}): Promise<StepResult> {
  return (await jobOn(on, options)).main;
}

/** What a build leaves: index entries with their outputs, and a module. */
function build(home: string, seed: string, count = 200): void {
  const [gocache, gomodcache] = [join(home, GOCACHE), join(home, GOMODCACHE)];
  for (let index = 0; index < count; index += 1) {
    const content = Buffer.alloc(4_000 + index, `${seed}${index} `);
    const output = createHash("sha256").update(content).digest("hex");
    const action = createHash("sha256").update(`${seed} action ${index}`).digest("hex");
    write(gocache, `${output.slice(0, 2)}/${output}-d`, content);
    const size = String(content.length).padStart(20);
    const time = String(Date.now() * 1e6).padStart(20);
    write(gocache, `${action.slice(0, 2)}/${action}-a`, `v1 ${action} ${output} ${size} ${time}\n`);
  }
  write(gomodcache, "github.com/pkg/errors@v0.9.1/errors.go", "package errors\n");
  write(gomodcache, "cache/download/github.com/pkg/errors/@v/v0.9.1.mod", "module x\n");
  write(gomodcache, "cache/download/github.com/pkg/errors/@v/v0.9.1.zip", "a zip");
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** Sums of what is in a build cache; trim.txt holds a time. */
function contents(gocache: string): Record<string, string> {
  return Object.fromEntries(
    filesBelow(gocache)
      .filter((path) => path !== "trim.txt")
      .map((path) => [
        path,
        createHash("sha256")
          .update(readFileSync(join(gocache, path)))
          .digest("hex"),
      ]),
  );
}

/** Exchanges a text in a compressed file; false where it is not in there. */
function exchange(path: string, before: string, after: string): boolean {
  const packed = readFileSync(path);
  const gzip = packed.readUInt16BE(0) === 0x1f8b;
  // An artifact lies there as well, as a zip.
  if (!gzip && packed.readUInt32LE(0) !== 0xfd2fb528) return false;
  const bytes = gzip ? gunzipSync(packed) : zstdDecompressSync(packed);
  const at = bytes.indexOf(before);
  if (at < 0) return false;
  bytes.write(after, at);
  writeFileSync(path, gzip ? gzipSync(bytes) : zstdCompressSync(bytes));
  return true;
}

const text = ({ log }: StepResult): string => log.join("\n");

whole("the bundle of setup-go-cached", () => {
  it("saves what a job leaves, and brings it to the next machine", async () => {
    const first = await job("one");
    expect(first.main).toMatchObject({ conclusion: "success" });
    expect(first.main.outputs).toMatchObject({ "go-version": version, "cache-hit": "false" });
    expect(first.main.env).toMatchObject({
      GOTOOLCHAIN: "local",
      GOCACHE: first.on.gocache,
      GOMODCACHE: first.on.gomodcache,
    });
    expect(first.main.path).toContain(join(first.on.home, "go/bin"));
    expect(text(first.post)).toMatch(/modules: saved .* as go-cicd-modules-v1-Linux-/);
    expect(text(first.post)).toMatch(/build cache: saved .* in 400 files/);

    const before = contents(first.on.gocache);
    const modules = filesBelow(first.on.gomodcache);
    const second = machine();
    const { main, post } = await jobOn(second);
    expect(main.outputs).toMatchObject({
      "cache-hit": "true",
      "modules-hit": "true",
      "build-hit": "true",
    });
    expect(Number(main.outputs["restored-bytes"])).toBeGreaterThan(800_000);
    expect(main.summary).toMatch(/build cache and test results \| exact/);
    expect(text(main)).toMatch(/Key of the build cache: go-cicd-build-v1-Linux-/);
    expect(contents(second.gocache)).toEqual(before);
    expect(filesBelow(second.gomodcache)).toEqual(modules.filter((path) => !path.endsWith(".zip")));
    expect(text(post)).toContain("modules: not saved: nothing is new");
    expect(text(post)).toContain("build cache: not saved");
    expect(post.annotations).toEqual([]);
  });

  it("refuses entries whose bytes were altered, and leaves nothing of them", async () => {
    await job("one");
    services.fault({ method: "GET", misbehaviour: { kind: "alter", at: 9_000 } });
    const on = machine();
    const { conclusion, outputs, annotations } = await mainOn(on);
    expect(conclusion).toBe("success");
    expect(outputs).toMatchObject({ "build-hit": "false", "go-version": version });
    expect(annotations.map(({ level, title }) => `${level} ${title ?? ""}`)).toContain(
      "warning Damaged cache entry",
    );
    expect(filesBelow(on.gocache)).toEqual(["trim.txt"]);
  });

  it("refuses entries whose contents were exchanged, however well they are packed again", async () => {
    await job("one");
    // The same length, a whole archive, a whole compression: only the contents' own sum is left.
    const exchanged = filesBelow(join(kept, "blobs")).map((name) =>
      exchange(join(kept, "blobs", name), "one7 one7", "one7 onf7"),
    );
    expect(exchanged).toContain(true);
    const on = machine();
    const { conclusion, outputs, annotations } = await mainOn(on);
    expect(conclusion).toBe("success");
    expect(outputs).toMatchObject({ "build-hit": "false", "go-version": version });
    expect(annotations.map(({ level, title }) => `${level} ${title ?? ""}`)).toContain(
      "warning Damaged cache entry",
    );
    expect(filesBelow(on.gocache)).toEqual(["trim.txt"]);
  });

  it("saves nothing with a token that may only read, and nothing fails", async () => {
    const reader = [{ ...MAIN, write: false }];
    const { main, post } = await job("one", { scopes: reader });
    expect([main.conclusion, post.conclusion]).toEqual(["success", "success"]);
    expect(text(post)).toContain("modules: not saved: read-only");
    expect(text(post)).toContain("build cache: not saved: read-only");
    expect(post.annotations).toEqual([]);
  });

  it("does not wait for ever for a service that hangs", async () => {
    services.fault({ path: /CacheService/, misbehaviour: { kind: "hang" } });
    const { main, post } = await job("one");
    expect([main.conclusion, post.conclusion]).toEqual(["success", "success"]);
    expect(main.outputs).toMatchObject({ "cache-hit": "false", "go-version": version });
    expect(text(main)).toMatch(/modules: miss \(unavailable: /);
    expect(text(post)).toMatch(/modules: not saved: .*nothing came/);
  });

  it("uses no build cache in a job that can ask for an OIDC token", async () => {
    await job("one");
    const on = machine();
    const { outputs, log } = await mainOn(on, {
      services: services.environment({
        runId: "2",
        jobId: "2-release",
        scopes: [MAIN],
        idToken: { sub: "repo:acme/orders:ref:refs/heads/main" },
      }),
    });
    expect(outputs).toMatchObject({ "build-hit": "false", "modules-hit": "true" });
    // The module in the cache is a made-up one: it is not what go.sum says.
    expect(log.join("\n")).toContain("Removed 1 restored modules");
    expect(filesBelow(on.gocache)).toEqual([]);
    expect(filesBelow(on.gomodcache)).toEqual([]);
  });

  it("says everything that is wrong with its inputs at once", async () => {
    const { conclusion, annotations } = await mainOn(machine(), {
      inputs: { cache: "perhaps", "check-latest": "1" },
    });
    expect(conclusion).toBe("failure");
    expect(annotations).toHaveLength(1);
    expect(annotations[0]?.message).toMatch(/check-latest must be .*[\s\S]*cache must be /);
  });

  it.each([
    [{ "go-version": "one.two" }, /"one\.two" is no Go version[\s\S]*oldstable/],
    [{ "go-version": "1.19" }, /Go 1\.19 is older than 1\.24/],
    [{ "go-version": "", "go-version-file": "none" }, /The version file none does not exist/],
    [{ "working-directory": "../.." }, /outside of the workspace/],
    [
      { "go-version": "1.24.99", "go-download-base-url": "http://127.0.0.1:1" },
      /needs go-download-sha256/,
    ],
    [{ architecture: "z80" }, /"z80" is no architecture of Go[\s\S]*x64 \(amd64\)/],
    [{ gotoolchain: "newest" }, /gotoolchain must be local, auto/],
    [{ "cache-dependency-path": "nothing/*.sum" }, /nothing\/\*\.sum matches no file/],
  ] as [Record<string, string>, RegExp][])("names the remedy for %j", async (inputs, message) => {
    const { conclusion, annotations } = await mainOn(machine(), { inputs });
    expect(conclusion).toBe("failure");
    expect(annotations).toHaveLength(1);
    expect(annotations[0]?.message).toMatch(message);
  });

  const root = process.getuid?.() === 0 ? it : it.skip;
  root("goes on where the disk is full, and leaves nothing half there", async () => {
    await job("one");
    const on = machine();
    mkdirSync(on.gocache, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=300k", "tmpfs", on.gocache]);
    try {
      const { conclusion, outputs, log } = await mainOn(on);
      expect(conclusion).toBe("success");
      expect(outputs["build-hit"]).toBe("false");
      expect(log.join("\n")).toMatch(/build cache: miss \(unavailable: ENOSPC/);
      expect(filesBelow(on.gocache)).toEqual(["trim.txt"]);
    } finally {
      execFileSync("umount", [on.gocache]);
    }
  });
});
