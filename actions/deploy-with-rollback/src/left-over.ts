import * as v from "valibot";
import type { State } from "@go-cicd/core/state.ts";

const STARTED = "started";
const FINISHED = "finished";

const leftOver = v.object({
  token: v.string(),
  release: v.string(),
  /** Epoch milliseconds. */
  started: v.number(),
  image: v.object({
    reference: v.string(),
    digest: v.string(),
    platforms: v.record(v.string(), v.string()),
  }),
  previous: v.nullable(v.string()),
});

/** What post must know to finish a deploy whose main was killed. */
export type LeftOver = v.InferOutput<typeof leftOver>;

/** Saved before the first effect. */
export function saveStarted(state: State, started: LeftOver): void {
  state.save(STARTED, started);
}

/** Saved when the target is whole again and the lock is gone. */
export function saveFinished(state: State): void {
  state.save(FINISHED, true);
}

/** Undefined when main began nothing, or came to its end. */
export function loadLeftOver(state: State): LeftOver | undefined {
  if (state.load(FINISHED) === true) return undefined;
  const found = v.safeParse(leftOver, state.load(STARTED));
  return found.success ? found.output : undefined;
}
