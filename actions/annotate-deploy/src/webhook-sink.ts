import { createHmac } from "node:crypto";
import type { Ports } from "@go-cicd/core/ports.ts";
import { secretForms, shownAnswer } from "./credentials.ts";
import type { Deploy } from "./deploy.ts";
import { exchange, refusal } from "./exchange.ts";
import type { Sink } from "./sink.ts";

interface Options {
  url: URL;
  /** The URL as it was given: it is a secret, since services put their tokens there. */
  given: string;
  key: string | undefined;
}

/**
 * The deploy as JSON by POST. Repeated deliveries of one event carry the same
 * `X-Go-CICD-Delivery`, so that the other side can drop them.
 */
export function webhookSink(
  { url, given, key }: Options,
  ports: Pick<Ports, "http" | "clock">,
): Sink {
  const forms = secretForms([given, url.href, key]);
  return {
    name: "webhook",
    send: async (deploy, deadline) => {
      const body = JSON.stringify(webhookEvent(deploy, ports.clock.now()));
      const event = eventName(deploy);
      const sent = await exchange(
        ports,
        {
          method: "POST",
          url: url.href,
          headers: {
            "content-type": "application/json",
            "x-go-cicd-event": event,
            "x-go-cicd-delivery": `${deploy.id}-${deploy.runAttempt}-${event}`,
            ...(key !== undefined && { "x-go-cicd-signature-256": signature(body, key) }),
          },
          body,
        },
        deadline,
      );
      if (sent.kind === "none") return { result: "failed", reason: sent.reason };
      const { status, headers, body: answerBytes } = sent.response;
      if (status >= 200 && status < 300) {
        const signed = key === undefined ? "not signed" : "signed";
        return { result: "ok", detail: `${status}, ${signed}` };
      }
      const answer = shownAnswer(answerBytes, forms);
      const why = refusal("the webhook's server", status, headers["retry-after"]);
      return { result: "failed", reason: answer === "" ? why : `${why}. It said: ${answer}` };
    },
  };
}

/** `sha256=<hex>`, the form of GitHub's own webhooks, over the bytes of the body. */
function signature(body: string, key: string): string {
  return `sha256=${createHmac("sha256", key).update(body).digest("hex")}`;
}

function eventName(deploy: Deploy): string {
  return deploy.end === null ? "deploy.started" : "deploy.finished";
}

/** The webhook's body: version 1 of its shape. Times are epoch milliseconds. */
function webhookEvent(deploy: Deploy, now: number): Record<string, unknown> {
  const { end, ...identity } = deploy;
  return {
    version: 1,
    event: eventName(deploy),
    sent: now,
    deploy: {
      ...identity,
      ...(end !== null && { status: end.status, finished: end.finished, record: end.record }),
    },
  };
}
