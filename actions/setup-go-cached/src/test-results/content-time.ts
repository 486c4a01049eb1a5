import { createHash } from "node:crypto";

const FIRST = Date.UTC(1990, 0, 1) / 1000;
const SPAN = 25 * 365 * 24 * 60 * 60;

/**
 * A time that follows from what `content` says: seconds since the epoch, with microseconds, between
 * 1990 and 2015. Long past, as Go takes nothing for unchanged that is younger than two seconds, and
 * precise enough to survive a double and every usual file system. Two contents share a time once in
 * 8 · 10^14.
 */
export function timeOf(content: string): number {
  const digest = createHash("sha256").update(content).digest();
  const seconds = FIRST + (digest.readUIntBE(0, 6) % SPAN);
  return seconds + (digest.readUInt32BE(6) % 1_000_000) / 1_000_000;
}

/** Whether a time (in milliseconds) is one that `timeOf` could have given. */
export function isContentTime(mtimeMs: number): boolean {
  return mtimeMs >= FIRST * 1000 && mtimeMs < (FIRST + SPAN + 1) * 1000;
}
