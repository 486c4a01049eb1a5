import { runAction } from "@go-cicd/core/adapters/run-action.ts";
import { action } from "./action.ts";

await runAction(action);
