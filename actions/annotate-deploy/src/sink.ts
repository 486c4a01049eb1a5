import type { Deploy } from "./deploy.ts";
import type { Deadline } from "./exchange.ts";

/** What a sink made of a deploy; the reason says what was seen and what to do about it. */
export type SinkResult =
  { result: "ok"; detail: string } | { result: "skipped" | "failed"; reason: string };

/** Somewhere a deploy is told. Sinks do not throw for what the other side does. */
export interface Sink {
  name: "summary" | "pushgateway" | "webhook";
  send(deploy: Deploy, deadline: Deadline): Promise<SinkResult>;
}

/** One line of the output `sinks`. */
export type SinkReport = { sink: Sink["name"]; deploy: string } & SinkResult;
