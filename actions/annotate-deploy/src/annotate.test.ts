import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { httpClient } from "@go-cicd/core/adapters/http.ts";
import { testClock } from "@go-cicd/core/testing/clock.ts";
import { inputsOf } from "@go-cicd/core/testing/inputs.ts";
import type { SummaryResult } from "@go-cicd/core/summary.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { repeatsSecret, secretForms } from "./credentials.ts";
import { sampleRecord } from "./fixtures/sample-record.ts";
import { inputs } from "./inputs.ts";
import { main } from "./run.ts";

const PASSWORD = "xK7-qW2zN8-vJ4tB6";
const KEY = "sK9_vB3-nM5_qW8-zX2_rT6";
const TOKEN = "/T0AAAAAAA/B0BBBBBBB/kPq9ZxvW3mLtR7yN";

interface Received {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
}

type Answer = (response: ServerResponse, request: Received, count: number) => void;

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(
    servers.splice(0).map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    ),
  );
});

async function serve(answer: Answer): Promise<{ base: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      const got = { method, path, headers, body: Buffer.concat(chunks).toString("utf8") };
      received.push(got);
      answer(response, got, received.length);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

const status =
  (code: number, headers: Record<string, string> = {}, body = ""): Answer =>
  (response) => {
    response.writeHead(code, headers).end(body);
  };

interface SinkReport {
  sink: string;
  result: string;
  reason?: string;
}

/** A whole `finish` through real sockets; only the clock does not wait. */
async function run(
  given: Partial<Record<keyof typeof inputs, string>>,
  summary: SummaryResult = { kind: "written" },
) {
  const clock = testClock();
  const ports = fakePorts({ http: httpClient(clock, () => 0), clock });
  ports.summary.result = summary;
  const record = join(ports.root, "record.json");
  const now = clock.now();
  writeFileSync(record, JSON.stringify(sampleRecord({ started: now - 4_000, finished: now })));
  const outcome = await main(inputsOf(inputs, { record, "sink-timeout": "5s", ...given }), ports);
  const sinks = JSON.parse(outcome.outputs.sinks ?? "[]") as SinkReport[];
  const said = JSON.stringify([
    ports.log.entries,
    ports.summary.blocks,
    ports.timeline.phases,
    outcome.outputs,
    outcome.failure?.message,
    outcome.failure?.hint,
  ]);
  return { outcome, sinks, said, ports, record };
}

function pushgateway(base: string): Partial<Record<keyof typeof inputs, string>> {
  return {
    "pushgateway-url": `${base}/gateway/`,
    "pushgateway-username": "pusher",
    "pushgateway-password": PASSWORD,
  };
}

function webhook(base: string): Partial<Record<keyof typeof inputs, string>> {
  return { "webhook-url": base + TOKEN, "webhook-secret": KEY };
}

/** Echoes every credential it can see: the worst a server can do to our messages. */
const echo: Answer = (response, { headers, path }) => {
  const basic = (headers.authorization ?? "").replace("Basic ", "");
  response
    .writeHead(403, { "content-type": "text/plain" })
    .end(`${basic} ${Buffer.from(basic, "base64").toString()} ${path} ${KEY.slice(4, 13)}`);
};

/** What is done to a sink, and what its reason must say; no reason where it is well in the end. */
const FAULTS: [
  name: string,
  answer: Answer,
  reason: RegExp | undefined,
  more?: Record<string, string>,
][] = [
  ["401", status(401), /^401: .*credentials/],
  ["403", status(403), /^403: .*does not allow/],
  ["403 that echoes all credentials", echo, /withheld/],
  ["404", status(404), /^404: .*URL/],
  [
    "429 that asks for more time than there is",
    status(429, { "retry-after": "3600" }),
    /^429: .*wait 3600 s/,
  ],
  [
    "429 that asks for one second, once",
    (response, _, count) => {
      response.writeHead(count === 1 ? 429 : 200, { "retry-after": "1" }).end();
    },
    undefined,
  ],
  [
    "500 twice, then well",
    (response, _, count) => {
      response.writeHead(count < 3 ? 500 : 200).end();
    },
    undefined,
  ],
  ["500 for ever", status(500), /^500: .*broken/],
  ["302 to a login page", status(302, { location: "/login" }), /^302: .*not followed/],
  [
    "no answer in time",
    () => undefined,
    /^no final answer within 200 ms$/,
    { "sink-timeout": "200ms" },
  ],
  [
    "an answer that is not HTTP",
    (response) => {
      response.socket?.end("this is not HTTP\r\n\r\n");
    },
    /not HTTP|connection failed/,
  ],
  [
    "a connection that is cut",
    (response) => {
      response.socket?.destroy();
    },
    /connection failed/,
  ],
];

describe.each(["fail", "warn"] as const)("on-sink-error: %s", (policy) => {
  describe.each([
    ["pushgateway", pushgateway],
    ["webhook", webhook],
  ] as const)("%s", (name, configure) => {
    test.each(FAULTS)("%s", async (_, answer, reason, more = {}) => {
      const { base } = await serve(answer);
      const { outcome, sinks, said, ports } = await run({
        ...configure(base),
        ...more,
        "on-sink-error": policy,
      });
      const report = sinks.find(({ sink }) => sink === name);
      const warnings = ports.log.messages("warning").join("\n");
      if (reason === undefined) {
        expect(report).toMatchObject({ result: "ok" });
        expect(outcome.failure).toBeUndefined();
      } else {
        expect(report).toMatchObject({ result: "failed" });
        expect(report?.reason).toMatch(reason);
        // Never silent: the step is red, or a warning names the sink.
        if (policy === "fail") expect(outcome.failure?.message).toContain(`- ${name}: `);
        else {
          expect(outcome.failure).toBeUndefined();
          expect(warnings).toContain(`${name}: failed: `);
        }
        expect(ports.summary.blocks.at(-1)).toContain("❌ failed");
      }
      for (const secret of [PASSWORD, `pusher:${PASSWORD}`, base + TOKEN, KEY]) {
        expect(repeatsSecret(said, secretForms([secret]))).toBe(false);
      }
    });
  });
});

describe("the summary as a sink", () => {
  test.each([
    [{ kind: "written" }, "ok", undefined],
    [{ kind: "cut" }, "failed", /full/],
    [{ kind: "failed", detail: "ENOSPC: no space left on device" }, "failed", /ENOSPC/],
    [{ kind: "absent" }, "skipped", undefined],
  ] as const)("that is %j is told as what it is", async (added, result, reason) => {
    const { outcome, sinks } = await run({}, added);
    expect(sinks[0]).toMatchObject({ sink: "summary", result });
    if (reason === undefined) expect(outcome.failure).toBeUndefined();
    else expect(outcome.failure?.message).toMatch(reason);
  });
});

describe("what is sent", () => {
  test("the gauges as a POST to the group, with basic authentication", async () => {
    const { base, received } = await serve(status(200));
    const { sinks } = await run(pushgateway(base));
    expect(sinks.map(({ sink, result }) => [sink, result])).toEqual([
      ["summary", "ok"],
      ["pushgateway", "ok"],
      ["webhook", "skipped"],
    ]);
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({
      method: "POST",
      path: "/gateway/metrics/job/deploy/service/orders/environment/production",
    });
    const basic = Buffer.from(`pusher:${PASSWORD}`).toString("base64");
    expect(received[0]?.headers.authorization).toBe(`Basic ${basic}`);
    expect(received[0]?.body).toContain('deploy_info{version="0123456789ab",');
  });

  test("the webhook's body is signed as it arrives, and repetitions carry one delivery id", async () => {
    const { base, received } = await serve((response, _, count) => {
      response.writeHead(count === 1 ? 503 : 202).end();
    });
    await run(webhook(base));
    expect(received).toHaveLength(2);
    for (const { body, headers, path } of received) {
      const hmac = createHmac("sha256", KEY).update(body).digest("hex");
      expect(headers["x-go-cicd-signature-256"]).toBe(`sha256=${hmac}`);
      expect(path).toBe(TOKEN);
      expect(JSON.parse(body)).toMatchObject({
        version: 1,
        event: "deploy.finished",
        deploy: { service: "orders", status: "success", record: { result: "deployed" } },
      });
    }
    const [first, second] = received.map(({ headers }) => headers["x-go-cicd-delivery"]);
    expect(first).toBe(second);
  });

  test("a page instead of a Pushgateway's empty answer is no success", async () => {
    const { base } = await serve(
      status(200, { "content-type": "text/html" }, "<html>log in</html>"),
    );
    const { outcome, sinks } = await run(pushgateway(base));
    expect(sinks[1]?.reason).toContain("not a Pushgateway's answer: <html>log in</html>");
    expect(outcome.failure).toBeDefined();
  });

  test("a name that somebody else pushed with another type is explained", async () => {
    const { base } = await serve(
      status(
        400,
        {},
        'pushed metrics are invalid or inconsistent: collected metric "deploy_info" is not a UNTYPED',
      ),
    );
    const { sinks } = await run(pushgateway(base));
    expect(sinks[1]?.reason).toMatch(/^400: .*another type.*delete that group.*is not a UNTYPED/);
  });

  test("mode start marks the begin and hands out the id that finish has too", async () => {
    const { base, received } = await serve(status(200));
    const started = await run({
      ...pushgateway(base),
      mode: "start",
      service: "orders",
      environment: "production",
    });
    const finished = await run({ ...pushgateway(base), mode: "finish" });
    expect(received[0]?.body.match(/^deploy_\w+/gm)).toEqual(["deploy_started_timestamp_seconds"]);
    expect(started.outcome.outputs["deploy-id"]).toMatch(/^[0-9a-f]{20}$/);
    expect(finished.outcome.outputs["deploy-id"]).toBe(started.outcome.outputs["deploy-id"]);
    expect(finished.outcome.outputs.record).toBe(finished.record);
  });

  test("a sink that hangs does not hold up the others", async () => {
    const hangs = await serve(() => undefined);
    const works = await serve(status(204));
    const { sinks } = await run({
      ...pushgateway(hangs.base),
      ...webhook(works.base),
      "sink-timeout": "200ms",
      "on-sink-error": "warn",
    });
    expect(sinks.map(({ result }) => result)).toEqual(["ok", "failed", "ok"]);
  });
});

describe("records", () => {
  test("without the input all record artifacts of the run are told of, in their order", async () => {
    const ports = fakePorts({ env: { GITHUB_STEP_SUMMARY: "/dev/null" } });
    const now = ports.clock.now();
    for (const [release, age] of [
      ["second", 5_000],
      ["first", 60_000],
    ] as const) {
      const file = join(ports.root, "record.json");
      const record = {
        ...sampleRecord({ started: now - age, finished: now - age + 900 }),
        release,
      };
      writeFileSync(file, JSON.stringify(record));
      await ports.artifacts.upload(`go-cicd-release-${release}`, [file], ports.root);
    }
    const { outputs } = await main(inputsOf(inputs), ports);
    expect(ports.summary.blocks.join("\n")).toMatch(/first[\s\S]*second/);
    expect(outputs.record).toMatch(/record\.json$/);
  });

  test.each([
    ["none at all", undefined, /no deploy to tell of/],
    ["a path that is not there", "gone.json", /cannot be read \(ENOENT\)/],
    ["not JSON", "{", /it is not JSON/],
    ["another shape", '{"version":2}', /version: /],
  ])("%s is an error that says what to do", async (_, text, message) => {
    const ports = fakePorts();
    const path = join(ports.root, "workspace", "record.json");
    if (text !== undefined && text !== "gone.json") writeFileSync(path, text);
    const given = text === undefined ? {} : { record: text === "gone.json" ? text : "record.json" };
    await expect(main(inputsOf(inputs, given), ports)).rejects.toThrow(message);
  });
});

describe("inputs between each other", () => {
  test("all problems are said at once, and no value is repeated", async () => {
    const ports = fakePorts();
    const call = main(
      inputsOf(inputs, {
        "pushgateway-url": `http://user:${PASSWORD}@push.example.com`,
        "pushgateway-password": PASSWORD,
        "webhook-url": "hooks.example.com/T0AAAAAAA",
      }),
      ports,
    );
    const error = await call.then(
      () => "",
      (thrown: unknown) => (thrown as Error).message,
    );
    expect(error.split("\n- ").slice(1)).toEqual([
      "webhook-url must be a whole URL that starts with https:// or http://",
      "pushgateway-password needs a pushgateway-username",
      "pushgateway-url must not hold a user or a password: give pushgateway-username and pushgateway-password",
      expect.stringMatching(/^pushgateway-url would send credentials over plain http/),
    ]);
    expect(repeatsSecret(error, secretForms([PASSWORD]))).toBe(false);
  });

  test("derived forms of the secrets are masked", async () => {
    const { base } = await serve(status(200));
    const { ports } = await run({ ...pushgateway(base), ...webhook(base) });
    expect(ports.log.masked).toEqual(
      expect.arrayContaining([
        Buffer.from(`pusher:${PASSWORD}`).toString("base64"),
        TOKEN,
        base + TOKEN,
      ]),
    );
  });
});
