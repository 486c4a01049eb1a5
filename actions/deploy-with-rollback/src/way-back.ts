import { messageOf } from "@go-cicd/core/errors.ts";
import { HostRefusal, type Healing, type HostStatus } from "./host.ts";
import type { Reason, Verdict } from "./reason.ts";
import { reasonOf, verdictOf, type Session } from "./target-session.ts";
import { ReleaseFailure } from "./watch-release.ts";

/**
 * A cancelled step has 7.5 s until SIGTERM and 2.5 s more until SIGKILL (runner ProcessInvoker);
 * what is not back by then is finished by post, or by the host itself.
 */
const CANCEL_BUDGET_MS = 5_000;

/** The service's last lines that go into log and summary. */
const EVIDENCE_LINES = 40;

/** From a release that failed to the last verified one: evidence first, it is gone afterwards. */
export async function goBack(
  session: Session,
  error: unknown,
  redact: (text: string) => string,
): Promise<Verdict> {
  const { host, token, record, ports } = session;
  record.judgedAt = ports.clock.now();
  const { reason, detail } = failureOf(error, ports.signal.aborted);
  if (reason === "cancelled") return goBackHurried(session);
  if (reason === "dead-man") return lostVerdict(session, detail);
  const said = redact(detail);
  markFailed(session, said);
  ports.log.info(`Release ${record.release} failed (${reason}): ${said}`);
  await collectEvidence(session, redact);
  let healing: Healing;
  try {
    healing = await record.step("roll back", () => host.heal(token, "action"));
  } catch (refusal) {
    if (!(refusal instanceof HostRefusal)) throw refusal;
    if (refusal.code === "lost") return lostVerdict(session, said);
    healing = { kind: "failed", release: "the last verified release", why: refusal.message };
  }
  if (healing.kind === "none") {
    // The lock is still ours, so nobody was quicker: either it was final already, or never begun.
    const status = await host.status();
    if (status.last?.token === token) return settled(session, status, reason, said);
    record.serving = status.running;
    return { result: "refused", reason, detail: said };
  }
  record.restoredAt = ports.clock.now();
  const { verdict, serving } = verdictOf(healing, reason, said);
  record.serving = serving;
  if (healing.kind === "restored") ports.log.info(`Release ${healing.release} serves again.`);
  return verdict;
}

function failureOf(error: unknown, aborted: boolean): { reason: Reason; detail: string } {
  if (aborted) return { reason: "cancelled", detail: "The step was cancelled." };
  if (error instanceof ReleaseFailure) return { reason: error.reason, detail: error.message };
  if (error instanceof HostRefusal) {
    const text = `${error.message.slice(0, 1).toUpperCase()}${error.message.slice(1)}.`;
    return { reason: reasonOf(error), detail: text };
  }
  return { reason: "host", detail: `${messageOf(error)}.` };
}

function markFailed({ record }: Session, detail: string): void {
  const last = record.steps.at(-1);
  if (last !== undefined) last.detail = detail;
}

async function collectEvidence(session: Session, redact: (text: string) => string): Promise<void> {
  const { host, record, ports } = session;
  try {
    const text = redact(await host.log(record.release, EVIDENCE_LINES));
    record.evidence = text;
    if (text.trim() === "") return;
    await ports.log.group("Last lines of the service", () =>
      ports.log.fenced((write) => {
        write(text);
        return Promise.resolve();
      }),
    );
  } catch (error) {
    // Evidence is worth little beside a service that is down.
    ports.log.debug(`No evidence: ${messageOf(error)}`);
  }
}

/** The way back runs on the host by itself; we look on for as long as the runner lets us. */
async function goBackHurried(session: Session): Promise<Verdict> {
  const { host, token, record, ports } = session;
  const detail = "The step was cancelled.";
  markFailed(session, detail);
  const until = ports.clock.now() + CANCEL_BUDGET_MS;
  try {
    await host.healDetached(token);
    session.healing = true;
    while (ports.clock.now() < until) {
      const status = await host.status();
      if (status.journal === undefined && status.lock === undefined) {
        record.restoredAt = ports.clock.now();
        return settled(session, status, "cancelled", detail);
      }
      await ports.clock.sleep(200);
    }
  } catch (error) {
    if (!(error instanceof HostRefusal)) throw error;
    ports.log.warning(`The way back could not be watched: ${error.message}`);
  }
  return {
    result: "inconclusive",
    reason: "cancelled",
    detail: `${detail} The way back is still at work; the end of the job makes sure of it.`,
  };
}

/** The lock is no longer ours: the host has gone back by itself, or somebody else took over. */
async function lostVerdict(session: Session, detail: string): Promise<Verdict> {
  const { host, record, ports } = session;
  record.restoredAt = ports.clock.now();
  return settled(session, await host.status(), "dead-man", detail);
}

/** What the host's history says of a deploy that was brought to its end by another hand. */
export function settled(
  { record, token }: Pick<Session, "record" | "token">,
  { last, running, current }: HostStatus,
  reason: Reason,
  detail: string,
): Verdict {
  record.serving = running === current ? running : undefined;
  if (last?.token !== token) {
    return { result: "inconclusive", reason, detail: `${detail} Another deploy has taken over.` };
  }
  const healing: Healing = {
    good: { kind: "forward" as const, release: last.release },
    restored: { kind: "restored" as const, release: last.good ?? "" },
    stopped: { kind: "stopped" as const },
    failed: {
      kind: "failed" as const,
      release: last.good ?? "",
      why: "see the logs in its .deploy folder",
    },
  }[last.event];
  return verdictOf(healing, reason, detail).verdict;
}
