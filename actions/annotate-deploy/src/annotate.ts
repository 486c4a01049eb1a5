import type { Outcome } from "@go-cicd/core/action.ts";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { deployOfRecord, startingDeploy, type Deploy } from "./deploy.ts";
import type { Inputs, outputs } from "./inputs.ts";
import { findRecords } from "./release-records.ts";
import type { SinkReport } from "./sink.ts";
import { configuredSinks, saying, sinksMarkdown, tell } from "./sinks.ts";

type Result = Outcome<typeof outputs>;

/** Mode `start`: the marker of a deploy that begins now. */
export async function start(inputs: Inputs, ports: Ports): Promise<Result> {
  const sinks = configuredSinks(inputs, ports);
  const deploy = startingDeploy(inputs, ports.context, ports.clock.now());
  const reports = await tell(deploy, sinks, { timeoutMs: inputs.sinkTimeout }, ports);
  return conclude([deploy], reports, {}, inputs, ports);
}

/** Mode `finish`: what came of the deploys of this run. */
export async function finish(inputs: Inputs, ports: Ports): Promise<Result> {
  const sinks = configuredSinks(inputs, ports);
  const found = await ports.timeline.phase("find release records", () =>
    findRecords(inputs.record, ports),
  );
  const deploys = found.map(({ record }) => deployOfRecord(record, ports.context, inputs.version));
  const reports: SinkReport[] = [];
  // One after the other: the later deploy of a service must be what its metrics say in the end.
  for (const deploy of deploys) {
    reports.push(...(await tell(deploy, sinks, { timeoutMs: inputs.sinkTimeout }, ports)));
  }
  const record = found.at(-1)?.path;
  return conclude(deploys, reports, record === undefined ? {} : { record }, inputs, ports);
}

async function conclude(
  deploys: readonly Deploy[],
  reports: readonly SinkReport[],
  further: Result["outputs"],
  { onSinkError }: Inputs,
  ports: Ports,
): Promise<Result> {
  for (const report of reports) {
    const line = `${report.sink}: ${report.result}: ${saying(report)}`;
    if (report.result === "failed" && onSinkError === "warn") ports.log.warning(line);
    else ports.log.info(line);
  }
  await ports.summary.add(sinksMarkdown(reports));
  const outputs = {
    ...further,
    "deploy-id": deploys.at(-1)?.id ?? "",
    sinks: JSON.stringify(reports),
  };
  const failed = reports.filter(({ result }) => result === "failed");
  if (failed.length === 0 || onSinkError === "warn") return { outputs };
  return {
    outputs,
    failure: new ActionError(
      "network",
      `Not told:\n${failed.map((report) => `- ${report.sink}: ${saying(report)}`).join("\n")}`,
      {
        hint: "The deploy itself is not touched by this. Set on-sink-error: warn to let the job go on.",
      },
    ),
  };
}
