import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as core from "@actions/core";
import type { Action, OutputSpec } from "../action.ts";
import type { ConfiguredText, ConfiguredValue, DoorConfig } from "../config.ts";
import { ActionError, messageOf } from "../errors.ts";
import { readInputs, type InputSpec, type InputsOf } from "../inputs.ts";
import { CONFIG_FILE } from "../names.ts";
import type { Ports } from "../ports.ts";
import type { Environment } from "../process.ts";
import { publishTimeline } from "../timeline-artifact.ts";
import { runnerLog } from "./log.ts";
import { realPorts, type RealPorts } from "./ports.ts";
import { runnerState } from "./state.ts";
import { Step } from "./step.ts";

/** States of our own; they live beside the door's. */
const IS_POST = "isPost";
const CONFIGURED = "configuredInputs";

/** How long a finished step may take to hand its timeline to the artifact service. */
const PUBLISH_MS = 60_000;

type Configured = Readonly<Record<string, ConfiguredText>>;

/**
 * Runs one stage of a door as this process: real ports in, inputs read, `main` or `post` called,
 * its outcome turned into outputs, annotations and the exit code. The only place that does so.
 * Never rejects.
 */
export async function runAction<I extends InputSpec, O extends OutputSpec>(
  action: Action<I, O>,
): Promise<void> {
  const log = runnerLog();
  const state = runnerState();
  const isPost = state.load(IS_POST) === true;
  const stage = isPost ? "post" : "main";
  const step = new Step(log, isPost && action.postFailure !== "fail" ? "warning" : "error");
  try {
    const values: Record<string, ConfiguredValue> = {};
    const ports = realPorts({
      step: { door: action.name, stage },
      log,
      state,
      signal: step.signal,
      config: (key) => values[key],
      onGivenUp: () => step.abandon(),
    });
    if (isPost) await runPost(action, ports);
    else await runMain(action, ports, values, step);
    // Post is the end of a step that has one.
    if (isPost || action.post === undefined) await publish(ports, step);
  } catch (error) {
    step.fail(error);
  }
  step.end();
}

async function runMain<I extends InputSpec, O extends OutputSpec>(
  action: Action<I, O>,
  ports: Ports,
  values: Record<string, ConfiguredValue>,
  step: Step,
): Promise<void> {
  if (action.post !== undefined) ports.state.save(IS_POST, true);
  try {
    const config = await readConfig(action, ports);
    Object.assign(values, config.values);
    const inputs = readStepInputs(action, ports, config.inputs);
    if (action.post !== undefined) ports.state.save(CONFIGURED, config.inputs);
    const { outputs, failure } = await action.main(inputs, ports);
    for (const [name, value] of Object.entries<string | undefined>(outputs)) {
      if (value !== undefined) core.setOutput(name, value);
    }
    if (failure !== undefined) step.fail(failure);
  } catch (error) {
    step.fail(error);
  }
}

async function runPost<I extends InputSpec, O extends OutputSpec>(
  action: Action<I, O>,
  ports: Ports,
): Promise<void> {
  const configured = ports.state.load(CONFIGURED) as Configured | undefined;
  if (action.post === undefined || configured === undefined) {
    ports.log.debug("Main did not get as far as its inputs: there is nothing to finish.");
    return;
  }
  let inputs: InputsOf<I>;
  try {
    inputs = readStepInputs(action, ports, configured);
  } catch (error) {
    // The runner evaluates inputs again for post, and not always to the same (actions/runner#2009).
    ports.log.warning(
      `${action.name}: the inputs cannot be read again at the job's end: ${messageOf(error)}`,
    );
    return;
  }
  await action.post(inputs, ports);
}

function readStepInputs<I extends InputSpec>(
  action: { inputs: I },
  { env, log }: Ports,
  configured: Configured,
): InputsOf<I> {
  return readInputs(action.inputs, {
    input: (name) => givenInput(env, name),
    config: (name) => (Object.hasOwn(configured, name) ? configured[name] : undefined),
    mask: (secret) => log.mask(secret),
  });
}

/** The runner upper-cases names and turns spaces into underscores; dashes stay (contract 1.2). */
function givenInput(env: Environment, name: string): string {
  return env[`INPUT_${name.replace(/ /g, "_").toUpperCase()}`] ?? "";
}

/** The door's part of the config file. Without the file its parser is not even loaded. */
async function readConfig<I extends InputSpec, O extends OutputSpec>(
  { name, inputs, config }: Action<I, O>,
  { context }: Ports,
): Promise<DoorConfig> {
  const path = join(context.workspace, CONFIG_FILE);
  if (!existsSync(path)) return { inputs: {}, values: {} };
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ActionError("input", `${CONFIG_FILE} cannot be read: ${messageOf(error)}`, {
      hint: "Make it a readable file, or remove it: without it the defaults apply.",
      cause: error,
    });
  }
  const { parseConfig } = await import("../config.ts");
  return parseConfig(text, { door: name, inputs, config });
}

async function publish(ports: RealPorts, step: Step): Promise<void> {
  const { log, timeline, env } = ports;
  const file = timeline.file();
  if (file === undefined) return;
  const { ACTIONS_RUNTIME_TOKEN: token = "", ACTIONS_RESULTS_URL: url = "" } = env;
  if (token === "" || url === "") {
    log.debug(`No artifact service here: the timeline stays in ${file}`);
    return;
  }
  if (step.signal.aborted) {
    log.debug(`The step was cancelled: the timeline stays in ${file}`);
    return;
  }
  await step.bounded(
    publishTimeline(ports, file, timeline.step),
    PUBLISH_MS,
    "The timeline was not published: the artifact service did not answer in time.",
  );
}
