import { appendFileSync, closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { isSystemError, messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { State } from "../state.ts";
import { timelineFolder, type Phase, type Timeline, type TimelineEvent } from "../timeline.ts";

/** Name of the state that makes main and post of one step write one file. */
const FILE_STATE = "timelineFile";

export interface StepTimeline extends Timeline {
  /** The file of this step, or undefined while it has no events. */
  file(): string | undefined;
  /** What names the step among all of the run. */
  readonly step: StepName;
}

type StepName = Pick<TimelineEvent, "door" | "stage" | "job" | "leg" | "attempt">;

interface Options {
  /** `RUNNER_TEMP`; empty switches the file off. */
  temp: string;
  step: StepName;
  clock: Clock;
  state: State;
  log: Log;
}

/**
 * The timeline of a step: one JSON line per phase, on disk before the phase's result is used, so
 * that it survives a kill. A file that cannot be written costs a warning, never the step.
 */
export function fileTimeline({ temp, step, clock, state, log }: Options): StepTimeline {
  const saved = state.load(FILE_STATE);
  let file = typeof saved === "string" && saved !== "" ? saved : undefined;
  let off = temp === "";

  function append(event: TimelineEvent): void {
    if (off) return;
    try {
      if (file === undefined) {
        file = createFile(timelineFolder(temp), step.door);
        state.save(FILE_STATE, file);
      }
      appendFileSync(file, `${JSON.stringify(event)}\n`);
    } catch (error) {
      off = true;
      log.warning(`The timeline cannot be written: ${messageOf(error)}`);
    }
  }

  return {
    file: () => file,
    step,
    phase: async (name, work) => {
      const counters: Record<string, number> = {};
      let cache: TimelineEvent["cache"];
      const phase: Phase = {
        count: (counter, value) => {
          counters[counter] = value;
        },
        cache: (store, result, bytes) => {
          cache = { store, result, bytes };
        },
      };
      const start = clock.now();
      let ok = false;
      try {
        const result = await work(phase);
        ok = true;
        return result;
      } finally {
        append({
          v: 1,
          ...step,
          phase: name,
          start,
          end: clock.now(),
          ok,
          counters,
          ...(cache !== undefined && { cache }),
        });
      }
    },
  };
}

/** A file of its own for each step, also when two steps of one door run in a job. */
function createFile(folder: string, door: string): string {
  mkdirSync(folder, { recursive: true });
  for (let n = 1; ; n += 1) {
    const file = join(folder, `${door}-${n}.jsonl`);
    try {
      closeSync(openSync(file, "wx"));
      return file;
    } catch (error) {
      if (!isSystemError(error, "EEXIST")) throw error;
    }
  }
}
