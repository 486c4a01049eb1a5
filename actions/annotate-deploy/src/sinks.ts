import type { Ports } from "@go-cicd/core/ports.ts";
import { invalidInputs } from "@go-cicd/core/inputs.ts";
import { escapeMarkdown, markdownTable } from "@go-cicd/core/summary.ts";
import type { Deploy } from "./deploy.ts";
import type { Deadline } from "./exchange.ts";
import type { Inputs } from "./inputs.ts";
import { pushgatewaySink } from "./pushgateway-sink.ts";
import type { Sink, SinkReport, SinkResult } from "./sink.ts";
import { summarySink } from "./summary-sink.ts";
import { webhookSink } from "./webhook-sink.ts";

/**
 * The sinks that the inputs ask for; one that is not asked for says why it is skipped.
 * @throws ActionError `input` with every problem of the inputs between each other.
 */
export function configuredSinks(inputs: Inputs, ports: Ports): Sink[] {
  const problems: string[] = [];
  const pushgateway = httpUrl("pushgateway-url", inputs.pushgatewayUrl, problems);
  const webhook = httpUrl("webhook-url", inputs.webhookUrl, problems);
  const basic =
    inputs.pushgatewayUsername !== undefined || inputs.pushgatewayPassword !== undefined;
  if (inputs.pushgatewayPassword !== undefined && inputs.pushgatewayUsername === undefined) {
    problems.push("pushgateway-password needs a pushgateway-username");
  }
  if (inputs.pushgatewayUsername !== undefined && inputs.pushgatewayPassword === undefined) {
    problems.push("pushgateway-username needs a pushgateway-password");
  }
  if (inputs.pushgatewayUsername?.includes(":") === true) {
    problems.push("pushgateway-username must not hold a colon (RFC 7617 section 2)");
  }
  if (pushgateway !== undefined && (pushgateway.username !== "" || pushgateway.password !== "")) {
    problems.push(
      "pushgateway-url must not hold a user or a password: give pushgateway-username and pushgateway-password",
    );
  }
  if (basic && exposed(pushgateway, inputs)) {
    problems.push(plain("pushgateway-url"));
  }
  if (exposed(webhook, inputs)) problems.push(plain("webhook-url"));
  if (problems.length > 0) throw invalidInputs(problems);

  maskDerived(inputs, webhook, ports);
  return [
    summarySink(ports),
    pushgateway === undefined
      ? skipped("pushgateway", "pushgateway-url is not given")
      : pushgatewaySink(
          {
            base: pushgateway,
            username: inputs.pushgatewayUsername,
            password: inputs.pushgatewayPassword,
          },
          ports,
        ),
    webhook === undefined || inputs.webhookUrl === undefined
      ? skipped("webhook", "webhook-url is not given")
      : webhookSink({ url: webhook, given: inputs.webhookUrl, key: inputs.webhookSecret }, ports),
  ];
}

/** Tells every sink about the deploy, side by side, each with a deadline of its own. */
export async function tell(
  deploy: Deploy,
  sinks: readonly Sink[],
  { timeoutMs }: Pick<Deadline, "timeoutMs">,
  { clock, signal, timeline }: Pick<Ports, "clock" | "signal" | "timeline">,
): Promise<SinkReport[]> {
  return Promise.all(
    sinks.map(async (sink): Promise<SinkReport> => {
      const deadline: Deadline = {
        timeoutMs,
        at: clock.now() + timeoutMs,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      };
      const result = await timeline.phase(`tell ${sink.name}`, async (phase) => {
        const told = await sink.send(deploy, deadline);
        phase.count(told.result, 1);
        return told;
      });
      return { sink: sink.name, deploy: deploy.id, ...result };
    }),
  );
}

/** The sinks and what they made of it, for the job summary. */
export function sinksMarkdown(reports: readonly SinkReport[]): string {
  const mark: Record<SinkResult["result"], string> = {
    ok: "✅ ok",
    skipped: "➖ skipped",
    failed: "❌ failed",
  };
  return `#### Told to\n\n${markdownTable(
    ["sink", "result", "what was seen"],
    reports.map((report) => [report.sink, mark[report.result], escapeMarkdown(saying(report))]),
  )}`;
}

/** What a result says in words. */
export function saying(result: SinkResult): string {
  return result.result === "ok" ? result.detail : result.reason;
}

function skipped(name: Sink["name"], reason: string): Sink {
  return { name, send: () => Promise.resolve({ result: "skipped", reason }) };
}

/** The value itself is never repeated: it may hold a token. */
function httpUrl(name: string, value: string | undefined, problems: string[]): URL | undefined {
  if (value === undefined) return undefined;
  const url = URL.parse(value);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  problems.push(`${name} must be a whole URL that starts with https:// or http://`);
  return undefined;
}

function exposed(url: URL | undefined, { allowInsecure }: Pick<Inputs, "allowInsecure">): boolean {
  if (url === undefined || allowInsecure || url.protocol === "https:") return false;
  return !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}

function plain(name: string): string {
  return `${name} would send credentials over plain http: use https, or set allow-insecure: true if the network is trusted`;
}

/** Forms that the runner does not derive from the inputs by itself. */
function maskDerived(inputs: Inputs, webhook: URL | undefined, { log }: Pick<Ports, "log">): void {
  if (inputs.pushgatewayPassword !== undefined) {
    const user = `${inputs.pushgatewayUsername ?? ""}:${inputs.pushgatewayPassword}`;
    log.mask(Buffer.from(user).toString("base64"));
  }
  if (webhook !== undefined) {
    log.mask(webhook.href);
    // Services put their token into the path; a short path is none, and would shred the log.
    const secretPath = `${webhook.pathname}${webhook.search}`;
    if (secretPath.length >= 12) log.mask(secretPath);
  }
}
