import { defineAction } from "@go-cicd/core/action.ts";
import { inputs, outputs } from "./inputs.ts";
import { main, post } from "./run.ts";

export const action = defineAction({
  name: "deploy-with-rollback",
  description:
    "Deploys a release, checks its health, and goes back to the last verified release when it is not well, whatever is killed meanwhile",
  inputs,
  outputs,
  main,
  post,
  // Post only works when main left something open; a rollback that fails there must be seen.
  postFailure: "fail",
});
