import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { parseTimeline } from "@go-cicd/core/timeline-file.ts";
import type { TimelineEvent } from "@go-cicd/core/timeline.ts";

/** An event and the number of its step among those of its door in the job, from 1. */
export interface StepEvent extends TimelineEvent {
  n: number;
}

export interface TimelinesRead {
  events: StepEvent[];
  damaged: number;
}

/**
 * The events of timeline files, by start. A file that was found twice (on this machine and as an
 * artifact) counts once.
 */
export function readTimelines(files: readonly string[]): TimelinesRead {
  const events = new Map<string, StepEvent>();
  let damaged = 0;
  const texts = new Set<string>();
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    const id = `${basename(file)}\n${text}`;
    if (texts.has(id)) continue;
    texts.add(id);
    const read = parseTimeline(text);
    damaged += read.damaged;
    const n = Number(/-(\d+)\.jsonl$/.exec(basename(file))?.[1] ?? "1");
    // One copy of a file may be older and shorter than the other.
    for (const event of read.events) events.set(JSON.stringify([event, n]), { ...event, n });
  }
  return {
    events: [...events.values()].sort(
      (one, other) => one.start - other.start || other.end - one.end,
    ),
    damaged,
  };
}
