import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../clock.ts";

/** The machine's clock. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    sleep: async (ms, signal) => {
      try {
        await wait(ms, undefined, signal === undefined ? {} : { signal });
      } catch (error) {
        // node:timers rejects with an AbortError of its own; callers want the reason.
        signal?.throwIfAborted();
        throw error;
      }
    },
  };
}
