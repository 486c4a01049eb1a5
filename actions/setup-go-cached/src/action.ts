import { defineAction } from "@go-cicd/core/action.ts";
import { inputs, outputs } from "./inputs.ts";
import { main } from "./run.ts";
import { post } from "./post.ts";

export const action = defineAction({
  name: "setup-go-cached",
  description:
    "Installs a verified Go toolchain and brings back modules, build cache and test results, so that a job only does the work its change asks for.",
  inputs,
  outputs,
  main,
  post,
});
