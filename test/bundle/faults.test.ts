// What goes wrong around the doors: services that hang, refuse or alter bytes, and a full disk. The
// faults of caches are met by setup-go-cached's own tests.
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { systemClock } from "@go-cicd/core/adapters/clock.ts";
import { httpClient } from "@go-cicd/core/adapters/http.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import {
  runAction,
  type ActionResult,
  type ActionRun,
} from "@go-cicd/local/contract/run-action.ts";
import { cacheScopes } from "@go-cicd/local/services/scopes.ts";
import { startServices, type Services } from "@go-cicd/local/services/server.ts";
import { LayoutWriter, openLayout } from "@go-cicd/oci/layout.ts";
import { pushImage } from "@go-cicd/oci/push.ts";
import { parseImageLocation } from "@go-cicd/oci/reference.ts";
import { Repository } from "@go-cicd/oci/registry.ts";
import { testRegistry } from "@go-cicd/oci/testing/registry.ts";
import { sampleRecord } from "../../actions/annotate-deploy/src/fixtures/sample-record.ts";
import {
  programImage,
  serviceImage,
} from "../../actions/deploy-with-rollback/src/testing/service-image.ts";
import {
  ask,
  freePort,
  statusOf,
  stopTarget,
} from "../../actions/deploy-with-rollback/src/testing/target.ts";
import { requirePart } from "../support/real-parts.ts";

// A registry that hangs is asked four times, half a minute each.
jest.setTimeout(400_000);

const go = requirePart("go");
const withGo = go === undefined ? test.skip : test;
// A small disk of one's own takes root: elsewhere this is seen to be left out.
const root = process.getuid?.() === 0;
const asRoot = root ? test : test.skip;
const asRootWithGo = root ? withGo : test.skip;

let folder: string;
let target: string;
let port: number;
const open: (() => void | Promise<void>)[] = [];

beforeEach(async () => {
  folder = tempFolder("faults-");
  target = join(folder, "target");
  port = await freePort();
});
afterEach(async () => {
  stopTarget(target);
  for (const close of open.splice(0).reverse()) await close();
});

type Inputs = Record<string, string>;
type Job = Partial<ActionRun>;

async function services(): Promise<{ all: Services; job: (id: string) => Job }> {
  const all = await startServices({ folder: tempFolder() });
  open.push(() => all.close());
  const scopes = cacheScopes({ eventName: "push", ref: "refs/heads/main", defaultBranch: "main" });
  return {
    all,
    job: (jobId) => ({ services: all.environment({ runId: "1", jobId, scopes }) }),
  };
}

function door(action: string, inputs: Inputs, job: Job = {}): Promise<ActionResult> {
  return runAction({
    action,
    inputs,
    workspace: job.workspace ?? workspace(),
    temp: tempFolder(),
    keepTemp: true,
    event: { repository: { default_branch: "main" } },
    ...job,
    env: {
      GOCACHE:
        go === undefined ? "" : execFileSync(go, ["env", "GOCACHE"], { encoding: "utf8" }).trim(),
      GOTOOLCHAIN: "local",
      GOFLAGS: "-buildvcs=false",
      ...job.env,
    },
  });
}

/** A module with a program and a test. */
function workspace(): string {
  const made = tempFolder();
  const files = {
    "go.mod": "module example.com/acme/hello\n\ngo 1.24\n",
    "main.go": 'package main\n\nfunc main() { println("hello") }\n',
    "main_test.go": 'package main\n\nimport "testing"\n\nfunc TestMain1(t *testing.T) {}\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(made, name), text);
  return made;
}

const PLATFORM = `linux/${process.arch === "arm64" ? "arm64" : "amd64"}`;
const imageDoor = (inputs: Inputs, job?: Job): Promise<ActionResult> =>
  door("build-image", { platforms: PLATFORM, ...inputs }, job);
const testDoor = (inputs: Inputs, job?: Job): Promise<ActionResult> =>
  door("go-matrix-test", { checks: "none", ...inputs }, job);
const deployDoor = (image: string, inputs: Inputs = {}, job?: Job): Promise<ActionResult> =>
  door(
    "deploy-with-rollback",
    {
      ...{ target: `local:${target}`, image, port: String(port), "health-path": "/healthz" },
      ...{ "health-interval": "50ms", "health-successes": "1", "wait-timeout": "30s" },
      ...{ "stable-for": "100ms", "stop-timeout": "2s" },
      ...inputs,
    },
    job,
  );

function recordFile(): string {
  const path = join(folder, "record.json");
  const now = Date.now();
  writeFileSync(path, JSON.stringify(sampleRecord({ started: now - 3_000, finished: now })));
  return path;
}

const text = ({ log }: ActionResult): string => log.join("\n");
const errors = ({ annotations }: ActionResult): string[] =>
  annotations.filter(({ level }) => level === "error").map(({ message }) => message);

describe("a service that hangs", () => {
  withGo("does not hold the doors: what is theirs to do is done, and they say so", async () => {
    const { all, job } = await services();
    all.fault({ path: /ArtifactService/, misbehaviour: { kind: "hang" } });
    const [tests, image, deploy, report] = await Promise.all([
      testDoor({}, job("test")),
      imageDoor({ push: "false" }, job("image")),
      deployDoor(await serviceImage(join(folder, "image"), "well", "1"), {}, job("deploy")),
      door("annotate-deploy", { mode: "report", "report-folder": "out" }, job("report")),
    ]);
    for (const result of [tests, image, deploy, report]) {
      expect(result).toMatchObject({ conclusion: "success", result: "success", survivors: [] });
      expect(text(result)).toContain("the artifact service did not answer within 60 s");
    }
    expect(tests.outputs["verdict"]).toBe("pass");
    expect(image.outputs["image"]).toMatch(/^oci-layout:/);
    expect(deploy.outputs["result"]).toBe("deployed");
    expect(report.outputs["verdict"]).toBe("incomplete");
  });

  withGo("as registry or sink: red with its name, and nothing half done", async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    open.push(
      () => server.closeAllConnections(),
      () => void server.close(),
    );
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const digest = `sha256:${"0".repeat(64)}`;
    const [image, deploy, sink] = await Promise.all([
      imageDoor({ registry: host, push: "true", tags: "v1" }),
      deployDoor(`${host}/acme/orders@${digest}`),
      door("annotate-deploy", {
        record: recordFile(),
        "webhook-url": `http://${host}/hook`,
        "sink-timeout": "1s",
      }),
    ]);
    for (const result of [image, deploy, sink]) {
      expect(result.conclusion).toBe("failure");
      expect(errors(result)).toHaveLength(1);
    }
    expect(errors(image)[0]).toMatch(/nothing came in \d+ ms/);
    expect(errors(deploy)[0]).toMatch(/nothing came in \d+ ms/);
    expect(errors(sink)[0]).toMatch(/webhook: no final answer within 1000 ms/);
    expect(statusOf(target)).toMatchObject({ current: "", journal: "-", lock: "-" });
  });
});

describe("a token that may only read", () => {
  const READ_ONLY = {
    path: /CreateArtifact$/,
    misbehaviour: { kind: "status", status: 403, body: '{"msg":"read-only"}' },
  } as const;

  withGo("costs a door its artifacts, never its work", async () => {
    const { all, job } = await services();
    all.fault(READ_ONLY);
    const [tests, image, deploy, report] = await Promise.all([
      testDoor({}, job("test")),
      imageDoor({ push: "false" }, job("image")),
      deployDoor(await serviceImage(join(folder, "image"), "well", "1"), {}, job("deploy")),
      door("annotate-deploy", { mode: "report", "report-folder": "out" }, job("report")),
    ]);
    for (const result of [tests, image, deploy, report]) {
      expect(result).toMatchObject({ conclusion: "success", result: "success" });
      expect(errors(result)).toEqual([]);
    }
    expect(text(tests)).toMatch(/The report stays in .*403/);
    expect(text(image)).toMatch(/image report stays on this machine.*403/);
    expect(text(deploy)).toMatch(/release record stays on this machine.*403/);
    expect(text(report)).toMatch(/report was not kept as artifact.*403/);
  });

  withGo("leaves a report that needs the results of other jobs red", async () => {
    const { all, job } = await services();
    const plan = await testDoor({ mode: "plan" }, job("plan"));
    const given = { plan: plan.outputs["plan"] ?? "" };
    all.fault(READ_ONLY);
    const shard = await testDoor({ mode: "run", ...given }, job("run"));
    expect(shard.conclusion).toBe("success");
    expect(text(shard)).toContain("will miss this shard and be red");
    const report = await testDoor({ mode: "report", ...given }, job("report"));
    expect(report.conclusion).toBe("failure");
    expect(report.outputs["verdict"]).toBe("incomplete");
  });
});

describe("bytes that were altered on their way", () => {
  withGo("are no plan and no result of tests", async () => {
    const { all, job } = await services();
    const plan = await testDoor({ mode: "plan" }, job("plan"));
    const given = { plan: plan.outputs["plan"] ?? "" };
    const shard = await testDoor({ mode: "run", ...given }, job("run"));
    expect(shard.conclusion).toBe("success");
    const fault = { method: "GET", misbehaviour: { kind: "alter", at: 40 } } as const;
    const end = all.fault(fault);
    const noPlan = await testDoor({ mode: "report", ...given }, job("report-1"));
    expect(noPlan.conclusion).toBe("failure");
    expect(errors(noPlan)[0]).toMatch(/is not what its hash says|cannot be fetched/);
    end();
    // The plan comes whole, the results do not.
    all.fault({ ...fault, after: 1 });
    const noResults = await testDoor({ mode: "report", ...given }, job("report-2"));
    expect(noResults.conclusion).toBe("failure");
    expect(noResults.outputs["verdict"]).toBe("incomplete");
    expect(errors(noResults).join("\n")).toContain("has no results");
  });

  test("are no release record", async () => {
    const { all, job } = await services();
    const image = await serviceImage(join(folder, "image"), "well", "1");
    expect(await deployDoor(image, {}, job("deploy"))).toMatchObject({ conclusion: "success" });
    const whole = await door("annotate-deploy", {}, job("annotate-1"));
    expect(whole.conclusion).toBe("success");
    all.fault({ method: "GET", misbehaviour: { kind: "alter", at: 40 } });
    const altered = await door("annotate-deploy", {}, job("annotate-2"));
    expect(altered.conclusion).toBe("failure");
    expect(errors(altered)[0]).toMatch(/Artifact go-cicd-release-\S+ could not be taken/);
  });

  test.each(["config", "layer", "index"] as const)(
    "are no image: a registry that alters the %s deploys nothing",
    async (what) => {
      const image = await serviceImage(join(folder, "image"), "well", "1");
      let altering = false;
      await using registry = await testRegistry({
        fault: ({ method, path }, response) => {
          const wanted = registry.blobs.get(path.split("/").at(-1) ?? "");
          if (!altering || method !== "GET" || wanted === undefined) return false;
          const kind =
            wanted[0] === 0x1f ? "layer" : wanted.includes('"rootfs"') ? "config" : "index";
          if (kind !== what) return false;
          const bytes = Buffer.from(wanted);
          bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 1;
          response.writeHead(200, { "content-length": String(bytes.length) }).end(bytes);
          return true;
        },
      });
      const digest = await push(image, registry.host);
      const reference = `${registry.host}/acme/orders@${digest}`;
      altering = true;
      const refused = await deployDoor(reference);
      expect(refused.conclusion).toBe("failure");
      expect(errors(refused)[0]).toMatch(/has digest sha256:\w+ instead of/);
      expect(statusOf(target)).toMatchObject({ current: "", journal: "-", lock: "-" });
      altering = false;
      expect(await deployDoor(reference)).toMatchObject({ conclusion: "success" });
    },
  );
});

describe("a disk that is full", () => {
  /** A disk of `size` that is gone at the end. */
  function disk(size: string): string {
    const mounted = tempFolder();
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", mounted]);
    open.push(() => void execFileSync("umount", ["-l", mounted]));
    return mounted;
  }

  function fill(mounted: string): void {
    for (const size of [65_536, 4_096, 1]) {
      try {
        for (;;) appendFileSync(join(mounted, "filler"), Buffer.alloc(size));
      } catch {
        // Full for a piece of this size.
      }
    }
  }

  /** A job whose steps cannot write down anything for each other. */
  function fullJobFolder(): Job {
    const full = disk("1m");
    fill(full);
    const temp = tempFolder();
    const folder = join(temp, "go-cicd");
    return {
      temp,
      // RUNNER_TEMP is emptied when the job starts.
      onEvent: ({ kind }) => {
        if (kind !== "job-started") return;
        mkdirSync(folder);
        execFileSync("mount", ["--bind", full, folder]);
        open.push(() => void execFileSync("umount", ["-l", folder]));
      },
    };
  }

  asRoot("under a target: the release before goes on serving, and no lock is left", async () => {
    target = join(disk("3m"), "target");
    const good = await deployDoor(await serviceImage(join(folder, "small"), "well", "1"));
    expect(good.outputs["result"]).toBe("deployed");
    const large = await programImage(join(folder, "large"), Buffer.alloc(8_000_000, "#!/bin/sh\n"));
    const bad = await deployDoor(large);
    expect(bad).toMatchObject({ conclusion: "failure", survivors: [] });
    expect(bad.outputs).toMatchObject({ result: "rolled-back", reason: "host" });
    expect(errors(bad)).toHaveLength(1);
    expect(errors(bad)[0]).toMatch(/cannot be written: .*ENOSPC/);
    expect(bad.post?.conclusion).toBe("success");
    expect(await ask(port, "/version")).toMatchObject({ body: '{"version":"1"}' });
    expect(statusOf(target)).toMatchObject({
      current: good.outputs["release"],
      journal: "-",
      lock: "-",
    });
  });

  asRootWithGo("under what tests and reports write: one message with the remedy", async () => {
    const full = disk("1m");
    fill(full);
    const report = await door("annotate-deploy", {
      mode: "report",
      "report-folder": join(full, "out"),
    });
    expect(report.conclusion).toBe("failure");
    expect(errors(report)).toHaveLength(1);
    expect(errors(report)[0]).toMatch(/report cannot be written to .*ENOSPC/);
    const tests = await testDoor({}, fullJobFolder());
    expect(tests.conclusion).toBe("failure");
    expect(errors(tests)).toHaveLength(1);
    expect(errors(tests)[0]).toMatch(/The disk is full: ENOSPC/);
    expect(tests.outputs["verdict"]).not.toBe("pass");
  });

  asRoot("under the record of a deploy costs the record alone", async () => {
    const image = await serviceImage(join(folder, "image"), "well", "1");
    const { conclusion, outputs, log } = await deployDoor(image, {}, fullJobFolder());
    expect(conclusion).toBe("success");
    expect(outputs["result"]).toBe("deployed");
    expect(outputs["record"]).toBeUndefined();
    expect(log.join("\n")).toMatch(/release record could not be written: ENOSPC/);
  });
});

/** Brings an image of a layout into a registry, and returns its digest. */
async function push(image: string, host: string): Promise<string> {
  const location = parseImageLocation(image);
  if (location.kind !== "layout") throw new Error("not a layout");
  const layout = await openLayout(location.path);
  const blobs = await LayoutWriter.create(location.path);
  const clock = systemClock();
  const repository = new Repository({
    ...{ registry: host, repository: "acme/orders", access: "push", credentials: undefined },
    ...{ http: httpClient(clock), clock, mask: () => undefined },
  });
  const { digest } = layout.root(location.digest);
  await pushImage(layout, layout.root(location.digest), (one) => blobs.blob(one), repository, []);
  expect(existsSync(location.path)).toBe(true);
  return digest;
}
