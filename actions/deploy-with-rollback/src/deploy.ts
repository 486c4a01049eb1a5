import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { tmpdir } from "node:os";
import type { Outcome } from "@go-cicd/core/action.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { platformName } from "@go-cicd/oci/spec.ts";
import { entrypointOf, platformOf, stageImage, type StagedImage } from "./image.ts";
import type { outputs } from "./inputs.ts";
import { saveFinished, saveStarted } from "./left-over.ts";
import { manifestOf } from "./manifest.ts";
import type { DeployPlan } from "./plan.ts";
import { isFinished, REASONS, type Verdict } from "./reason.ts";
import { looksSecret, redactor } from "./redact.ts";
import { identityOf, isReleaseId, releaseFiles, releaseId, type Launch } from "./release.ts";
import { RunRecord } from "./run-record.ts";
import { newToken, openHost, withLock, type Session } from "./target-session.ts";
import { watchRelease } from "./watch-release.ts";
import { goBack } from "./way-back.ts";

/**
 * Brings a release out: everything that can be known before is checked before the first effect;
 * after it, every way this can end leads to one verified release.
 */
export async function deploy(plan: DeployPlan, ports: Ports): Promise<Outcome<typeof outputs>> {
  for (const [name, value] of Object.entries(plan.env)) {
    if (looksSecret(name) && value !== "") ports.log.mask(value);
  }
  const record = new RunRecord(plan, ports);
  record.url = `http://127.0.0.1:${plan.health.port}`;
  const { host, facts } = await openHost(plan, ports);
  const platform = platformOf(facts);
  const temp = ports.context.temp === "" ? tmpdir() : ports.context.temp;
  ports.log.info(`Fetching ${plan.image.text} for ${platformName(platform)}`);
  const staged = await record.step("fetch image", () =>
    ports.timeline.phase("verify image", async (phase) => {
      const image = await stageImage(plan.image, platform, temp, ports);
      phase.count("files", image.files);
      phase.count("bytes", image.bytes);
      return image;
    }),
  );
  try {
    const launch = launchOf(plan, staged);
    record.image = {
      reference: plan.image.text,
      digest: plan.image.pinned,
      platforms: staged.platforms,
    };
    const session: Session = { host, token: newToken(), plan, record, ports };
    const { current } = await host.status();
    record.previous = current;
    record.release = await freshId(session, plan);
    saveStarted(ports.state, {
      token: session.token,
      release: record.release,
      started: record.started,
      image: record.image,
      previous: current ?? null,
    });
    const outcome = await withLock(session, "action", () =>
      bringOut(session, plan, launch, staged),
    );
    const verdict = "refused" in outcome ? outcome.refused : outcome;
    if (verdict.result === "refused") record.serving = current;
    if (isFinished(verdict)) saveFinished(ports.state);
    return await record.conclude(verdict);
  } finally {
    await rm(dirname(staged.root), { recursive: true, force: true });
  }
}

function launchOf(plan: DeployPlan, staged: StagedImage): Launch {
  const { program, args } = entrypointOf(staged.root, staged.config, plan.args);
  const imageEnv = Object.fromEntries(
    (staged.config.Env ?? []).map((line): [string, string] => {
      const at = line.indexOf("=");
      return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
    }),
  );
  const usable = Object.entries(imageEnv).filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  return {
    program,
    args,
    env: { ...Object.fromEntries(usable), PORT: String(plan.health.port), ...plan.env },
    workdir: staged.config.WorkingDir ?? "/",
  };
}

async function freshId({ host, ports }: Session, plan: DeployPlan): Promise<string> {
  const known = new Set((await host.releases()).map(({ id }) => id));
  const first = releaseId(ports.clock.now(), plan.image.pinned);
  if (!isReleaseId(first)) throw new Error(`${first} is no release id`);
  let id = first;
  for (let count = 2; known.has(id); count++) id = `${first}-${count}`;
  return id;
}

async function bringOut(
  session: Session,
  plan: DeployPlan,
  launch: Launch,
  staged: StagedImage,
): Promise<Verdict> {
  const { host, token, record, ports } = session;
  const before = await host.status();
  record.previous = before.current;
  record.serving = before.running;
  const same = await unchangedRelease(session, plan, launch);
  if (same !== undefined) {
    record.release = same;
    record.serving = same;
    return {
      result: "unchanged",
      reason: "unchanged",
      detail: `Release ${same} of the same image serves already and is healthy.`,
    };
  }
  const owner = await host.port(plan.health.port);
  if (owner !== "free" && owner !== "ours") {
    return {
      result: "refused",
      reason: "port-taken",
      detail: `Port ${plan.health.port} is taken by ${owner}.`,
    };
  }
  const { release } = record;
  let begun = false;
  try {
    ports.signal.throwIfAborted();
    begun = true;
    const good = await host.begin(token, "deploy", release);
    ports.log.info(
      good === undefined
        ? `Release ${release} is the first of this target.`
        : `Release ${release}; ${good} is the way back.`,
    );
    await record.step("copy and verify", async () => {
      const manifest = await manifestOf(staged.root);
      const files = releaseFiles(
        host.rootOf(release),
        launch,
        plan.health,
        manifest,
        plan.image.pinned,
      );
      await withBeats(session, plan.deadManMs, host.upload(release, staged.root, files));
      await host.admit(token, release);
    });
    ports.signal.throwIfAborted();
    record.switchedAt = ports.clock.now();
    await record.step("switch", () => host.switch(token, release));
    await record.step("stop old", () => host.stopOld(token));
    ports.signal.throwIfAborted();
    await record.step("start new", () => host.start(token, release));
    await watchRelease(session, plan);
    ports.signal.throwIfAborted();
    await record.step("commit", () => host.commit(token, release));
  } catch (error) {
    if (!begun) return cancelledBefore();
    return await goBack(session, error, redactor(plan.env));
  }
  record.serving = release;
  await prune(session);
  return {
    result: "deployed",
    reason: "ok",
    detail: `Release ${release} serves at ${record.url ?? ""}: ${REASONS.ok}.`,
  };
}

function cancelledBefore(): Verdict {
  return {
    result: "refused",
    reason: "cancelled",
    detail: "The step was cancelled before anything was changed.",
  };
}

async function unchangedRelease(
  { host, record }: Session,
  plan: DeployPlan,
  launch: Launch,
): Promise<string | undefined> {
  const { current, running } = await host.status();
  if (current === undefined || running !== current) return undefined;
  const wanted = identityOf(launch, plan.health, plan.image.pinned);
  const known = (await host.releases()).find(({ id }) => id === current);
  if (known?.mark !== "good" || known.identity !== wanted) return undefined;
  // What serves well answers at once; waiting longer would only delay the deploy that mends it.
  const sick = await record.step("check current", () => host.sickness(current, 3_000));
  return sick === undefined ? current : undefined;
}

/** A long copy is no sign of death. */
async function withBeats<T>(session: Session, deadManMs: number, work: Promise<T>): Promise<T> {
  const { host, token } = session;
  const timer = setInterval(() => {
    // A beat that is refused is told by the next effect.
    host.beat(token).catch(() => undefined);
  }, deadManMs / 4);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

async function prune({ host, token, plan, ports }: Session): Promise<void> {
  try {
    for (const removed of await host.prune(token, plan.keep)) {
      ports.log.debug(`Removed the old release ${removed}.`);
    }
  } catch (error) {
    // The deploy is final; old folders are only a matter of space.
    ports.log.warning(`Old releases were not removed: ${String(error)}`);
  }
}
