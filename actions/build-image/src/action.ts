import type { Action } from "@go-cicd/core/action.ts";
import { inputs, outputs } from "./inputs.ts";
import { main } from "./run.ts";

export const action: Action<typeof inputs, typeof outputs> = {
  name: "build-image",
  description:
    "A small, reproducible, multi-platform OCI image of a Go service, from the build cache of the job and without a Docker daemon",
  inputs,
  outputs,
  main,
};
