/** The effects of a deploy, in order. Each word stands in the journal before its effect. */
export const PHASES = ["begin", "copied", "switch", "stop", "start", "commit"] as const;

export type Phase = (typeof PHASES)[number];

/** What a host's journal says. `good` is the verified release to go back to. */
export interface Journal {
  phase: Phase;
  token: string;
  kind: "deploy" | "rollback" | "recover";
  release: string;
  good: string | undefined;
}

/** Where an open journal leads. The agent (`heal`) decides by the same rule. */
export type WayOut =
  /** The verdict was in: the release is final if it still serves, else as `back`. */
  | { kind: "forward"; release: string }
  | { kind: "back"; release: string }
  /** The first release of a target failed: nothing good to go back to. */
  | { kind: "stop" };

/**
 * The rule of recovery: only a deploy whose verdict was written goes forward; every other one goes
 * back, however far it came, so that no phase needs a case of its own.
 */
export function wayOut({ phase, release, good }: Journal): WayOut {
  if (phase === "commit") return { kind: "forward", release };
  return good === undefined ? { kind: "stop" } : { kind: "back", release: good };
}
