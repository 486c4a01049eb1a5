import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

/** A process that outlived the job that started it. */
export interface Survivor {
  pid: number;
  /** Its command line; empty when it could not be read. */
  command: string;
}

/** How long the kernel is given to end what was killed. */
const END_MS = 5_000;

/**
 * Ends every process that carries the job's RUNNER_TRACKING_ID, as the runner does after the last
 * step (JobExtension: "Terminate orphan process"), and tells which there were. It looks again until
 * there is none: a process may start another one meanwhile. A service that is meant to live on must
 * be started without that variable. Linux only: elsewhere nothing is found.
 */
export async function endOrphans(trackingId: string): Promise<Survivor[]> {
  const ended = new Map<number, Survivor>();
  const until = Date.now() + END_MS;
  for (;;) {
    const found = findOrphans(trackingId);
    if (found.length === 0 || Date.now() > until) return [...ended.values()];
    for (const survivor of found) {
      ended.set(survivor.pid, survivor);
      try {
        process.kill(survivor.pid, "SIGKILL");
      } catch {
        // It ended by itself meanwhile.
      }
    }
    await setTimeout(10);
  }
}

/** Processes of the job that still run. */
export function findOrphans(trackingId: string): Survivor[] {
  if (process.platform !== "linux") return [];
  const marker = `RUNNER_TRACKING_ID=${trackingId}`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && procFile(pid, "environ").includes(marker))
    .filter((pid) => !/\nState:\s+[ZX]/.test(procFile(pid, "status").join("\n")))
    .map((pid) => ({ pid, command: procFile(pid, "cmdline").join(" ").trim() }));
}

function procFile(pid: number, name: "environ" | "cmdline" | "status"): string[] {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8").split("\0");
  } catch {
    // Another user's process, or one that has just ended.
    return [];
  }
}
