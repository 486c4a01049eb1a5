import type { OutputSpec } from "@go-cicd/core/action.ts";
import { duration, flag, list, oneOf, secret, text, type InputsOf } from "@go-cicd/core/inputs.ts";

export const inputs = {
  mode: oneOf(["start", "finish", "report"], {
    description:
      "`start` marks the begin of a deploy, `finish` sends what came of it, `report` makes the pipeline's report.",
    default: "finish",
  }),
  record: text({
    description:
      "Path of the release record (output `record` of deploy-with-rollback). Without it the record artifacts of this run are taken.",
  }),
  service: text({
    description: "Mode `start`: what is deployed. By default the name of the repository.",
  }),
  environment: text({
    description: "Mode `start`: where it is deployed to.",
    default: "production",
  }),
  version: text({
    description:
      "Label `version` of the metrics. By default the first 12 characters of the commit.",
  }),
  "pushgateway-url": text({
    description:
      "Base URL of a Prometheus Pushgateway; empty switches this sink off. Its path is kept.",
  }),
  "pushgateway-username": text({ description: "User name for basic authentication." }),
  "pushgateway-password": secret({ description: "Password for basic authentication." }),
  "webhook-url": secret({
    description: "URL that gets the deploy as JSON by POST; empty switches this sink off.",
  }),
  "webhook-secret": secret({
    description:
      "Key of the HMAC-SHA256 over the webhook's body, sent as `X-Go-CICD-Signature-256: sha256=<hex>`.",
  }),
  "allow-insecure": flag({
    description:
      "Allows credentials over plain `http:` to another machine. On this machine they are always allowed.",
    default: "false",
  }),
  "sink-timeout": duration({
    description: "Time for each sink, with all its attempts.",
    default: "10s",
  }),
  "on-sink-error": oneOf(["fail", "warn"], {
    description: "Whether a sink that did not take the deploy makes the step red or warns.",
    default: "fail",
  }),
  needs: list({
    description: "Mode `report`: results of the jobs before this one, given as `toJSON(needs)`.",
  }),
  previous: text({
    description:
      "Mode `report`: path of the `report-data` of an earlier run, to show the times of now and before.",
  }),
  "timeline-folder": text({
    description:
      "Mode `report`: folder with further timelines (`*.jsonl`, also in sub-folders), beside this job's and the run's.",
  }),
  "report-folder": text({
    description:
      "Mode `report`: where the report is written. By default `$RUNNER_TEMP/go-cicd/report`.",
  }),
} as const;

export const outputs = {
  "deploy-id":
    "Identity of the deploy, the same for its start and finish and for re-runs of the workflow run.",
  record: "Path of the release record that was sent (the latest one when there are several).",
  sinks: "JSON: one object per sink and deploy with `sink`, `deploy`, `result` and `reason`.",
  report: "Mode `report`: path of the HTML page, one file that needs no network.",
  "report-data": "Mode `report`: path of the report's data as JSON; the next run's `previous`.",
  verdict: "Mode `report`: `passed`, `rolled-back`, `failed` or `incomplete`.",
} as const satisfies OutputSpec;

export type Inputs = InputsOf<typeof inputs>;
