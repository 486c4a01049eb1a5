// A whole job with the committed bundle of setup-go-cached on a machine of its own: main, what a build
// leaves, post.
import { createCipheriv, createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { runJob } from "@go-cicd/local/contract/job.ts";
import type { JobOptions } from "@go-cicd/local/contract/plan.ts";
import type { StepResult } from "@go-cicd/local/contract/step.ts";
import type { CacheScope } from "@go-cicd/local/services/scopes.ts";
import type { Services } from "@go-cicd/local/services/server.ts";
import { h1, modSum } from "../../actions/setup-go-cached/src/dirhash.ts";
import { fixtureAction } from "./fixture-action.ts";
import { requirePart } from "./real-parts.ts";

export const go = requirePart("go");
export const version =
  go === undefined
    ? ""
    : execFileSync(go, ["env", "GOVERSION"], {
        encoding: "utf8",
        env: { ...process.env, GOTOOLCHAIN: "local" },
      })
        .trim()
        .replace("go", "");

/** A module of one file, which is what go.sum says. */
const MODULE = "package errors\n";
const sha = (content: string | Uint8Array): string =>
  createHash("sha256").update(content).digest("hex");
const SUM = h1("github.com/pkg/errors@v0.9.1", new Map([["errors.go", sha(MODULE)]]));
const MOD = "module github.com/pkg/errors\n";
const FILES: Record<string, string> = {
  "go.mod": "module example.com/acme/orders\n\ngo 1.24\n",
  "go.sum": `github.com/pkg/errors v0.9.1 ${SUM}\ngithub.com/pkg/errors v0.9.1/go.mod ${modSum(sha(MOD))}\n`,
};

export const MAIN: CacheScope = { scope: "refs/heads/main", read: true, write: true };

export interface Machine {
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
export function machine(): Machine {
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

export interface Options extends Partial<JobOptions> {
  scopes?: CacheScope[];
  inputs?: Record<string, string>;
  /** What a build between main and post leaves; nothing by default. */
  seed?: string;
  /** More of the same, so many outputs. */
  extra?: number;
  /** Content of the module that it leaves. */
  module?: string;
  /** An action that runs between the set-up and the build. */
  between?: string;
  /** Sets up Go a second time, right after the first. */
  twice?: boolean;
}

/** A whole job on a machine: main, what a build leaves, post. */
export async function jobOn(services: Services, on: Machine, options: Options = {}) {
  const {
    scopes = [MAIN],
    inputs = {},
    seed,
    extra = 0,
    module,
    between,
    twice,
    ...rest
  } = options;
  const left = tempFolder();
  if (seed !== undefined) build(left, seed, { module });
  if (extra > 0) build(left, `more than ${seed ?? ""}`, { count: extra, module });
  const copy = `fs.cpSync(${JSON.stringify(left)}, ${JSON.stringify(on.home)}, { recursive: true });`;
  const { stages } = await runJob(
    {
      id: "ci",
      steps: [
        { id: "go", action: "setup-go-cached", with: { "go-version": version, ...inputs } },
        ...(twice === true ? [{ id: "again", action: "setup-go-cached" }] : []),
        ...(between === undefined ? [] : [{ id: "between", action: between }]),
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

/** What a build leaves: index entries with their outputs, and a module. */
function build(
  home: string,
  seed: string,
  { count = 200, module = MODULE }: { count?: number; module?: string | undefined },
): void {
  const [gocache, gomodcache] = [join(home, GOCACHE), join(home, GOMODCACHE)];
  for (let index = 0; index < count; index += 1) {
    const content = noise(`${seed} ${index}`, 4_000 + index);
    const output = createHash("sha256").update(content).digest("hex");
    const action = createHash("sha256").update(`${seed} action ${index}`).digest("hex");
    write(gocache, `${output.slice(0, 2)}/${output}-d`, content);
    const size = String(content.length).padStart(20);
    const time = String(Date.now() * 1e6).padStart(20);
    write(gocache, `${action.slice(0, 2)}/${action}-a`, `v1 ${action} ${output} ${size} ${time}\n`);
  }
  write(gomodcache, "github.com/pkg/errors@v0.9.1/errors.go", module);
  write(gomodcache, "cache/download/github.com/pkg/errors/@v/v0.9.1.mod", MOD);
  write(gomodcache, "cache/download/github.com/pkg/errors/@v/v0.9.1.zip", "a zip");
}

/** Bytes that do not compress, the same for the same seed. */
function noise(seed: string, size: number): Buffer {
  const cipher = createCipheriv("aes-128-ctr", sha(seed).slice(0, 16), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(size));
}

export function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** Sums of what is in a build cache; trim.txt holds a time. */
export function contents(gocache: string): Record<string, string> {
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

export const text = ({ log }: StepResult): string => log.join("\n");
