import * as core from "@actions/core";
import type { ConfiguredValue } from "../config.ts";
import { jobContext } from "../context.ts";
import type { Log } from "../log.ts";
import type { Ports } from "../ports.ts";
import type { State } from "../state.ts";
import { runArtifacts } from "./artifacts.ts";
import { systemClock } from "./clock.ts";
import { httpClient } from "./http.ts";
import { lazyStore } from "./lazy-store.ts";
import { realProcesses } from "./processes.ts";
import { stepSummary } from "./summary.ts";
import { fileTimeline, type StepTimeline } from "./timeline.ts";

export interface RealPorts extends Ports {
  timeline: StepTimeline;
}

interface Options {
  step: { door: string; stage: "main" | "post" };
  log: Log;
  state: State;
  signal: AbortSignal;
  config: (key: string) => ConfiguredValue | undefined;
  /** Called when something was given up whose connections may keep the process alive. */
  onGivenUp: () => void;
}

/** The ports of a real step, over this process's environment. */
export function realPorts({ step, log, state, signal, config, onGivenUp }: Options): RealPorts {
  const env = process.env;
  const context = jobContext(env, process.cwd());
  const clock = systemClock();
  const processes = realProcesses();
  const http = httpClient(clock);
  const timeline = fileTimeline({
    temp: context.temp,
    step: {
      ...step,
      job: context.job,
      leg: matrixLeg(env["INPUT_MATRIX"]),
      attempt: context.runAttempt,
    },
    clock,
    state,
    log,
  });
  return {
    env,
    context,
    log,
    processes,
    http,
    store: lazyStore(async () => {
      const { actionsStore } = await import("./actions-store.ts");
      return actionsStore({ env, http, processes, log });
    }),
    artifacts: runArtifacts(env, { onGivenUp }),
    state,
    summary: stepSummary(env, log),
    timeline,
    clock,
    config,
    exportVariable: (name, value) => core.exportVariable(name, value),
    addPath: (folder) => core.addPath(folder),
    signal,
  };
}

/**
 * The matrix leg as compact JSON, or empty. Nothing but a workflow expression knows the matrix, so
 * doors that run in one have an input `matrix` with the default `${{ toJSON(matrix) }}`.
 */
export function matrixLeg(text: string | undefined): string {
  try {
    const leg: unknown = JSON.parse(text ?? "");
    return typeof leg === "object" && leg !== null ? JSON.stringify(leg) : "";
  } catch {
    return "";
  }
}
