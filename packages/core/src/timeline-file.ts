import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { isSystemError } from "./errors.ts";
import type { TimelineEvent } from "./timeline.ts";

const eventSchema = v.object({
  v: v.literal(1),
  door: v.string(),
  stage: v.picklist(["main", "post"]),
  job: v.string(),
  leg: v.string(),
  attempt: v.number(),
  phase: v.string(),
  start: v.number(),
  end: v.number(),
  ok: v.boolean(),
  counters: v.record(v.string(), v.number()),
  cache: v.exactOptional(v.object({ store: v.string(), result: v.string(), bytes: v.number() })),
});

/** What was read, and how many lines were not events (a kill cuts the last one short). */
export interface TimelineRead {
  events: TimelineEvent[];
  damaged: number;
}

/** The events of one file's text, in the order of their lines. */
export function parseTimeline(text: string): TimelineRead {
  const events: TimelineEvent[] = [];
  let damaged = 0;
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const event = v.safeParse(eventSchema, parseJson(line));
    if (event.success) events.push(event.output);
    else damaged += 1;
  }
  return { events, damaged };
}

/**
 * All events of the `*.jsonl` files of a folder (none when it does not exist), by start.
 * @throws system errors other than a missing folder.
 */
export function readTimeline(folder: string): TimelineRead {
  const reads = timelineFiles(folder).map((file) => parseTimeline(readFileSync(file, "utf8")));
  return {
    events: reads
      .flatMap(({ events }) => events)
      .sort((one, other) => one.start - other.start || one.end - other.end),
    damaged: reads.reduce((sum, { damaged }) => sum + damaged, 0),
  };
}

function timelineFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".jsonl"))
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
