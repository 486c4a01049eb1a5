import type { Outcome } from "@go-cicd/core/action.ts";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { outputs } from "./inputs.ts";
import { loadLeftOver, saveFinished } from "./left-over.ts";
import type { TargetPlan } from "./plan.ts";
import type { Verdict } from "./reason.ts";
import { RunRecord } from "./run-record.ts";
import { newToken, openHost, verdictOf, withLock, type Session } from "./target-session.ts";
import { settled } from "./way-back.ts";

const KILLED = "The deploy was interrupted before it came to its verdict.";

/** Mode `recover`: whatever was left open is brought to one verified release that serves. */
export async function recover(plan: TargetPlan, ports: Ports): Promise<Outcome<typeof outputs>> {
  const record = new RunRecord(plan, ports);
  const { host } = await openHost(plan, ports);
  const session: Session = { host, token: newToken(), plan, record, ports };
  const before = await host.status();
  record.previous = before.current;
  record.release = before.journal?.release ?? before.current ?? "none";
  const outcome = await withLock(session, "recover", async (healing): Promise<Verdict> => {
    const { verdict, serving } =
      healing.kind === "none" ? await wakeUp(session) : verdictOf(healing, "interrupted", KILLED);
    record.serving = serving;
    return verdict;
  });
  const verdict = "refused" in outcome ? outcome.refused : outcome;
  return record.conclude(verdict);
}

/** No journal is open, but the service may be down all the same: after a reboot, for one. */
async function wakeUp(
  session: Session,
): Promise<{ verdict: Verdict; serving: string | undefined }> {
  const { host, token, record } = session;
  const { good, running } = await host.status();
  const nothing: Verdict = {
    result: "unchanged",
    reason: "nothing-open",
    detail: "No deploy was left open.",
  };
  if (good === undefined) return { verdict: nothing, serving: undefined };
  record.release = good;
  if (running === good && (await host.sickness(good, 3_000)) === undefined) {
    return { verdict: nothing, serving: good };
  }
  await host.begin(token, "recover", good);
  const healing = await record.step("start", () => host.heal(token, "recover"));
  return verdictOf(healing, "interrupted", `Release ${good} was down.`);
}

/**
 * Post: nothing when main came to its end. Else what main began is finished under a lock of our
 * own, and told as main would have told it.
 * @throws ActionError `deploy` when no verified release serves afterwards
 */
export async function finishLeftOver(plan: TargetPlan, ports: Ports): Promise<void> {
  const left = loadLeftOver(ports.state);
  if (left === undefined) return;
  const record = new RunRecord(plan, ports, left.started);
  record.release = left.release;
  record.image = left.image;
  record.previous = left.previous ?? undefined;
  record.judgedAt = ports.clock.now();
  const { host } = await openHost(plan, ports);
  const session: Session = { host, token: newToken(), plan, record, ports };
  const outcome = await withLock(
    session,
    "post",
    async (healing): Promise<Verdict | "untouched"> => {
      record.restoredAt = ports.clock.now();
      if (healing.kind !== "none") {
        const { verdict, serving } = verdictOf(healing, "interrupted", KILLED);
        record.serving = serving;
        return verdict;
      }
      // No journal: either main never began, or the host has been quicker than we.
      const status = await host.status();
      if (status.last?.token !== left.token) return "untouched";
      return settled({ record, token: left.token }, status, "interrupted", KILLED);
    },
  );
  saveFinished(ports.state);
  if (outcome === "untouched") {
    ports.log.info("The deploy was interrupted before it changed anything.");
    return;
  }
  if ("refused" in outcome) {
    ports.log.warning(`${outcome.refused.detail} It finishes what this one left open.`);
    return;
  }
  const { failure } = await record.conclude(outcome);
  // Main is red already; a rollback that did not succeed is a matter of its own.
  if (outcome.result === "rollback-failed") throw failure ?? new ActionError("deploy", KILLED);
  ports.log.info(`Finished at the job's end: ${outcome.result}.`);
}
