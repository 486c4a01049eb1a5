import type { Sighting } from "./health.ts";
import type { Journal } from "./journal.ts";
import type { ReleaseFiles } from "./release.ts";

/** Why a host's agent did not do what it was told; the words are for people. */
export type RefusalCode =
  | "unwritable"
  | "tool"
  | "busy"
  | "lost"
  | "integrity"
  | "port"
  | "start"
  | "stuck"
  | "usage"
  /** The agent itself failed, or its answer cannot be read. */
  | "broken";

export class HostRefusal extends Error {
  override readonly name = "HostRefusal";
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}

export interface HostFacts {
  /** As `uname -s` and `uname -m` say. */
  system: string;
  machine: string;
}

export type LockResult =
  /** `dead`: token of the holder it was taken over from, who is provably gone. */
  { kind: "locked"; dead: string | undefined } | { kind: "held"; by: string };

export interface KnownRelease {
  id: string;
  /** `retired`: verified once, rolled back from by hand later. */
  mark: "good" | "retired" | "bad" | "open";
  identity: string;
}

/** One line of the host's history. */
export interface HistoryEntry {
  /** Epoch seconds. */
  time: number;
  event: "good" | "restored" | "stopped" | "failed";
  release: string;
  good: string | undefined;
  token: string;
  /** Who did it: `action`, `post`, `recover`, or `timer`. */
  by: string;
}

export interface HostStatus {
  /** The release that `current` names. */
  current: string | undefined;
  /** The release to go back to. */
  good: string | undefined;
  /** The release whose process runs. */
  running: string | undefined;
  journal: Journal | undefined;
  lock: string | undefined;
  last: HistoryEntry | undefined;
}

/** What a way back came to. */
export type Healing =
  | { kind: "none" }
  | { kind: "forward"; release: string }
  | { kind: "restored"; release: string }
  | { kind: "stopped" }
  | { kind: "failed"; release: string; why: string };

/**
 * A machine that keeps releases and their service. Effects are single commands of its agent: each
 * writes the journal first, asks whether the lock is still `token`'s, and is whole or not begun.
 * Every method may throw HostRefusal.
 */
export interface Host {
  /** For messages: the folder, with the machine's name where it is another. */
  readonly name: string;
  /** Where the image's files of a release stand on the host. */
  rootOf(release: string): string;
  /** Brings the agent there and asks what the host is. */
  hello(): Promise<HostFacts>;
  lock(token: string, deadManSeconds: number, label: string): Promise<LockResult>;
  unlock(token: string): Promise<void>;
  /** A sign of life while no other command is sent. */
  beat(token: string): Promise<void>;
  status(): Promise<HostStatus>;
  /** Latest verified first. */
  releases(): Promise<KnownRelease[]>;
  /** Who listens on a port: nobody, the service, or somebody in words. */
  port(port: number): Promise<string>;
  /** Opens the journal; returns the verified release to go back to. */
  begin(token: string, kind: Journal["kind"], release: string): Promise<string | undefined>;
  /** Copies a folder and the agent's files into the new release. */
  upload(release: string, root: string, files: ReleaseFiles): Promise<void>;
  /** The copy's sums are checked where it will run. */
  admit(token: string, release: string): Promise<void>;
  switch(token: string, release: string): Promise<void>;
  stopOld(token: string): Promise<void>;
  start(token: string, release: string): Promise<void>;
  /** One question to the service. Times are milliseconds. */
  observe(
    token: string,
    release: string,
    request: { port: number; path: string; timeoutMs: number },
  ): Promise<Sighting>;
  /** Undefined when the service itself listens on the port, else who does. */
  foreignListener(port: number): Promise<string | undefined>;
  /** Undefined when a release is well by its own contract, else why not; waits `waitMs` at most. */
  sickness(release: string, waitMs?: number): Promise<string | undefined>;
  commit(token: string, release: string): Promise<void>;
  /** From whatever journal is open to one verified release. */
  heal(token: string, by: string): Promise<Healing>;
  /** The same without waiting; it goes on when we are gone, and ends the lock. */
  healDetached(token: string): Promise<void>;
  /** Ids of removed releases. */
  prune(token: string, keep: number): Promise<string[]>;
  /** The service's last lines. */
  log(release: string, lines: number): Promise<string>;
}
