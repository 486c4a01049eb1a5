// The committed bundle of deploy-with-rollback on the runner's side: stages, signals, artifacts.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import {
  runAction,
  type ActionResult,
  type ActionRun,
} from "@go-cicd/local/contract/run-action.ts";
import { cacheScopes } from "@go-cicd/local/services/scopes.ts";
import { startServices } from "@go-cicd/local/services/server.ts";
import {
  serviceImage,
  type Conduct,
} from "../../actions/deploy-with-rollback/src/testing/service-image.ts";
import {
  ask,
  freePort,
  statusOf,
  stopTarget,
} from "../../actions/deploy-with-rollback/src/testing/target.ts";

// Real processes on a machine that may be busy.
jest.setTimeout(120_000);

let folder: string;
let target: string;
let port: number;

beforeEach(async () => {
  folder = tempFolder();
  target = join(folder, "with a space", "target");
  port = await freePort();
});
afterEach(() => {
  stopTarget(target);
});

async function deploy(
  conduct: Conduct,
  version: string,
  inputs: Record<string, string> = {},
  options: Partial<ActionRun> = {},
): Promise<ActionResult> {
  return runAction({
    action: "deploy-with-rollback",
    workspace: folder,
    temp: join(folder, "runner"),
    keepTemp: true,
    inputs: {
      target: `local:${target}`,
      image: await serviceImage(join(folder, `image-${conduct}-${version}`), conduct, version),
      port: String(port),
      "health-path": "/healthz",
      "health-interval": "50ms",
      "health-successes": "2",
      "wait-timeout": "20s",
      "stable-for": "100ms",
      "version-path": "/version",
      version,
      ...inputs,
    },
    ...options,
  });
}

const errors = ({ annotations }: ActionResult): string[] =>
  annotations.filter(({ level }) => level === "error").map(({ message }) => message);

describe("the bundle of deploy-with-rollback", () => {
  test("deploys, outlives its job, and goes back from a broken release", async () => {
    const good = await deploy("well", "v1");
    expect(good).toMatchObject({ conclusion: "success", survivors: [], annotations: [] });
    expect(good.post?.conclusion).toBe("success");
    expect(good.outputs).toMatchObject({
      result: "deployed",
      reason: "ok",
      "previous-release": "",
      url: `http://127.0.0.1:${port}`,
    });
    // The runner has ended what carried its mark by now.
    expect(await ask(port, "/version")).toMatchObject({ status: 200 });

    const bad = await deploy("sick", "v2", { "wait-timeout": "4s" });
    expect(bad).toMatchObject({ conclusion: "failure", result: "failure", survivors: [] });
    expect(bad.post?.conclusion).toBe("success");
    expect(bad.outputs).toMatchObject({
      result: "rolled-back",
      reason: "health-status",
      "previous-release": good.outputs["release"],
    });
    expect(errors(bad)).toHaveLength(1);
    expect(errors(bad)[0]).toContain("answered 500");
    expect(bad.summary).toContain("rolled-back");
    const answer = await ask(port, "/version");
    expect(JSON.parse(answer?.body ?? "")).toEqual({ version: "v1" });
    expect(statusOf(target)).toMatchObject({ journal: "-", lock: "-" });
  });

  test("hands the record on as an artifact that annotate-deploy finds", async () => {
    const services = await startServices({ folder: join(folder, "services") });
    try {
      const grant = {
        runId: "run",
        jobId: "job",
        scopes: cacheScopes({ eventName: "push", ref: "refs/heads/main", defaultBranch: "main" }),
      };
      const good = await deploy("well", "v1", {}, { services: services.environment(grant) });
      expect(good.conclusion).toBe("success");
      const created = services.requests.filter(({ path }) => path.endsWith("/FinalizeArtifact"));
      expect(created.map(({ status }) => status)).toContain(200);
    } finally {
      await services.close();
    }
  });

  test("a step that runs out of time is taken back, with the signals of the runner", async () => {
    const good = await deploy("well", "v1");
    const late = await deploy("mute", "v2", { "wait-timeout": "100s" }, { timeoutMs: 10_000 });
    expect(late).toMatchObject({ conclusion: "failure", timedOut: true, survivors: [] });
    expect(late.outputs).toMatchObject({ result: "rolled-back", reason: "cancelled" });
    expect(late.post?.conclusion).toBe("success");
    expect(statusOf(target)).toMatchObject({
      current: good.outputs["release"],
      journal: "-",
      lock: "-",
    });
    expect(await ask(port, "/version")).toMatchObject({ status: 200 });
  });

  test("values of the service's environment stay with the service", async () => {
    const canary = "canary-5d1f-not-to-be-seen";
    const bad = await deploy("sick", "v2", {
      env: `CANARY=${canary}`,
      "wait-timeout": "4s",
    });
    const { stdout, stderr, summary, outputs, state, annotations } = bad;
    // As written, before any mask: what is not printed needs no mask.
    expect(JSON.stringify([stdout, stderr, summary, outputs, state, annotations])).not.toContain(
      canary,
    );
    expect(stdout).toContain("the canary is ***");
    expect(readFileSync(outputs["record"] ?? "", "utf8")).not.toContain(canary);
  });

  test("a target that cannot be written is one message, and nothing half done", async () => {
    writeFileSync(join(folder, "file"), "");
    const bad = await deploy("well", "v1", { target: `local:${join(folder, "file", "x")}` });
    expect(bad.conclusion).toBe("failure");
    expect(errors(bad)).toHaveLength(1);
    expect(errors(bad)[0]).toMatch(/cannot be written.*\nGive a folder/s);
    expect(existsSync(target)).toBe(false);
  });
});
