import type { Log, Place } from "../log.ts";

export interface LogEntry {
  level: "debug" | "info" | "notice" | "warning" | "error" | "group";
  message: string;
  place?: Place;
}

/** A log that keeps what it was told. */
export interface RecordingLog extends Log {
  readonly entries: LogEntry[];
  readonly masked: string[];
  /** Files of problem matchers and, with a minus, owners whose matcher was removed. */
  readonly matchers: string[];
  /** What was written through `fenced`, in order, as UTF-8. */
  fencedText(): string;
  /** Messages of one level, or of all. */
  messages(level?: LogEntry["level"]): string[];
}

export function recordingLog(): RecordingLog {
  const entries: LogEntry[] = [];
  const masked: string[] = [];
  const matchers: string[] = [];
  const fencedChunks: Buffer[] = [];
  const add = (level: LogEntry["level"], message: string, place?: Place): void => {
    entries.push(place === undefined ? { level, message } : { level, message, place });
  };
  return {
    entries,
    masked,
    matchers,
    fencedText: () => Buffer.concat(fencedChunks).toString("utf8"),
    messages: (level) =>
      entries.filter((entry) => level === undefined || entry.level === level).map((e) => e.message),
    debug: (message) => add("debug", message),
    info: (message) => add("info", message),
    notice: (message, place) => add("notice", message, place),
    warning: (message, place) => add("warning", message, place),
    error: (message, place) => add("error", message, place),
    group: async (title, work) => {
      add("group", title);
      return work();
    },
    mask: (secret) => {
      masked.push(secret);
    },
    addMatcher: (file) => {
      matchers.push(file);
    },
    removeMatcher: (owner) => {
      matchers.push(`-${owner}`);
    },
    fenced: (work) =>
      work((text) => {
        fencedChunks.push(Buffer.from(text));
      }),
  };
}
