import { defineAction } from "@go-cicd/core/action.ts";
import { inputs, outputs } from "./inputs.ts";
import { main } from "./run.ts";

export const action = defineAction({
  name: "annotate-deploy",
  description:
    "Tells Prometheus, a webhook and the job summary about a deploy, and makes the pipeline's report",
  inputs,
  outputs,
  main,
});
