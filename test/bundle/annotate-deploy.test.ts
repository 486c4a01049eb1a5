// The committed bundle of annotate-deploy on the runner's side: sinks over real sockets, evidence
// out of a real artifact service, and a page that stands by itself.
import { createHmac } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { runArtifacts } from "@go-cicd/core/adapters/artifacts.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import {
  runAction,
  type ActionResult,
  type ActionRun,
} from "@go-cicd/local/contract/run-action.ts";
import { cacheScopes } from "@go-cicd/local/services/scopes.ts";
import { startServices } from "@go-cicd/local/services/server.ts";
import { repeatsSecret, secretForms } from "../../actions/annotate-deploy/src/credentials.ts";
import { sampleRecord } from "../../actions/annotate-deploy/src/fixtures/sample-record.ts";

jest.setTimeout(60_000);

const PASSWORD = "xK7-qW2zN8-vJ4tB6";
const KEY = "sK9_vB3-nM5_qW8-zX2_rT6";
const TOKEN = "/T0AAAAAAA/kPq9ZxvW3mLtR7yN";

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A server that answers each path with a status of its own, and keeps what it got. */
async function receiver(status: number): Promise<{ base: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      received.push({ path: request.url ?? "", headers: request.headers, body });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

async function run(
  inputs: Record<string, string>,
  options: Partial<ActionRun> = {},
): Promise<ActionResult & { workspace: string; temp: string; shown: string }> {
  const workspace = options.workspace ?? tempFolder();
  const temp = tempFolder();
  const result = await runAction({
    action: "annotate-deploy",
    workspace,
    temp,
    keepTemp: true,
    inputs,
    event: { repository: { default_branch: "main" } },
    ...options,
  });
  const { stdout, stderr, summary, outputs, state, env, annotations } = result;
  const masked = stdout.replace(/^::add-mask::.*$/gm, "");
  const shown = JSON.stringify([masked, stderr, summary, outputs, state, env, annotations]);
  return { ...result, workspace, temp, shown };
}

/** A workspace with a record of a deploy that has just ended. */
function withRecord(): { workspace: string; record: string } {
  const workspace = tempFolder();
  const record = join(workspace, "record.json");
  const now = Date.now();
  writeFileSync(record, JSON.stringify(sampleRecord({ started: now - 3_000, finished: now })));
  return { workspace, record };
}

describe("the bundle of annotate-deploy", () => {
  test("tells a deploy to all sinks, and shows no piece of a secret", async () => {
    const { base, received } = await receiver(200);
    const { workspace, record } = withRecord();
    const { conclusion, outputs, summary, shown, temp } = await run(
      {
        record: "record.json",
        "pushgateway-url": base,
        "pushgateway-username": "pusher",
        "pushgateway-password": PASSWORD,
        "webhook-url": base + TOKEN,
        "webhook-secret": KEY,
      },
      { workspace },
    );
    expect(conclusion).toBe("success");
    expect(outputs["record"]).toBe(record);
    const sinks = JSON.parse(outputs["sinks"] ?? "") as { sink: string; result: string }[];
    expect(sinks.map(({ sink, result }) => `${sink} ${result}`)).toEqual([
      "summary ok",
      "pushgateway ok",
      "webhook ok",
    ]);
    expect(summary).toContain("✅ Deployed: orders 0123456789ab → production");
    const push = received.find(({ path }) => path.startsWith("/metrics/"));
    expect(push?.path).toBe("/metrics/job/deploy/service/orders/environment/production");
    expect(push?.body).toMatch(
      /^deploy_finished_timestamp_seconds\{.*status="success"\} \d{10}(\.\d{1,3})?$/m,
    );
    const hook = received.find(({ path }) => path === TOKEN);
    expect(hook?.headers["x-go-cicd-signature-256"]).toBe(
      `sha256=${createHmac("sha256", KEY)
        .update(hook?.body ?? "")
        .digest("hex")}`,
    );
    const written = filesBelow(temp).map((file) => readFileSync(file, "utf8"));
    for (const secret of [PASSWORD, `pusher:${PASSWORD}`, base + TOKEN, KEY]) {
      expect(repeatsSecret(shown, secretForms([secret]))).toBe(false);
      expect(written.some((text) => repeatsSecret(text, secretForms([secret])))).toBe(false);
    }
  });

  test.each([
    ["fail", "failure", "error"],
    ["warn", "success", "warning"],
  ] as const)(
    "a sink that refuses: on-sink-error %s ends in %s",
    async (policy, conclusion, level) => {
      const { base } = await receiver(403);
      const { workspace } = withRecord();
      const result = await run(
        { record: "record.json", "pushgateway-url": base, "on-sink-error": policy },
        { workspace },
      );
      expect(result.conclusion).toBe(conclusion);
      const said = result.annotations.filter((one) => one.level === level);
      expect(said.map(({ message }) => message).join("\n")).toMatch(/pushgateway.*403/s);
      expect(result.outputs["sinks"]).toContain('"result":"failed"');
    },
  );

  test("start and finish agree on the deploy without being wired together", async () => {
    const github = { run_id: "77", repository: "acme/orders" };
    const started = await run({ mode: "start", service: "orders" }, { github });
    const workspace = tempFolder();
    const now = Date.now();
    const record = { ...sampleRecord({ started: now - 900, finished: now }), runId: "77" };
    writeFileSync(join(workspace, "record.json"), JSON.stringify(record));
    const finished = await run(
      { record: "record.json" },
      { github: { ...github, run_attempt: "2" }, workspace },
    );
    expect(started.outputs["deploy-id"]).toMatch(/^[0-9a-f]{20}$/);
    expect(finished.outputs["deploy-id"]).toBe(started.outputs["deploy-id"]);
  });

  test("without a record it says where one would come from, and is red", async () => {
    const { conclusion, annotations } = await run({});
    expect(conclusion).toBe("failure");
    expect(annotations[0]?.message).toMatch(/artifact service|no deploy to tell of/);
  });

  test("reports on what the run's jobs left in the artifact service", async () => {
    const services = await startServices({ folder: tempFolder() });
    open.push(() => services.close());
    const environment = services.environment({
      runId: "1",
      jobId: "1-report",
      scopes: cacheScopes({ eventName: "push", ref: "refs/heads/main", defaultBranch: "main" }),
    });
    const folder = tempFolder();
    // The toolkit's client reads the environment of its process.
    const before = { ...process.env };
    Object.assign(process.env, environment);
    open.push(() => {
      process.env = before;
      return Promise.resolve();
    });
    const artifacts = runArtifacts(environment);
    const put = async (name: string, file: string, text: string): Promise<void> => {
      mkdirSync(join(folder, name), { recursive: true });
      writeFileSync(join(folder, name, file), text);
      const result = await artifacts.upload(name, [join(folder, name, file)], join(folder, name));
      expect(result).toMatchObject({ kind: "uploaded" });
    };
    const fixture = readFixture("rolled-back");
    for (const [index, record] of fixture.records.entries()) {
      await put(`go-cicd-release-${index}`, "record.json", JSON.stringify(record));
    }
    await put("go-cicd-test-report", "tests.json", JSON.stringify(fixture.tests));
    await put("go-cicd-image-0", "image.json", JSON.stringify(fixture.images[0]));
    for (const [index, { file, events }] of fixture.timelines.entries()) {
      const text = events.map((event) => `${JSON.stringify(event)}\n`).join("");
      await put(`go-cicd-timeline-${index}`, file, text);
    }
    const { conclusion, outputs, summary, log } = await run(
      { mode: "report", "report-folder": "out", needs: '{"ci":{"result":"success","outputs":{}}}' },
      { services: environment },
    );
    expect([conclusion, log.filter((line) => line.includes("::error"))]).toEqual(["success", []]);
    expect(outputs["verdict"]).toBe("rolled-back");
    expect(summary).toContain("## ↩️ A broken release was caught and rolled back");
    const page = readFileSync(outputs["report"] ?? "", "utf8");
    for (const words of [
      "found broken in 2.9 s",
      "restored in 420 ms",
      "linux/arm64",
      "Set up Go",
    ]) {
      expect(page).toContain(words);
    }
    expect(existsSync(outputs["report-data"] ?? "")).toBe(true);
    const listed = await artifacts.list("go-cicd-report-");
    expect(listed).toMatchObject({ kind: "listed", artifacts: [{ name: "go-cicd-report-1" }] });
  });

  test("hostile names of branch, job and workflow command nothing", async () => {
    const hostile = "x::set-output name=verdict::passed</script><script>alert(1)</script>";
    const { outputs, annotations, log } = await run(
      { mode: "report", "report-folder": "out" },
      {
        github: { ref: `refs/heads/${hostile}`, workflow: `\n::error::${hostile}`, job: "report" },
      },
    );
    expect(outputs["verdict"]).toBe("incomplete");
    expect(annotations.filter(({ level }) => level === "error")).toEqual([]);
    expect(log.join("\n")).not.toContain("alert(1)");
    expect(readFileSync(outputs["report"] ?? "", "utf8").match(/<script/g)).toHaveLength(1);
  });

  test("names all inputs that are wrong at once", async () => {
    const { conclusion, annotations } = await run({ mode: "check", "sink-timeout": "soon" });
    expect(conclusion).toBe("failure");
    expect(annotations[0]?.message).toMatch(
      /mode must be one of start, finish, report[\s\S]*sink-timeout must be/,
    );
  });
});

interface Fixture {
  timelines: { file: string; events: unknown[] }[];
  tests: unknown;
  images: unknown[];
  records: unknown[];
}

function readFixture(name: string): Fixture {
  const path = join(
    import.meta.dirname,
    `../../actions/annotate-deploy/src/report/fixtures/${name}.json`,
  );
  return JSON.parse(readFileSync(path, "utf8")) as Fixture;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
