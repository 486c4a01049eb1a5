import { messageOf } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { SaveRequest, SaveResult } from "@go-cicd/core/store.ts";
import type { Saved } from "./store-plan.ts";

/** Files that were made right after the start can carry a time a few ticks before it. */
export const CLOCK_MARGIN_MS = 1_000;
/** What is not worth an entry of its own: less than this part of the whole. */
const LEAST_SHARE = 0.01;
const LEAST_BYTES = 64 * 1024;

export function skipped(detail: string): Saved {
  return { kind: "skipped", detail };
}

/** Why so little new is not saved, or undefined. */
export function notWorthIt(newBytes: number, bytes: number): string | undefined {
  if (newBytes === 0) return "nothing is new";
  if (newBytes >= LEAST_BYTES && newBytes >= bytes * LEAST_SHARE) return undefined;
  return `only ${newBytes} of ${bytes} bytes are new`;
}

/** The smallest of `items`, as many as take no more than `budget` bytes together. */
export function within<T extends { bytes: number }>(items: readonly T[], budget: number): T[] {
  const kept: T[] = [];
  let left = budget;
  for (const item of [...items].sort((a, b) => a.bytes - b.bytes)) {
    if (item.bytes > left) break;
    left -= item.bytes;
    kept.push(item);
  }
  return kept;
}

/** Saves an entry as a phase of the step. Nothing of a cache fails the job. */
export async function saveEntry(
  request: Omit<SaveRequest, "signal">,
  ports: Pick<Ports, "signal" | "store" | "timeline">,
): Promise<SaveResult> {
  const { name } = request;
  return ports.timeline.phase(`save ${name}`, async (phase) => {
    let result: SaveResult;
    try {
      result = await ports.store.save({ ...request, signal: ports.signal });
    } catch (error) {
      ports.signal.throwIfAborted();
      result = { kind: "failed", detail: messageOf(error) };
    }
    if (result.kind === "saved") phase.count("files", result.files);
    phase.cache(name, result.kind, result.kind === "saved" ? result.bytes : 0);
    return result;
  });
}
