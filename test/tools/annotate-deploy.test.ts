import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { httpClient } from "@go-cicd/core/adapters/http.ts";
import { systemClock } from "@go-cicd/core/adapters/clock.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { deployOfRecord, type Deploy } from "../../actions/annotate-deploy/src/deploy.ts";
import { deployGauges, expositionText } from "../../actions/annotate-deploy/src/deploy-metrics.ts";
import { sampleRecord } from "../../actions/annotate-deploy/src/fixtures/sample-record.ts";
import { groupPath, groupUrl } from "../../actions/annotate-deploy/src/pushgateway-path.ts";
import { pushgatewaySink } from "../../actions/annotate-deploy/src/pushgateway-sink.ts";
import { fixtureModel, FIXTURES } from "../../actions/annotate-deploy/src/report/fixtures/load.ts";
import { htmlPage } from "../../actions/annotate-deploy/src/report/html/page.ts";
import { startChromium, type Chromium } from "../support/chromium.ts";
import { requirePart } from "../support/real-parts.ts";

const { context } = fakePorts();
const clock = systemClock();

function deployOf(more: Partial<Deploy> = {}): Deploy {
  const now = Date.now();
  const record = sampleRecord({ started: now - 3_000, finished: now });
  return { ...deployOfRecord(record, context, "v1"), ...more };
}

const gateway = requirePart("prometheus-pushgateway");

(gateway === undefined ? describe.skip : describe)("a real Pushgateway", () => {
  let child: ChildProcess;
  let base: URL;

  beforeAll(async () => {
    if (gateway === undefined) return;
    const port = await freePort();
    base = new URL(`http://127.0.0.1:${port}/`);
    // Debian's package would keep groups of earlier runs on disk.
    child = spawn(
      gateway,
      [`--web.listen-address=127.0.0.1:${port}`, "--persistence.file=", "--log.level=error"],
      { stdio: "ignore" },
    );
    await ready(new URL("/-/ready", base));
  }, 30_000);

  afterAll(async () => {
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGTERM");
    await ended;
  });

  const send = (deploy: Deploy) =>
    pushgatewaySink(
      { base, username: undefined, password: undefined },
      { http: httpClient(clock), clock },
    ).send(deploy, {
      signal: AbortSignal.timeout(10_000),
      timeoutMs: 10_000,
      at: Date.now() + 10_000,
    });

  interface Group {
    labels: Record<string, string>;
    deploy_started_timestamp_seconds?: {
      metrics: { labels: Record<string, string>; value: string }[];
    };
  }

  async function groups(): Promise<Group[]> {
    const answer = await fetch(new URL("/api/v1/metrics", base));
    return ((await answer.json()) as { data: Group[] }).data;
  }

  async function wipe(): Promise<void> {
    for (const { labels } of await groups()) {
      const { job = "", ...rest } = labels;
      await fetch(groupUrl(base, groupPath(job, rest)), { method: "DELETE" });
    }
    // Deleting is asynchronous.
    while ((await groups()).length > 0) await clock.sleep(10);
  }

  test("takes a deploy, start and end, and keeps the last success over a failure", async () => {
    expect(await send(deployOf())).toMatchObject({ result: "ok" });
    const good = deployOf();
    if (good.end === null) throw new Error("a finished deploy");
    const bad = deployOf({ version: "v2", end: { ...good.end, status: "rolled_back" } });
    expect(await send(bad)).toMatchObject({ result: "ok" });
    const text = await (await fetch(new URL("/metrics", base))).text();
    const ours = text
      .split("\n")
      .filter((line) => line.includes('service="orders"') && line.startsWith("deploy_"));
    expect(
      ours
        .map((line) => /^(\w+)\{.*version="(\w+)"/.exec(line)?.slice(1).join(" "))
        .filter(Boolean)
        .sort(),
    ).toEqual([
      "deploy_finished_timestamp_seconds v2",
      "deploy_info v2",
      "deploy_last_success_timestamp_seconds v1",
      "deploy_started_timestamp_seconds v2",
    ]);
  });

  test("thousands of random labels come back as they were given", async () => {
    await wipe();
    const labels = fc.sample(
      fc.tuple(
        fc.oneof(
          fc.string({ unit: "binary", maxLength: 24 }),
          fc.string({ unit: "grapheme" }),
          fc.constantFrom("", ".", "..", "a/b", "%2F", "a\nb", '"\\', "=", "ü"),
        ),
        fc.string({ unit: "binary-ascii", maxLength: 12 }),
        fc.string({ unit: "grapheme" }),
      ),
      { numRuns: 1_200, seed: 7 },
    );
    const wanted = new Map<string, string>();
    for (const batch of chunks(labels, 16)) {
      await Promise.all(
        batch.map(async ([service, environment, version]) => {
          const deploy = deployOf({ service, environment, version, end: null });
          expect(await send(deploy)).toMatchObject({ result: "ok" });
        }),
      );
      for (const [service, environment, version] of batch) {
        wanted.set(
          JSON.stringify([service, environment].map((part) => part.toWellFormed())),
          version.toWellFormed(),
        );
      }
    }
    const found = new Map(
      (await groups()).map(({ labels: { service = "", environment = "" }, ...group }) => [
        JSON.stringify([service, environment]),
        group.deploy_started_timestamp_seconds?.metrics.map(
          (metric) => metric.labels["version"] ?? "",
        ),
      ]),
    );
    expect(found.size).toBe(wanted.size);
    for (const [key, version] of wanted) expect([key, found.get(key)]).toEqual([key, [version]]);
  }, 120_000);

  test("a hundred deploys of one service leave one group", async () => {
    await wipe();
    for (let count = 0; count < 100; count += 1) await send(deployOf({ version: `v${count}` }));
    expect((await groups()).map(({ labels }) => labels)).toEqual([
      { job: "deploy", service: "orders", environment: "production" },
    ]);
  }, 60_000);

  test("fifty services side by side lose no marker", async () => {
    await wipe();
    const services = Array.from({ length: 50 }, (_, index) => `service-${index}`);
    await Promise.all(services.map((service) => send(deployOf({ service }))));
    expect((await groups()).map(({ labels }) => labels["service"]).sort()).toEqual(services.sort());
  });

  test("a name that was pushed without its type refuses ours, and the reason says how to mend it", async () => {
    await wipe();
    await fetch(new URL("/metrics/job/naive", base), {
      method: "PUT",
      body: "deploy_started_timestamp_seconds 1\n",
    });
    const told = await send(deployOf());
    expect(told).toMatchObject({ result: "failed" });
    // Which of the two the server calls the odd one out depends on the order in which it reads them.
    expect("reason" in told && told.reason).toMatch(
      /another type.*delete that group.*is not a (UNTYPED|GAUGE)/s,
    );
    await fetch(new URL("/metrics/job/naive", base), { method: "DELETE" });
    while ((await groups()).some(({ labels }) => labels["job"] === "naive")) await clock.sleep(10);
    expect(await send(deployOf())).toMatchObject({ result: "ok" });
  });

  test("a path that is not a Pushgateway's is a 404 with a remedy", async () => {
    const sink = pushgatewaySink(
      { base: new URL("/elsewhere", base), username: undefined, password: undefined },
      { http: httpClient(clock), clock },
    );
    const deadline = {
      signal: AbortSignal.timeout(5_000),
      timeoutMs: 5_000,
      at: Date.now() + 5_000,
    };
    expect(await sink.send(deployOf(), deadline)).toMatchObject({
      result: "failed",
      reason: expect.stringContaining("404: there is no such place"),
    });
  });
});

const promtool = requirePart("promtool");

(promtool === undefined ? test.skip : test)(
  "promtool finds nothing to say about the metrics",
  async () => {
    if (promtool === undefined) return;
    const check = (input: string) =>
      spawnSync(promtool, ["check", "metrics"], { input, encoding: "utf8" });
    const ours = check(await expositionText(deployGauges(deployOf(), Date.now())));
    expect([ours.status, ours.stderr, ours.stdout]).toEqual([0, "", ""]);
    // The check bites: the marker that many blogs show does not pass.
    expect(check('deploy_started{version="v1"} 1\n').status).toBe(3);
  },
);

const chromium = requirePart("chromium");

(chromium === undefined ? describe.skip : describe)("the page in a real browser", () => {
  let browser: Chromium;
  const folder = tempFolder("go-cicd-page-");

  beforeAll(() => {
    if (chromium === undefined) return;
    browser = startChromium(chromium, folder);
    for (const name of FIXTURES) writeFileSync(file(name), htmlPage(fixtureModel(name)));
  }, 60_000);

  afterAll(() => browser.close());

  const file = (name: string): string => join(folder, `${name}.html`);
  const url = (name: string): string => pathToFileURL(file(name)).href;

  test.each(FIXTURES.flatMap((name) => [400, 800, 1600].map((width) => [name, width] as const)))(
    "%s at %d px: nothing stands out sideways, nothing is loaded, nothing is complained about",
    async (name, width) => {
      const page = await browser.open(url(name), { width });
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
      expect(page.requests).toEqual([url(name)]);
      expect(page.complaints).toEqual([]);
    },
    30_000,
  );

  test.each(FIXTURES.flatMap((name) => [400, 800, 1600].map((width) => [name, width] as const)))(
    "%s at %d px: no name, table or output is cut off",
    async (name, width) => {
      const page = await browser.open(url(name), { width });
      await page.evaluate(
        "document.querySelectorAll('details').forEach((one) => (one.open = true))",
      );
      const boxes = width === 400 ? ".name, .scroll, pre" : ".name, .scroll";
      expect(await page.evaluate(cutOff(boxes))).toEqual([]);
    },
    30_000,
  );

  test("the check for what is cut off bites", async () => {
    const long = '<main><div class="scroll"><b style="display:block;width:2000px">x</b></div>';
    writeFileSync(file("cut"), htmlPage(fixtureModel("green")).replace("<main>", long));
    const page = await browser.open(url("cut"), { width: 400 });
    expect(await page.evaluate(cutOff(".scroll"))).toEqual(["x"]);
  }, 30_000);

  test("the overflow check bites", async () => {
    writeFileSync(
      file("wide"),
      htmlPage(fixtureModel("green")).replace("<main>", '<main><div style="width:999px">x</div>'),
    );
    const page = await browser.open(url("wide"), { width: 400 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeGreaterThan(400);
  }, 30_000);

  test("dark surroundings make a dark page, light ones a light one", async () => {
    const ground = async (scheme: "light" | "dark"): Promise<unknown> =>
      (await browser.open(url("green"), { width: 800, scheme })).evaluate(
        "getComputedStyle(document.body).backgroundColor",
      );
    expect(await ground("light")).toBe("rgb(244, 245, 247)");
    expect(await ground("dark")).toBe("rgb(15, 19, 24)");
  }, 30_000);

  test("without scripts everything can be read; with them rows can be filtered", async () => {
    const plain = await browser.open(url("hundred-steps"), { width: 1200, scripts: false });
    const view = await browser.open(url("hundred-steps"), { width: 1200 });
    const count = 'document.querySelectorAll(".job:not([hidden])").length';
    const all = await view.evaluate(count);
    expect(plain.complaints).toEqual([]);
    expect(Number(all)).toBeGreaterThan(15);
    await view.evaluate(
      'const f = document.querySelector(".filter"); f.value = "macos"; f.dispatchEvent(new Event("input"))',
    );
    expect(await view.evaluate(count)).toBe(6);
  }, 30_000);

  test("text of a test that tries to be a script runs nothing", async () => {
    const page = await browser.open(url("red"), { width: 800 });
    expect(await page.evaluate("document.scripts.length + document.images.length")).toBe(1);
    expect(
      await page.evaluate("document.body.textContent.includes('<script>alert(1)</script>')"),
    ).toBe(true);
  }, 30_000);
});

/** Text of the elements whose content is wider than they are. */
const cutOff = (selector: string): string =>
  `[...document.querySelectorAll(${JSON.stringify(selector)})]
    .filter((one) => one.scrollWidth > one.clientWidth)
    .map((one) => one.textContent.trim().replace(/\\s+/g, " ").slice(0, 80))`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function ready(url: URL): Promise<void> {
  for (;;) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // Not listening yet; the hook's deadline ends the wait.
    }
    await clock.sleep(25);
  }
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
