import { randomBytes } from "node:crypto";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { agentHost } from "./agent-host.ts";
import { HostRefusal, type Healing, type Host, type HostFacts } from "./host.ts";
import { wayOut, type Journal } from "./journal.ts";
import { localLine } from "./local-line.ts";
import type { TargetPlan } from "./plan.ts";
import type { Reason, Verdict } from "./reason.ts";
import { seconds } from "./release.ts";
import type { RunRecord } from "./run-record.ts";

/** One step's hold on a target. */
export interface Session {
  host: Host;
  /** Fences every effect: who no longer holds the lock can change nothing. */
  token: string;
  plan: TargetPlan;
  record: RunRecord;
  ports: Ports;
  /** The host is on its way back by itself, and lets go of the lock at its end. */
  healing?: boolean;
}

/** A token says who held a lock; letters the agent needs no quoting for. */
export function newToken(): string {
  return randomBytes(12).toString("hex");
}

/**
 * The target's host, with its agent in place.
 * @throws ActionError `environment` when it cannot be written or lacks a tool
 */
export async function openHost(
  plan: TargetPlan,
  ports: Ports,
): Promise<{ host: Host; facts: HostFacts }> {
  if (process.platform === "win32") {
    throw new ActionError("environment", "A local target needs Linux or macOS");
  }
  const host = agentHost(localLine(plan.folder, ports));
  try {
    return { host, facts: await host.hello() };
  } catch (error) {
    if (!(error instanceof HostRefusal)) throw error;
    const hint =
      error.code === "unwritable"
        ? "Give a folder in `target` that this user may write."
        : error.code === "tool"
          ? "Install one of them on the host."
          : undefined;
    throw new ActionError(
      "environment",
      `The target ${plan.target} cannot be used: ${error.message}`,
      {
        ...(hint === undefined ? {} : { hint }),
        cause: error,
      },
    );
  }
}

/**
 * Runs `work` while this step holds the target's lock, after whatever a killed deploy left open was
 * brought to its end. The lock is let go in any case but one: a host that is on its way back by
 * itself stops where it finds the lock gone.
 */
export async function withLock<T>(
  session: Session,
  by: string,
  work: (recovered: Healing) => Promise<T>,
): Promise<T | { refused: Verdict }> {
  const { host, token, plan, ports } = session;
  const { context } = ports;
  const label = `${context.repository} run ${context.runId} attempt ${context.runAttempt}`;
  const lock = await host.lock(token, seconds(plan.deadManMs), label.replace(/[^\w ./-]/g, "_"));
  if (lock.kind === "held") {
    const detail = `Another deploy is at work on ${plan.target} (process ${lock.by}).`;
    return { refused: { result: "refused", reason: "locked", detail } };
  }
  if (lock.dead !== undefined) {
    ports.log.info("The lock's holder is dead: the lock was taken over.");
  }
  try {
    const { journal } = await host.status();
    const healing =
      journal === undefined ? { kind: "none" as const } : await recoverOpen(session, journal, by);
    return await work(healing);
  } finally {
    if (session.healing !== true) {
      await host.unlock(token).catch((error: unknown) => {
        ports.log.warning(`The lock was not let go: ${String(error)}. It ends with this step.`);
      });
    }
  }
}

async function recoverOpen(session: Session, journal: Journal, by: string): Promise<Healing> {
  const { host, token, record, ports } = session;
  const way = wayOut(journal);
  const plan = {
    forward: () => "its verdict was in, so it is made final",
    back: () => `going back to ${way.kind === "back" ? way.release : ""}`,
    stop: () => "there is no verified release, so it is stopped",
  }[way.kind]();
  ports.log.info(
    `An earlier ${journal.kind} of ${journal.release} was interrupted after "${journal.phase}": ${plan}.`,
  );
  const healing = await record.step("recover", () => host.heal(token, by));
  if (healing.kind === "failed") {
    ports.log.warning(`Release ${healing.release} could not be brought back: ${healing.why}.`);
  }
  return healing;
}

/** What a way back means for the run that took it. */
export function verdictOf(
  healing: Healing,
  reason: Reason,
  detail: string,
): { verdict: Verdict; serving: string | undefined } {
  switch (healing.kind) {
    case "restored":
      return { verdict: { result: "rolled-back", reason, detail }, serving: healing.release };
    case "forward":
      return { verdict: { result: "deployed", reason: "ok", detail }, serving: healing.release };
    case "stopped":
    case "none":
      return {
        verdict: {
          result: "failed",
          reason,
          detail: `${detail} There was no verified release to go back to: the service is stopped.`,
        },
        serving: undefined,
      };
    case "failed":
      return {
        verdict: {
          result: "rollback-failed",
          reason,
          detail: `${detail} Going back to ${healing.release} failed: ${healing.why}.`,
        },
        serving: undefined,
      };
  }
}

/** The code for what a host refused. */
export function reasonOf({ code }: HostRefusal): Reason {
  switch (code) {
    case "integrity":
      return "integrity";
    case "port":
      return "port-taken";
    case "start":
      return "start";
    case "lost":
      return "dead-man";
    default:
      return "host";
  }
}
