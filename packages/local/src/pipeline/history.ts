import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";

const schema = v.object({
  version: v.literal(1),
  /** Runs that left caches, red ones too. */
  runs: v.number(),
  /** `job/step/stage` → milliseconds in the last green run. */
  steps: v.record(v.string(), v.number()),
  /** Of the last green run. */
  durationMs: v.optional(v.number()),
  /** Data of the last report, for the next one to compare with. */
  reportData: v.optional(v.string()),
});

/** How long each step of a repository's pipeline took the last time. */
export type History = v.InferOutput<typeof schema>;

const FILE = "history.json";

/** The last run's times; undefined before the first run, or when the file is not ours. */
export function readHistory(repository: string): History | undefined {
  const path = join(repository, FILE);
  if (!existsSync(path)) return undefined;
  try {
    return v.parse(schema, JSON.parse(readFileSync(path, "utf8")));
  } catch {
    // Only comparisons are lost with it.
    return undefined;
  }
}

export function writeHistory(repository: string, history: History): void {
  const fresh = join(repository, `.${FILE}.${process.pid}`);
  writeFileSync(fresh, JSON.stringify(history, null, 2));
  renameSync(fresh, join(repository, FILE));
}
