/** Ctrl-C, told apart: the first asks for an orderly end, the second for the end. */
export interface Interruptions {
  first: AbortSignal;
  second: AbortSignal;
  /** Gives the signals back to the system. */
  stop(): void;
}

/**
 * A terminal sends Ctrl-C to every process of the group, and the starting script forwards what it
 * gets as well: what comes within this time of the first is the same key press.
 */
const SAME_MS = 500;

export function interruptions(): Interruptions {
  const first = new AbortController();
  const second = new AbortController();
  let since = 0;
  const listener = (): void => {
    if (!first.signal.aborted) {
      since = Date.now();
      first.abort();
    } else if (Date.now() - since > SAME_MS) second.abort();
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, listener);
  return {
    first: first.signal,
    second: second.signal,
    stop: () => {
      for (const signal of signals) process.off(signal, listener);
    },
  };
}
