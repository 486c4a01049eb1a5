import type { OutputSpec } from "@go-cicd/core/action.ts";
import {
  duration,
  integer,
  list,
  oneOf,
  required,
  text,
  type InputsOf,
} from "@go-cicd/core/inputs.ts";

export const inputs = {
  mode: oneOf(["deploy", "rollback", "recover"], {
    description:
      "`deploy` brings out `image`; `rollback` goes back to a release that was verified before; `recover` finishes what a killed deploy left open.",
    default: "deploy",
  }),
  target: required({
    description:
      "Where to: `local:<folder>` is this machine; the folder holds the releases and the agent that keeps the service.",
  }),
  image: text({
    description:
      "Mode `deploy`: what to bring out, by digest: `oci-layout:<path>@sha256:…` or `name@sha256:…` (output `image` of build-image).",
  }),
  environment: text({
    description: "Name of the environment, for the record.",
    default: "production",
  }),
  service: text({
    description: "Name of the service, for the record. By default the name of the repository.",
  }),
  port: integer({
    description:
      "Mode `deploy`: port that the service listens on at 127.0.0.1; the service is told by variable `PORT`.",
    min: 1,
    max: 65535,
  }),
  args: list({
    description: "Arguments for the image's entrypoint, one a line, in place of the image's own.",
  }),
  env: list({
    description:
      "Variables of the service, one `NAME=value` a line. Their values are kept out of every record and readable by the deploying user alone.",
  }),
  "health-path": text({
    description:
      "Mode `deploy`: path whose answer says that the service is well, such as `/healthz`.",
  }),
  "health-status": list({
    description: "Statuses that say so: numbers and ranges.",
    default: "200-299",
    commas: true,
  }),
  "health-timeout": duration({ description: "Time for one answer.", default: "5s" }),
  "health-interval": duration({ description: "Pause between two questions.", default: "1s" }),
  "health-successes": integer({
    description: "Good answers in a row that make a release healthy.",
    default: "3",
    min: 1,
    max: 1000,
  }),
  "wait-timeout": duration({
    description: "Time from the start until the release must be healthy.",
    default: "60s",
  }),
  "stable-for": duration({
    description: "Time that it must then stay healthy before the deploy is final.",
    default: "5s",
  }),
  "version-path": text({
    description: "Path whose answer names the version that runs. Only asked with `version`.",
    default: "/version",
  }),
  version: text({
    description: "Text that the answer of `version-path` must contain, such as the commit.",
  }),
  "stop-timeout": duration({
    description: "Time between SIGTERM and SIGKILL when the service is stopped.",
    default: "10s",
  }),
  "release-to": text({
    description:
      "Mode `rollback`: release to go back to. By default the last verified one before the current.",
  }),
  keep: integer({
    description: "Old releases kept beside the current one and the last verified one.",
    default: "5",
    max: 1000,
  }),
  "dead-man-timeout": duration({
    description:
      "The host goes back to the last verified release by itself when it has heard nothing of this step for that long.",
    default: "30s",
  }),
  "working-directory": text({
    description: "Folder that relative paths in `target` and `image` start from.",
    default: ".",
  }),
} as const;

export type Inputs = InputsOf<typeof inputs>;

export const outputs = {
  result:
    "`deployed`, `unchanged`, `rolled-back`, `rollback-failed`, `failed`, `refused` or `inconclusive`",
  reason:
    "Why, as one of the documented codes: `ok`, `health-status`, `crash`, `version-mismatch`, …",
  release: "Id of the release that this step brought out",
  "previous-release": "Id of the release that served before",
  record: "Path of the release record (JSON)",
  url: "Where the service answers",
} satisfies OutputSpec;
