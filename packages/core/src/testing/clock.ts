import type { Clock } from "../clock.ts";

/** A clock that only moves when told to, or when somebody sleeps on it. */
export interface TestClock extends Clock {
  /** Moves time on and wakes who has slept long enough, in order. */
  advance(ms: number): void;
  /** The lengths of all sleeps so far. */
  readonly sleeps: number[];
}

/**
 * By default a sleep moves the clock itself and is over at once; with `manual`, sleepers wait for
 * `advance`.
 */
export function testClock(
  options: { start?: number; mode?: "automatic" | "manual" } = {},
): TestClock {
  let now = options.start ?? Date.UTC(2026, 0, 2, 3, 4, 5);
  const sleepers: { until: number; wake: () => void }[] = [];
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => now,
    advance: (ms) => {
      const end = now + ms;
      for (;;) {
        sleepers.sort((one, other) => one.until - other.until);
        const next = sleepers[0];
        if (next === undefined || next.until > end) break;
        sleepers.shift();
        now = next.until;
        next.wake();
      }
      now = end;
    },
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      sleeps.push(ms);
      if (options.mode !== "manual") {
        now += ms;
        // One turn of the event loop, so that a loop of sleeps starves nobody.
        await new Promise((resolve) => setImmediate(resolve));
        signal?.throwIfAborted();
        return;
      }
      await new Promise<void>((resolve, reject) => {
        const sleeper = { until: now + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener(
          "abort",
          () => {
            const index = sleepers.indexOf(sleeper);
            if (index >= 0) sleepers.splice(index, 1);
            reject(signal.reason as Error);
          },
          { once: true },
        );
      });
    },
  };
}
