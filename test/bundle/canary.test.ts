// Secrets given to the doors appear nowhere but where they are needed: not in a log, summary,
// output, state, file, artifact or cache entry, nor in the argv or environment of a child.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import type { JobResult } from "@go-cicd/local/contract/job-result.ts";
import { runJob } from "@go-cicd/local/contract/job.ts";
import type { StepPlan } from "@go-cicd/local/contract/plan.ts";
import { cacheScopes } from "@go-cicd/local/services/scopes.ts";
import { startServices, type Services } from "@go-cicd/local/services/server.ts";
import {
  canary,
  ProgramRecorder,
  searchTree,
  sightings,
  watchProcesses,
  type Canary,
  type SeenProcess,
  type Sighting,
} from "../support/canary.ts";
import { makeSmallConsumer, offlineModules } from "../support/consumer.ts";
import { freePort, startRegistry, type LocalRegistry } from "../support/local-registry.ts";
import { listen, type Heard, type Listener } from "../support/listener.ts";
import { requirePart } from "../support/real-parts.ts";

const root = join(import.meta.dirname, "../..");
const go = requirePart("go");
const registryProgram = requirePart("docker-registry");
const maybe = go === undefined || registryProgram === undefined ? describe.skip : describe;
const MINUTES = 60_000;
const PLATFORM = `linux/${process.arch === "arm64" ? "arm64" : "amd64"}`;

/** A program that tells its whole environment and dies. */
const LEAKY = `package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	fmt.Println(strings.Join(os.Environ(), "\\n"))
	fmt.Fprintln(os.Stderr, "token is", os.Getenv("SERVICE_TOKEN"))
	os.Exit(1)
}
`;

const DOOR =
  /\/(?:setup-go-cached|go-matrix-test|build-image|deploy-with-rollback|annotate-deploy)\/index\.js$/;

const SAVERS =
  /(\/tar --posix -cf cache\.t\S+ |^\/bin\/sh -c zstdmt$|\/zstdmt$|\/gzip$|\/zstd --quiet --version$)/;

maybe("a secret that a door was given", () => {
  const secrets = {
    github: canary("GITHUB_TOKEN"),
    registry: canary("password of the registry"),
    service: canary("SERVICE_TOKEN"),
    gateway: canary("pushgateway-password"),
    hook: canary("webhook-url"),
    key: canary("webhook-secret"),
  };
  const all: Canary[] = Object.values(secrets);
  const folder = tempFolder("canary-");
  const workspace = join(folder, "work/orders/orders");
  const temp = join(folder, "temp");
  const target = join(folder, "srv");
  let services: Services;
  let registry: LocalRegistry;
  let guarded: Listener;
  let sinks: Listener;
  let echo: Listener;
  let recorder: ProgramRecorder;
  let found: Sighting[] = [];
  let good: JobResult;
  let bad: JobResult;
  const programs = new Set<string>();

  beforeAll(async () => {
    const consumer = makeSmallConsumer(workspace, { "cmd/leaky/main.go": LEAKY });
    const modules = offlineModules(workspace);
    services = await startServices({ folder: join(folder, "services") });
    registry = await startRegistry(registryProgram ?? "", join(folder, "registry"));
    const allowed = `Basic ${Buffer.from(`octocat:${secrets.registry.value}`).toString("base64")}`;
    guarded = await listen(({ headers }) =>
      headers.authorization === allowed
        ? `http://${registry.host}`
        : { status: 401, headers: { "www-authenticate": 'Basic realm="registry"' } },
    );
    sinks = await listen(() => ({ status: 200 }));
    // A server that throws back all it was told.
    echo = await listen((heard) => ({
      status: 403,
      headers: { "content-type": "text/plain", "x-echo": heard.path },
      body: JSON.stringify(heard),
    }));
    recorder = new ProgramRecorder(join(folder, "recorder"), realPrograms());

    const runtime = services.environment({
      runId: "7",
      jobId: "7-job",
      scopes: cacheScopes({ eventName: "push", ref: "refs/heads/main", defaultBranch: "main" }),
    });
    all.push(canary("ACTIONS_RUNTIME_TOKEN", runtime["ACTIONS_RUNTIME_TOKEN"]));
    const watch = watchProcesses(all, mayHold);
    const run = (steps: StepPlan[], id: string): Promise<JobResult> =>
      runJob(
        { id, steps, env: { GITHUB_TOKEN: secrets.github.value } },
        {
          workspace,
          temp: join(temp, id),
          keepTemp: true,
          toolCache: join(folder, "tools"),
          services: runtime,
          github: {
            run_id: "7",
            sha: consumer.sha,
            event: { repository: { full_name: "acme/orders", default_branch: "main" } },
          },
          inherited: {
            ...modules,
            PATH: [recorder.folder, process.env["PATH"]].join(delimiter),
            HOME: join(folder, "home"),
            LANG: "C.UTF-8",
          },
        },
      );
    try {
      good = await run(goodSteps(await freePort()), "good");
      bad = await run(badSteps(await freePort()), "bad");
    } finally {
      watch.stop();
    }
    for (const name of watch.programs) programs.add(name);
    found = [
      ...watch.sightings,
      ...recorder.sightings(all, (args, name) => mayHold({ args }, name)),
    ];
  }, 10 * MINUTES);

  afterAll(async () => {
    const agent = join(target, ".deploy/agent.sh");
    if (existsSync(agent)) execFileSync("sh", [agent, "stop", target], { stdio: "ignore" });
    for (const each of [services, guarded, sinks, echo, registry]) await each.close();
  });

  /** The doors themselves hold what they were given; the service holds what is meant for it. */
  function mayHold({ args }: Pick<SeenProcess, "args">, name: string): boolean {
    const [program = "", script = ""] = args;
    if (/node$/.test(program) && DOOR.test(script)) return true;
    // @actions/cache starts tar and zstd with the whole environment of the step, which has its own token.
    if (name === "ACTIONS_RUNTIME_TOKEN") return SAVERS.test(args.join(" "));
    return name === "SERVICE_TOKEN" && program.startsWith(join(target, "releases"));
  }

  function goodSteps(port: number): StepPlan[] {
    return [
      step("setup", "setup-go-cached"),
      step("test", "go-matrix-test"),
      image({ main: "./cmd/orders", registry: guarded.host, password: secrets.registry.value }),
      step("layout", "build-image", { main: "./cmd/orders", push: "false", platforms: PLATFORM }),
      deploy(port, "${{ steps.layout.outputs.image }}"),
      annotate(sinks.origin),
      { ...step("report", "annotate-deploy", { mode: "report" }), if: "always()" },
    ];
  }

  function badSteps(port: number): StepPlan[] {
    const leaky = step("layout", "build-image", {
      main: "./cmd/leaky",
      push: "false",
      platforms: PLATFORM,
    });
    return [
      step("setup", "setup-go-cached"),
      {
        ...image({ main: "./cmd/leaky", registry: echo.host, password: secrets.registry.value }),
        continueOnError: true,
      },
      leaky,
      { ...deploy(port, "${{ steps.layout.outputs.image }}"), continueOnError: true },
      { ...annotate(echo.origin), continueOnError: true },
      { ...step("report", "annotate-deploy", { mode: "report" }), if: "always()" },
    ];
  }

  function image(inputs: Record<string, string>): StepPlan {
    return step("image", "build-image", {
      username: "octocat",
      push: "true",
      platforms: PLATFORM,
      ...inputs,
    });
  }

  function deploy(port: number, reference: string): StepPlan {
    return step("deploy", "deploy-with-rollback", {
      target: `local:${target}`,
      image: reference,
      port: String(port),
      "health-path": "/healthz",
      "stable-for": "1s",
      "wait-timeout": "10s",
      env: `HOST=127.0.0.1\nPORT=${port}\nSERVICE_TOKEN=${secrets.service.value}`,
    });
  }

  function annotate(origin: string): StepPlan {
    return step("annotate", "annotate-deploy", {
      mode: "finish",
      record: "${{ steps.deploy.outputs.record }}",
      "pushgateway-url": origin,
      "pushgateway-username": "octocat",
      "pushgateway-password": secrets.gateway.value,
      "webhook-url": `${origin}/hooks/${secrets.hook.value}`,
      "webhook-secret": secrets.key.value,
      "sink-timeout": "3s",
    });
  }

  it("the doors did what they were asked, with and without success", () => {
    expect(outcomes(good)).toEqual({
      setup: "success",
      test: "success",
      image: "success",
      layout: "success",
      deploy: "success",
      annotate: "success",
      report: "success",
    });
    expect(outcomes(bad)).toMatchObject({
      setup: "success",
      image: "failure",
      layout: "success",
      deploy: "failure",
      annotate: "failure",
    });
  });

  it("is used where it is needed", () => {
    const said = (heard: readonly Heard[]): string => JSON.stringify(heard);
    expect(guarded.heard.some(({ headers }) => headers.authorization !== undefined)).toBe(true);
    for (const [name, { value }] of Object.entries(secrets)) {
      const basic = Buffer.from(`octocat:${value}`).toString("base64");
      if (name === "gateway") expect(said(sinks.heard)).toContain(basic);
      if (name === "hook") expect(said(sinks.heard)).toContain(value);
    }
    expect(sinks.heard.some(({ headers }) => "x-go-cicd-signature-256" in headers)).toBe(true);
    expect(said(echo.heard)).toContain(secrets.hook.value);
  });

  it("is in no argv, and in no environment of a child that does not need it", () => {
    expect(recorder.programs()).toEqual(expect.arrayContaining(["go", "git", "tar"]));
    expect(programs).toContain("orders");
    expect(found).toEqual([]);
  });

  it.each(["stdout", "stderr"] as const)(
    "is in no line of %s but the one that masks it",
    (name) => {
      for (const { of, result } of stages()) {
        const said = result[name].replace(/^::add-mask::.*$/gm, "");
        expect(sightings(Buffer.from(said), all, `${name} of ${of.step} ${of.stage}`)).toEqual([]);
      }
    },
  );

  it("is in no summary, output, state, variable or annotation, and needs no mask there", () => {
    for (const { of, result } of stages()) {
      const { outputs, state, env, path, summary, annotations } = result;
      const left = JSON.stringify({ outputs, state, env, path, summary, annotations });
      expect(sightings(Buffer.from(left), all, `${of.step} ${of.stage}`)).toEqual([]);
      // The runner's mask is the last net; nothing should have had to fall into it.
      if (of.step !== "deploy") expect(`${of.step}: ${summary}`).not.toContain("***");
    }
  });

  it("is in no file of the job, no cache entry, no artifact and no image", () => {
    for (const each of [temp, workspace, join(folder, "services"), join(folder, "registry")]) {
      expect(searchTree(each, all)).toEqual([]);
    }
    for (const each of ["home", "tools"].map((name) => join(folder, name))) {
      if (existsSync(each)) expect(searchTree(each, all)).toEqual([]);
    }
  });

  it("rests on the host in one file of each release, for its owner alone", () => {
    const seen = searchTree(target, all);
    const files = seen.map(({ where }) => where.slice(target.length));
    expect(seen.map(({ canary: name }) => name)).toEqual(seen.map(() => "SERVICE_TOKEN"));
    for (const file of files) {
      // The service's own output is kept on its host as it came.
      expect(file).toMatch(/^\/((releases\/[^/]+|current)\/env|\.deploy\/logs\/.+)$/);
      const mode = execFileSync("stat", ["-c", "%a", join(target, file)], { encoding: "utf8" });
      expect(`${file} ${mode.trim()}`).toBe(`${file} 600`);
    }
    expect(files.length).toBeGreaterThan(0);
  });

  function* stages(): Generator<JobResult["stages"][number]> {
    yield* good.stages;
    yield* bad.stages;
  }
});

describe("the search bites", () => {
  const secret = canary("planted");

  it.each([
    ["a file", (folder: string) => writeFileSync(join(folder, "a"), `x${secret.value}y`)],
    ["a file's name", (folder: string) => writeFileSync(join(folder, secret.value), "")],
    [
      "base64 at any shift",
      (folder: string) =>
        writeFileSync(
          join(folder, "a"),
          ["", "u", "us:"].map((head) => Buffer.from(head + secret.value).toString("base64"))[
            secret.value.length % 3
          ] ?? "",
        ),
    ],
    ["gzip", (folder: string) => writeFileSync(join(folder, "a"), gzipSync(secret.value))],
    ["zstd", (folder: string) => writeFileSync(join(folder, "a"), zstdCompressSync(secret.value))],
    [
      "zip",
      (folder: string) => {
        writeFileSync(join(folder, "in"), `${"filler ".repeat(99)}${secret.value}`);
        execFileSync("python3", ["-m", "zipfile", "-c", "a.zip", "in"], { cwd: folder });
        execFileSync("rm", ["in"], { cwd: folder });
      },
    ],
  ])("it finds a secret in %s", (_, plant) => {
    const folder = tempFolder();
    mkdirSync(join(folder, "deep"));
    plant(join(folder, "deep"));
    expect(readdirSync(join(folder, "deep"))).toHaveLength(1);
    expect(searchTree(folder, [secret]).map(({ canary: name }) => name)).toContain("planted");
  });

  it("it finds one in the argv and in the environment of a process, and through a stand-in", async () => {
    const recorder = new ProgramRecorder(tempFolder(), { true: "/bin/true" });
    execFileSync(join(recorder.folder, "true"), [secret.value], { env: {} });
    expect(recorder.sightings([secret])).toHaveLength(1);
    const watch = watchProcesses([secret], () => false);
    const children = [
      spawn("sleep", ["60"], { env: { A: secret.value, PATH: process.env["PATH"] } }),
      spawn("sh", ["-c", "read line", secret.value]),
    ];
    try {
      await eventually(() => {
        const places = watch.sightings.map(({ where }) => where.split(" ")[0]);
        return places.includes("argv") && places.includes("environment");
      });
    } finally {
      watch.stop();
      for (const child of children) child.kill("SIGKILL");
    }
  });
});

async function eventually(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500; turn++) {
    if (holds()) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error("it never came");
}

function step(id: string, door: string, inputs: Record<string, string> = {}): StepPlan {
  return { id, action: join(root, door), with: inputs };
}

function outcomes(job: JobResult): Record<string, string> {
  return Object.fromEntries(Object.entries(job.steps).map(([id, { outcome }]) => [id, outcome]));
}

/** The programs that doors start, where this machine has them. */
function realPrograms(): Record<string, string> {
  const names = ["go", "git", "tar", "zstd", "zstdmt", "unzstd", "gzip", "sh", "sha256sum"];
  const found = names.map((name) => [name, requirePartQuietly(name)] as const);
  return Object.fromEntries(found.filter(([, path]) => path !== undefined)) as Record<
    string,
    string
  >;
}

function requirePartQuietly(name: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}
