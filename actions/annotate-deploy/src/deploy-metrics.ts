import { ActionError } from "@go-cicd/core/errors.ts";
import type { Deploy } from "./deploy.ts";

/** One gauge with its one sample. */
export interface Gauge {
  name: string;
  help: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

const DAY_S = 86_400;
const AHEAD_S = 300;

/**
 * The gauges of a deploy. Service and environment are the group's labels and stand in the path;
 * the version stands in the body, where one live series per service is left (Prometheus,
 * "Instrumentation": export the time at which it happened, in seconds).
 * @throws ActionError `input` for times that cannot be those of a deploy now, such as milliseconds
 * given as seconds.
 */
export function deployGauges(deploy: Deploy, now: number): Gauge[] {
  const { version, end } = deploy;
  const started = seconds("start", deploy.started, now);
  const start: Gauge = {
    name: "deploy_started_timestamp_seconds",
    help: "Unix time at which the latest deploy of the service started.",
    labels: { version },
    value: started,
  };
  if (end === null) return [start];
  const finished = seconds("end", end.finished, now);
  return [
    start,
    {
      name: "deploy_finished_timestamp_seconds",
      help: "Unix time at which the latest deploy of the service ended, by its status.",
      labels: { version, status: end.status },
      value: finished,
    },
    ...(end.status === "success"
      ? [
          {
            name: "deploy_last_success_timestamp_seconds",
            help: "Unix time at which the service was last deployed with success.",
            labels: { version },
            value: finished,
          },
        ]
      : []),
    {
      name: "deploy_duration_seconds",
      help: "Time that the latest deploy of the service took.",
      labels: {},
      value: Math.max(0, Math.round(end.finished - deploy.started) / 1_000),
    },
    {
      name: "deploy_info",
      help: "The latest deploy of the service; the value is always 1.",
      labels: { version, revision: deploy.commit.slice(0, 12), kind: deploy.kind },
      value: 1,
    },
  ];
}

/** Epoch milliseconds as Unix seconds with three decimals at most. */
function seconds(what: string, ms: number, now: number): number {
  const value = Math.round(ms) / 1_000;
  const current = now / 1_000;
  if (value >= current - DAY_S && value <= current + AHEAD_S) return value;
  throw new ActionError(
    "input",
    `the ${what} of the deploy (${String(ms)}) is not a time of the last day in epoch milliseconds`,
    {
      hint: "A marker outside that range would make rules on the time since the deploy true, or false, for ever. Check the record's times and the clocks.",
    },
  );
}

/**
 * The gauges in the text format of Prometheus. The client library does the format and its escapes
 * and is loaded only here.
 */
export async function expositionText(gauges: readonly Gauge[]): Promise<string> {
  const { Gauge: ClientGauge, Registry } = (await import("prom-client")).default;
  const registry = new Registry();
  for (const { name, help, labels, value } of gauges) {
    // Bytes that are no UTF-8 would be refused, with the whole push.
    const clean = Object.entries(labels).map(([key, text]) => [key, text.toWellFormed()] as const);
    const gauge = new ClientGauge({
      name,
      help,
      labelNames: clean.map(([key]) => key),
      registers: [registry],
    });
    gauge.set(Object.fromEntries(clean), value);
  }
  const text = await registry.metrics();
  // The server answers 400 to a last line without its end.
  return text.endsWith("\n") ? text : `${text}\n`;
}
