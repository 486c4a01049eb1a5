import { defineAction } from "@go-cicd/core/action.ts";
import { inputs, outputs } from "./inputs.ts";
import { main } from "./run.ts";

export const action = defineAction({
  name: "go-matrix-test",
  description:
    "Plans Go tests over versions, systems and balanced shards, runs them with checks beside them, and reports a verdict that is never falsely green",
  inputs,
  outputs,
  main,
});
