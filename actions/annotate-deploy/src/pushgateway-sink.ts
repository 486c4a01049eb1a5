import { ActionError } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { secretForms, shownAnswer } from "./credentials.ts";
import type { Deploy } from "./deploy.ts";
import { deployGauges, expositionText } from "./deploy-metrics.ts";
import { exchange, refusal, type Deadline } from "./exchange.ts";
import { groupPath, groupUrl } from "./pushgateway-path.ts";
import type { Sink, SinkResult } from "./sink.ts";

interface Options {
  base: URL;
  username: string | undefined;
  password: string | undefined;
}

/**
 * The state "when was this service last deployed" in a Prometheus Pushgateway. POST replaces the
 * families it holds and leaves the rest of the group alone, so that a failed deploy keeps the time
 * of the last success.
 */
export function pushgatewaySink(
  { base, username, password }: Options,
  ports: Pick<Ports, "http" | "clock">,
): Sink {
  const user = `${username ?? ""}:${password ?? ""}`;
  const basic = Buffer.from(user).toString("base64");
  const forms = secretForms([password, password === undefined ? undefined : user]);

  async function send(deploy: Deploy, deadline: Deadline): Promise<SinkResult> {
    const path = groupPath("deploy", {
      service: deploy.service,
      environment: deploy.environment,
    });
    let gauges;
    try {
      gauges = deployGauges(deploy, ports.clock.now());
    } catch (error) {
      if (!(error instanceof ActionError)) throw error;
      return { result: "failed", reason: [error.message, error.hint].join(". ") };
    }
    const sent = await exchange(
      ports,
      {
        method: "POST",
        url: groupUrl(base, path),
        headers: {
          "content-type": "text/plain; version=0.0.4; charset=utf-8",
          ...((username ?? password) !== undefined && { authorization: `Basic ${basic}` }),
        },
        body: await expositionText(gauges),
      },
      deadline,
    );
    if (sent.kind === "none") return { result: "failed", reason: sent.reason };
    const { status, headers, body } = sent.response;
    const answer = shownAnswer(body, forms);
    if (status === 200 || status === 202) {
      // A Pushgateway says nothing: a page here is that of a proxy or a login.
      return answer === ""
        ? { result: "ok", detail: `${gauges.length} gauges in the group /${path}` }
        : {
            result: "failed",
            reason: `${status}, but not a Pushgateway's answer: ${answer}`,
          };
    }
    const reason =
      status === 400
        ? `400: ${explained(answer)}`
        : `${refusal("the Pushgateway", status, headers["retry-after"])}${
            answer === "" ? "" : `. It said: ${answer}`
          }`;
    return { result: "failed", reason };
  }

  return { name: "pushgateway", send };
}

/**
 * A push of one of our names without its type makes the server refuse every typed push of that
 * name, in any group, until that group is pushed well or deleted.
 */
function explained(answer: string): string {
  const poisoned =
    /\bis not a (UNTYPED|COUNTER|GAUGE|SUMMARY|HISTOGRAM)|inconsistent|collected metric/i;
  return poisoned.test(answer)
    ? `the Pushgateway holds a metric of this name with another type or help, pushed by somebody else: delete that group (DELETE /metrics/job/<job>…), or push it with its right TYPE. It said: ${answer}`
    : `the Pushgateway does not take the metrics. It said: ${answer === "" ? "nothing" : answer}`;
}
