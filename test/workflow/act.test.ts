import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { parse } from "yaml";
import { DOORS } from "@go-cicd/core/names.ts";
import { cacheScopes } from "../../packages/local/src/services/scopes.ts";
import { startServices, type Services } from "../../packages/local/src/services/server.ts";
import { runAct, type ActResult } from "../support/act.ts";
import { makeConsumer, offlineModules, type Consumer } from "../support/consumer.ts";
import { exportDoors } from "../support/export.ts";
import { freePort, startRegistry, type LocalRegistry } from "../support/local-registry.ts";
import { listen, type Listener } from "../support/listener.ts";
import { requirePart } from "../support/real-parts.ts";
import { pages, workflowSnippets } from "../support/snippets.ts";

// Real act in host mode, without a network: the doors come from a clean export, modules from files,
// caches and artifacts from our own services, since act's know neither protocol of today.
const root = join(import.meta.dirname, "../..");
const CHECKOUT = /actions\/checkout@([0-9a-f]{40})/;
const LABELS = ["ubuntu-24.04", "ubuntu-latest", "self-hosted"];
const MINUTES = 60_000;

const act = requirePart("act");
const go = requirePart("go");
const registryProgram = requirePart("docker-registry");
const maybe = act === undefined || go === undefined ? describe.skip : describe;
const withRegistry = registryProgram === undefined ? it.skip : it;

maybe("act", () => {
  let folder = "";
  let exported = "";
  let checkout = "";
  let consumer: Consumer;
  let modules: Record<string, string>;
  let services: Services | undefined;
  let registry: LocalRegistry | undefined;
  let runs = 0;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "act-"));
    exported = join(folder, "export");
    exportDoors(exported);
    checkout = join(folder, "checkout");
    mkdirSync(checkout);
    // act never runs it: it copies the repository in its place. Its metadata must be readable.
    writeFileSync(join(checkout, "action.yml"), "name: x\nruns: {using: composite, steps: []}\n");
    consumer = makeConsumer(join(folder, "orders"), { ".github/workflows/.keep": "" });
    modules = offlineModules(consumer.folder);
    services = await startServices({ folder: join(folder, "services") });
    if (registryProgram !== undefined) {
      registry = await startRegistry(registryProgram, join(folder, "registry"));
    }
  }, 5 * MINUTES);

  afterAll(async () => {
    await services?.close();
    await registry?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs a workflow text on main; each run has artifacts of its own. */
  async function start(
    text: string,
    options: {
      vars?: Record<string, string>;
      secrets?: Record<string, string>;
      /** Inputs of a manual start; a push without them. */
      dispatch?: Record<string, string>;
      /** Act as a user starts it, without caches and artifacts. */
      bare?: boolean;
    } = {},
  ): Promise<ActResult> {
    const run = String(++runs);
    const file = `.github/workflows/run-${run}.yml`;
    // Not committed: the run must not change what it is about.
    writeFileSync(join(consumer.folder, file), text);
    const sha = CHECKOUT.exec(text)?.[1];
    return runAct({
      act: act ?? "",
      repository: consumer.folder,
      workflow: file,
      eventName: options.dispatch === undefined ? "push" : "workflow_dispatch",
      event: {
        ref: "refs/heads/main",
        ...(options.dispatch === undefined
          ? { after: consumer.sha, deleted: false }
          : { inputs: options.dispatch }),
        repository: { full_name: "acme/orders", default_branch: "main" },
      },
      actions: {
        "org/go-cicd@v1": exported,
        ...(sha === undefined ? {} : { [`actions/checkout@${sha}`]: checkout }),
      },
      home: join(folder, "home", run),
      path: [
        dirname(process.execPath),
        ...(process.env["PATH"] ?? "").split(delimiter).filter((each) => each !== ""),
      ],
      labels: LABELS,
      inherited: modules,
      env: {
        GITHUB_REPOSITORY: "acme/orders",
        ...(options.bare === true ? {} : jobEnvironment(run)),
      },
      secrets: { GITHUB_TOKEN: "ghs_notreal", ...options.secrets },
      ...(options.vars === undefined ? {} : { vars: options.vars }),
    });
  }

  function jobEnvironment(run: string): Record<string, string> {
    const scopes = cacheScopes({
      eventName: "push",
      ref: "refs/heads/main",
      defaultBranch: "main",
    });
    return services?.environment({ runId: run, jobId: `${run}-job`, scopes }) ?? {};
  }

  it("the export holds the doors and their bundles, and nothing that only builders need", () => {
    for (const door of DOORS) {
      expect(existsSync(join(exported, door, "action.yml"))).toBe(true);
      expect(existsSync(join(exported, "dist", door, "index.js"))).toBe(true);
    }
    for (const name of ["dist/local", "packages", "actions", "test", "node_modules"]) {
      expect(existsSync(join(exported, name))).toBe(false);
    }
  });

  it(
    "the root action is a guard: it fails and names the five doors",
    async () => {
      const result = await start(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: org/go-cicd@v1\n",
      );
      expect(result.exitCode).toBe(1);
      expect(result.jobs).toEqual({ a: "failure" });
      const said = result.log.join("\n");
      for (const door of DOORS) expect(said).toContain(`org/go-cicd/${door}@v1`);
    },
    MINUTES,
  );

  it(
    "a green exit alone says nothing: act skips a job whose runner is not there",
    async () => {
      const text =
        "on: push\njobs:\n  a:\n    runs-on: no-such-label\n    steps:\n      - run: exit 1\n";
      const result = await start(text);
      expect(result.exitCode).toBe(0);
      expect(() => expectGreen(result, text)).toThrow();
    },
    MINUTES,
  );

  describe("examples/workflows/pipeline.yml", () => {
    const text = readFileSync(join(root, "examples/workflows/pipeline.yml"), "utf8");
    let target = "";
    let url = "";
    let first: ActResult;
    let vars: Record<string, string>;

    beforeAll(async () => {
      target = join(folder, "srv");
      const port = String(await freePort());
      url = `http://127.0.0.1:${port}`;
      vars = { REGISTRY: registry?.host ?? "", DEPLOY_DIR: target, DEPLOY_PORT: port };
    });
    afterAll(() => stopService(target));

    withRegistry(
      "goes the whole way: tests, image, a release that serves, its record, the report",
      async () => {
        first = await start(text, { vars });
        expectGreen(first, text);
        expect(first.outputs["test/test"]?.["verdict"]).toBe("pass");
        const image = first.outputs["image/image"]?.["image"] ?? "";
        expect(image.startsWith(`${registry?.host ?? ""}/acme/orders@sha256:`)).toBe(true);
        expect(first.outputs["deploy/deploy"]).toMatchObject({ result: "deployed", reason: "ok" });
        expect(await (await fetch(`${url}/version`)).text()).toContain("1.0.0");
      },
      10 * MINUTES,
    );

    withRegistry(
      // act gives each job a folder with another name: for Go that is another place, of which only
      // modules and the standard library are taken over.
      "a second run finds the caches of the first, makes the same image and deploys nothing twice",
      async () => {
        const second = await start(text, { vars });
        expectGreen(second, text);
        const setups = stepsNamed(second, "setup-go-cached", "Main").map(({ job }) => job);
        expect(setups).toEqual(["test", "image"]);
        // The jobs of one run share a home, so the first one shows what came from the service.
        expect(setupsOf(first)[0]).toMatchObject({ "modules-hit": "false", "restored-bytes": "0" });
        expect(setupsOf(second)[0]).toMatchObject({ "modules-hit": "true" });
        expect(Number(setupsOf(second)[0]?.["restored-bytes"])).toBeGreaterThan(10_000_000);
        expect(second.outputs["image/image"]?.["digest"]).toBe(
          first.outputs["image/image"]?.["digest"],
        );
        expect(second.outputs["deploy/deploy"]?.["result"]).toBe("unchanged");
      },
      10 * MINUTES,
    );
  });

  it(
    "examples/workflows/test.yml: a matrix from the plan, one leg per shard, one verdict",
    async () => {
      const text = readFileSync(join(root, "examples/workflows/test.yml"), "utf8");
      const result = await start(oneAtATime(text));
      const legs = Object.keys(result.jobs).filter((job) => job.startsWith("run"));
      expect(legs).toHaveLength(2);
      expectGreen(result, text, { run: legs });
      const report = Object.entries(result.outputs).find(([key]) => key.startsWith("report/"));
      expect(report?.[1]).toMatchObject({ verdict: "pass", failed: "0" });
    },
    10 * MINUTES,
  );

  withRegistry(
    "examples/workflows/image.yml: an image for two platforms in the registry",
    async () => {
      const text = readFileSync(join(root, "examples/workflows/image.yml"), "utf8");
      const host = registry?.host ?? "";
      const result = await start(text, { vars: { REGISTRY: host } });
      expectGreen(result, text);
      const { digest = "", digests = "{}" } = result.outputs["image/image"] ?? {};
      expect(Object.keys(JSON.parse(digests) as object)).toEqual(["linux/amd64", "linux/arm64"]);
      const pulled = await fetch(`http://${host}/v2/acme/orders/manifests/${digest}`, {
        headers: { accept: "application/vnd.oci.image.index.v1+json" },
      });
      expect(pulled.status).toBe(200);
    },
    10 * MINUTES,
  );

  it(
    "templates/go-cicd.yml, as GitHub writes it into a repository",
    async () => {
      const text = readFileSync(join(root, "templates/go-cicd.yml"), "utf8")
        .replaceAll("$default-branch", "main")
        // Without a network there is no ghcr.io: the image is built as for a pull request.
        .replace("password: ${{ github.token }}", 'push: "false"');
      const result = await start(text);
      expectGreen(result, text);
    },
    10 * MINUTES,
  );

  it(
    "without any service, as act is started by hand: tests in one job, with a warning at most",
    async () => {
      const text = snippet("go-matrix-test/README.md");
      const result = await start(text, { bare: true });
      expectGreen(result, text);
      expect(Object.values(result.outputs).find((values) => "verdict" in values)).toMatchObject({
        verdict: "pass",
      });
    },
    10 * MINUTES,
  );

  describe("the workflows that stand in the pages", () => {
    const snippets = workflowSnippets(root, pages(root));
    let sink: Listener;
    let image = "";
    beforeAll(async () => {
      sink = await listen(() => ({ status: 200 }));
    });
    afterAll(() => sink.close());

    it("each door's page has one", () => {
      for (const door of DOORS) expect(snippet(`${door}/README.md`)).toContain(`/${door}@v1`);
    });

    // The page of build-image first: the others deploy what it pushed.
    const ordered = [...snippets].sort(
      (a, b) =>
        Number(b.place.startsWith("build-image")) - Number(a.place.startsWith("build-image")),
    );
    withRegistry.each(ordered.map(({ place, text }) => [place, text]))(
      "%s",
      async (_, page) => {
        const target = join(folder, `srv-${runs}`);
        const host = registry?.host ?? "";
        const port = String(await freePort());
        // What is particular to GitHub and to the user's machine gets the names of this one.
        const text = page
          .replaceAll(
            /^(\s+)password: (.*github\.token.*)$/gm,
            `$1registry: ${host}\n$1password: $2`,
          )
          .replaceAll("local:/srv/orders", `local:${target}`)
          .replaceAll('"8080"', `"${port}"`);
        try {
          const result = await start(text, {
            vars: { PUSHGATEWAY_URL: sink.origin },
            secrets: { DEPLOY_WEBHOOK: `${sink.origin}/hook` },
            ...(page.includes("workflow_dispatch:") ? { dispatch: { image } } : {}),
          });
          expectGreen(result, text);
          image ||= imageOf(result);
          if (text.includes("deploy-with-rollback@")) {
            expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
          }
        } finally {
          stopService(target);
        }
      },
      10 * MINUTES,
    );

    function imageOf(result: ActResult): string {
      return Object.values(result.outputs).find((values) => "imageid" in values)?.["image"] ?? "";
    }
  });

  function snippet(page: string): string {
    const found = workflowSnippets(root, [page])[0];
    if (found === undefined) throw new Error(`${page} shows no workflow`);
    return found.text;
  }

  /** Stops what a pipeline deployed. */
  function stopService(target: string): void {
    const agent = join(target, ".deploy/agent.sh");
    if (existsSync(agent)) execFileSync("sh", [agent, "stop", target], { stdio: "ignore" });
  }
});

/** Outputs of the set-up steps, in order. */
function setupsOf(result: ActResult): Record<string, string>[] {
  return Object.values(result.outputs).filter((values) => "modules-hit" in values);
}

/** Stages of steps whose `uses:` names the door. */
function stepsNamed(result: ActResult, door: string, stage: string): ActResult["steps"] {
  return result.steps.filter(
    (step) => step.name === `org/go-cicd/${door}@v1` && step.stage === stage,
  );
}

/**
 * Every job of the workflow ran, with every step of it, and succeeded: act's exit code is 0 for a
 * job that it left out. `legs` are the names of a matrix job's runs.
 */
function expectGreen(
  result: ActResult,
  text: string,
  legs: Readonly<Record<string, readonly string[]>> = {},
): void {
  const failed = result.steps.filter((step) => step.result !== "success");
  const why = failed.length > 0 || result.exitCode !== 0 ? result.log.slice(-80).join("\n") : "";
  expect({ failed, why }).toEqual({ failed: [], why: "" });
  const { jobs } = parse(text) as { jobs: Record<string, { steps: unknown[] }> };
  const wanted = Object.fromEntries(
    Object.entries(jobs).flatMap(([job, { steps }]) =>
      (legs[job] ?? [job]).map((name) => [name, { result: "success", steps: steps.length }]),
    ),
  );
  const ran = Object.fromEntries(
    Object.entries(result.jobs).map(([job, state]) => {
      const mains = result.steps.filter((step) => step.job === job && step.stage === "Main");
      return [job, { result: state, steps: mains.length }];
    }),
  );
  expect(ran).toEqual(wanted);
  expect(result.exitCode).toBe(0);
}

/** act 0.2.89 dies of "concurrent map read and map write" on parallel legs (nektos/act#6055). */
function oneAtATime(text: string): string {
  return text.replace(/^(\s+)fail-fast: false$/m, "$1fail-fast: false\n$1max-parallel: 1");
}
