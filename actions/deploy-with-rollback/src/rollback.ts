import type { Outcome } from "@go-cicd/core/action.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { HostRefusal, type Healing, type KnownRelease } from "./host.ts";
import type { outputs } from "./inputs.ts";
import { saveFinished, saveStarted } from "./left-over.ts";
import type { RollbackPlan } from "./plan.ts";
import { isFinished, type Verdict } from "./reason.ts";
import { RunRecord } from "./run-record.ts";
import { newToken, openHost, withLock, type Session } from "./target-session.ts";
import { ReleaseFailure } from "./watch-release.ts";
import { goBack } from "./way-back.ts";

/** Mode `rollback`: a release that was verified before serves again, or nothing has changed. */
export async function rollback(plan: RollbackPlan, ports: Ports): Promise<Outcome<typeof outputs>> {
  const record = new RunRecord(plan, ports);
  const { host } = await openHost(plan, ports);
  const session: Session = { host, token: newToken(), plan, record, ports };
  const { current } = await host.status();
  record.previous = current;
  record.release = plan.releaseTo ?? "none";
  saveStarted(ports.state, {
    token: session.token,
    release: record.release,
    started: record.started,
    image: record.image,
    previous: current ?? null,
  });
  const outcome = await withLock(session, "action", (recovered) =>
    rollBackTo(session, plan, recovered),
  );
  const verdict = "refused" in outcome ? outcome.refused : outcome;
  if (verdict.result === "refused") record.serving = current;
  if (isFinished(verdict)) saveFinished(ports.state);
  return record.conclude(verdict);
}

async function rollBackTo(
  session: Session,
  plan: RollbackPlan,
  recovered: Healing,
): Promise<Verdict> {
  const { host, token, record, ports } = session;
  const { current } = await host.status();
  const chosen = chooseRelease(await host.releases(), current, plan.releaseTo);
  if (typeof chosen !== "string") {
    // A killed deploy that was just undone is what `rollback` was for.
    if (recovered.kind === "restored" && plan.releaseTo === undefined) {
      record.release = recovered.release;
      record.serving = recovered.release;
      return {
        result: "rolled-back",
        reason: "interrupted",
        detail: `An interrupted deploy was undone: ${recovered.release} serves.`,
      };
    }
    return chosen;
  }
  record.release = chosen;
  if (chosen === current && (await host.sickness(chosen, 3_000)) === undefined) {
    record.serving = chosen;
    return {
      result: "unchanged",
      reason: "unchanged",
      detail: `Release ${chosen} serves already.`,
    };
  }
  try {
    ports.signal.throwIfAborted();
    await host.begin(token, "rollback", chosen);
    await record.step("verify files", () => host.admit(token, chosen));
    record.switchedAt = ports.clock.now();
    await record.step("switch", () => host.switch(token, chosen));
    await record.step("stop old", () => host.stopOld(token));
    await record.step("start", () => host.start(token, chosen));
    await record.step("health check", async () => {
      const sick = await host.sickness(chosen);
      if (sick !== undefined)
        throw new ReleaseFailure("health-timeout", `It is not well: ${sick}.`);
    });
    ports.signal.throwIfAborted();
    await record.step("commit", () => host.commit(token, chosen));
  } catch (error) {
    if (!(
      error instanceof HostRefusal ||
      error instanceof ReleaseFailure ||
      ports.signal.aborted
    )) {
      throw error;
    }
    const verdict = await goBack(session, error, (text) => text);
    // Back where it started is not where it was asked to go.
    return verdict.result === "rolled-back" ? { ...verdict, result: "failed" } : verdict;
  }
  record.serving = chosen;
  return {
    result: "rolled-back",
    reason: "requested",
    detail: `Release ${chosen} serves again and is verified.`,
  };
}

/** The release to go back to, or why there is none. */
export function chooseRelease(
  known: readonly KnownRelease[],
  current: string | undefined,
  wanted: string | undefined,
): string | Verdict {
  const none = (detail: string): Verdict => ({
    result: "refused",
    reason: "no-good-release",
    detail,
  });
  const verified = known.filter(({ mark }) => mark === "good" || mark === "retired");
  if (wanted !== undefined) {
    if (verified.some(({ id }) => id === wanted)) return wanted;
    const list = verified.map(({ id }) => id).join(", ");
    return none(
      `Release ${wanted} was never verified on this target. Verified are: ${list === "" ? "none" : list}.`,
    );
  }
  const before = verified.find(({ id, mark }) => id !== current && mark === "good");
  return before?.id ?? none("There is no verified release before the current one.");
}
