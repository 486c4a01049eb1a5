import { Stability, Startup, isAccepted, type HealthVerdict, type Sighting } from "./health.ts";
import type { DeployPlan } from "./plan.ts";
import type { Reason } from "./reason.ts";
import type { Session } from "./target-session.ts";

/** A release that will not be final: the reason for the way back. */
export class ReleaseFailure extends Error {
  override readonly name = "ReleaseFailure";
  readonly reason: Reason;

  constructor(reason: Reason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** Milliseconds between two tries while nothing listens yet: those cost the service nothing. */
const REFUSED_PAUSE_MS = 200;

/**
 * Health, version, and that both stay so.
 * @throws ReleaseFailure
 */
export async function watchRelease(session: Session, plan: DeployPlan): Promise<void> {
  const { record, ports, host } = session;
  const { health } = plan;
  await record.step("health check", async () => {
    const startup = new Startup(health, ports.clock.now());
    for (;;) {
      const sighting = await look(session, plan, health.path);
      if (decided(startup.see(sighting, ports.clock.now()))) break;
      const refused = sighting.kind === "running" && sighting.answer === "refused";
      await ports.clock.sleep(
        refused ? Math.min(REFUSED_PAUSE_MS, health.intervalMs) : health.intervalMs,
        ports.signal,
      );
    }
    const foreign = await host.foreignListener(health.port);
    if (foreign !== undefined) {
      throw new ReleaseFailure(
        "foreign-listener",
        `The answers on port ${health.port} do not come from the release but from ${foreign}.`,
      );
    }
  });
  if (health.version !== undefined) {
    await record.step("version check", () => checkVersion(session, plan));
  }
  await record.step("stability window", async () => {
    const stability = new Stability(health);
    const end = ports.clock.now() + plan.stableMs;
    for (let left = plan.stableMs; left > 0; left = end - ports.clock.now()) {
      await ports.clock.sleep(Math.min(left, health.intervalMs), ports.signal);
      decided(stability.see(await look(session, plan, health.path)));
    }
  });
}

async function checkVersion(session: Session, plan: DeployPlan): Promise<void> {
  const { version } = plan.health;
  if (version === undefined) return;
  const sighting = await look(session, plan, version.path);
  if (sighting.kind === "ended") {
    decided(new Stability(plan.health).see(sighting));
    return;
  }
  const { answer, body } = sighting;
  if (
    typeof answer === "number" &&
    isAccepted(["200-299"], answer) &&
    body.includes(version.text)
  ) {
    return;
  }
  const said = body.trim().replace(/\s+/g, " ").slice(0, 200);
  throw new ReleaseFailure(
    "version-mismatch",
    `GET ${version.path} should name ${JSON.stringify(version.text)}, and answered ${answer}: ${JSON.stringify(said)}.`,
  );
}

function look(
  { host, token, record, ports }: Session,
  { health }: DeployPlan,
  path: string,
): Promise<Sighting> {
  ports.signal.throwIfAborted();
  return host.observe(token, record.release, {
    port: health.port,
    path,
    timeoutMs: health.tryMs,
  });
}

/** True once it is healthy. */
function decided(verdict: HealthVerdict): boolean {
  if (verdict.kind === "failed") throw new ReleaseFailure(verdict.reason, verdict.detail);
  return verdict.kind === "healthy";
}
