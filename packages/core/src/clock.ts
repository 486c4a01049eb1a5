/** Time, so that code that waits can be tested without waiting. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Resolves after `ms`; rejects with the reason when `signal` is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
