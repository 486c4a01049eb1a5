import { createHash } from "node:crypto";
import { shellQuote } from "./shell-quote.ts";

/** How a release's health is judged; the agent holds a release to the same contract later. */
export interface HealthContract {
  port: number;
  path: string;
  /** Numbers and ranges: `200-299`. */
  statuses: readonly string[];
  /** Milliseconds each. */
  waitMs: number;
  tryMs: number;
  intervalMs: number;
  stopMs: number;
  successes: number;
  version: { path: string; text: string } | undefined;
}

/** How the service is started. Paths are those inside the image. */
export interface Launch {
  /** Absolute, links followed. */
  program: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  workdir: string;
}

/** The files beside `root/` that make a folder a release: name → content. */
export type ReleaseFiles = Readonly<Record<string, string>>;

/** `20261123T005600Z-0123456789ab`; sorts by time. */
export function releaseId(nowMs: number, digest: string): string {
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "");
  return `${time}-${digest.replace("sha256:", "").slice(0, 12)}`;
}

/** True for text that the agent takes as a release id. */
export function isReleaseId(text: string): boolean {
  return /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/.test(text);
}

/**
 * The files that the agent reads. What a shell evaluates there is quoted words and nothing else.
 * `root` is where the image's files stand on the host.
 */
export function releaseFiles(
  root: string,
  launch: Launch,
  health: HealthContract,
  manifest: string,
  digest: string,
): ReleaseFiles {
  const argv = `${[`${root}${launch.program}`, ...launch.args].map(shellQuote).join(" ")}\n`;
  const env = Object.entries(launch.env)
    .map(([name, value]) => `export ${name}=${shellQuote(value)}\n`)
    .join("");
  return {
    manifest,
    argv,
    env,
    workdir: `${launch.workdir}\n`,
    health: healthFile(health),
    identity: `${identityOf(launch, health, digest)}\n`,
  };
}

/**
 * What two deploys have in common when the second has nothing to do: image, start and health.
 * The environment's values are part of it, so the identity is a keyless hash that stays on the host
 * in a folder of the deploying user.
 */
export function identityOf(launch: Launch, health: HealthContract, digest: string): string {
  const env = Object.entries(launch.env).sort(([a], [b]) => (a < b ? -1 : 1));
  const { port, path, statuses, version } = health;
  return createHash("sha256")
    .update(
      JSON.stringify([
        digest,
        launch.program,
        launch.args,
        env,
        launch.workdir,
        [port, path, statuses, version ?? null],
      ]),
    )
    .digest("hex");
}

function healthFile(health: HealthContract): string {
  const values: [string, string | number][] = [
    ["PORT", health.port],
    ["HEALTH", health.path],
    ["STATUSES", health.statuses.join(" ")],
    ["WAIT", seconds(health.waitMs)],
    ["TRY", seconds(health.tryMs)],
    ["TIMES", health.successes],
    ["INTERVAL", health.intervalMs / 1000],
    ["GRACE", seconds(health.stopMs)],
    ["VERSION_PATH", health.version?.path ?? ""],
    ["VERSION", health.version?.text ?? ""],
  ];
  return values.map(([name, value]) => `${name}=${shellQuote(String(value))}\n`).join("");
}

/** Whole seconds, rounded up: what a POSIX shell can count with. */
export function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
