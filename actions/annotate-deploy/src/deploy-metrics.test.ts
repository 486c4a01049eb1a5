import { describe, expect, test } from "@jest/globals";
import { deployOfRecord, startingDeploy, statusOf, deployId } from "./deploy.ts";
import { deployGauges, expositionText } from "./deploy-metrics.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { sampleRecord } from "./fixtures/sample-record.ts";

const NOW = Date.UTC(2026, 10, 23, 1, 0, 0);

describe("gauges of a deploy", () => {
  const { context } = fakePorts();

  test("a start is one gauge whose value is its Unix time in seconds", async () => {
    const deploy = startingDeploy(
      { service: "orders", environment: "production", version: "v1.2.0" },
      context,
      NOW,
    );
    expect(await expositionText(deployGauges(deploy, NOW))).toBe(
      [
        "# HELP deploy_started_timestamp_seconds Unix time at which the latest deploy of the service started.",
        "# TYPE deploy_started_timestamp_seconds gauge",
        `deploy_started_timestamp_seconds{version="v1.2.0"} ${NOW / 1000}`,
        "",
        "",
      ]
        .join("\n")
        .replace(/\n\n$/, "\n"),
    );
  });

  test("a good end tells of all five, with seconds of three decimals at most", async () => {
    const record = sampleRecord({ started: NOW - 61_234.5, finished: NOW - 0.4 });
    const text = await expositionText(deployGauges(deployOfRecord(record, context, "v2"), NOW));
    expect(text.match(/^deploy_\w+/gm)).toEqual([
      "deploy_started_timestamp_seconds",
      "deploy_finished_timestamp_seconds",
      "deploy_last_success_timestamp_seconds",
      "deploy_duration_seconds",
      "deploy_info",
    ]);
    expect(text).toContain('{version="v2",status="success"}');
    expect(text).toMatch(/^deploy_duration_seconds 61\.234$/m);
    for (const [, decimals = ""] of text.matchAll(/\.(\d+)$/gm)) {
      expect(decimals.length).toBeLessThanOrEqual(3);
    }
    for (const name of text.match(/^deploy_\w+/gm) ?? []) {
      expect(text).toContain(`# TYPE ${name} gauge`);
      expect(text).toContain(`# HELP ${name} `);
    }
  });

  test("only a success moves the time of the last success", () => {
    for (const result of ["rolled-back", "failed", "rollback-failed", "refused"] as const) {
      const record = { ...sampleRecord({ started: NOW - 9_000, finished: NOW }), result };
      const names = deployGauges(deployOfRecord(record, context, undefined), NOW).map(
        ({ name }) => name,
      );
      expect(names).not.toContain("deploy_last_success_timestamp_seconds");
      expect(names).toContain("deploy_finished_timestamp_seconds");
    }
  });

  test.each([
    ["microseconds", NOW * 1000],
    ["seconds", NOW / 1000],
    ["nothing", 0],
    ["no number", Number.NaN],
    ["more than a day ago", NOW - 86_401_000],
    ["more than five minutes ahead", NOW + 301_000],
  ])("a start in %s is refused", (_, started) => {
    const deploy = {
      ...startingDeploy({ service: "a", environment: "b", version: "c" }, context, NOW),
      started,
    };
    expect(() => deployGauges(deploy, NOW)).toThrow(/epoch milliseconds/);
  });

  test("a label that is no Unicode text is mended, not sent as broken bytes", async () => {
    const deploy = startingDeploy(
      { service: "a", environment: "b", version: 'x\ud800"\\\n' },
      context,
      NOW,
    );
    expect(await expositionText(deployGauges(deploy, NOW))).toContain(
      'version="x\ufffd\\"\\\\\\n"',
    );
  });
});

describe("identity and status", () => {
  test("the id is that of the run without its attempt, so start, finish and re-run agree", () => {
    const { context } = fakePorts({ context: { runAttempt: 3 } });
    const start = startingDeploy(
      { service: "orders", environment: "production", version: undefined },
      context,
      NOW,
    );
    const record = { ...sampleRecord({ started: NOW, finished: NOW }), runId: context.runId };
    expect(deployOfRecord(record, context, undefined).id).toBe(start.id);
    expect(deployId({ ...record, environment: "staging" })).not.toBe(start.id);
  });

  test.each([
    ["deployed", "ok", "success"],
    ["unchanged", "ok", "success"],
    ["rolled-back", "health-status", "rolled_back"],
    ["failed", "cancelled", "cancelled"],
    ["failed", "crash", "failure"],
    ["refused", "locked", "failure"],
    ["inconclusive", "timeout", "failure"],
  ] as const)("%s (%s) is %s", (result, reason, status) => {
    expect(statusOf({ result, reason })).toBe(status);
  });
});
