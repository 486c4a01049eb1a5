/**
 * Where an entry's files live on this machine. A root's id is written into the entry instead of
 * its path, so that an entry never says where it is unpacked: `{ gomodcache: "/home/x/go/pkg/mod" }`.
 */
export type StoreRoots = Readonly<Record<string, string>>;

export interface LookupRequest {
  /** Names the kind of entry (`modules`, `build`); part of the entry's path and so of its version. */
  name: string;
  key: string;
  /** Key prefixes, tried in order after `key`; the newest match of the first that has one is taken. */
  restoreKeys: readonly string[];
  signal?: AbortSignal;
}

export interface FoundEntry {
  kind: "found";
  key: string;
  /** Where its bytes are, in words of the store. */
  url: string;
}

export interface Miss {
  kind: "miss";
  reason: "not-found" | "unavailable" | "denied" | "disabled";
  detail: string;
}

/** One file of an entry as its index names it. What lands under this name has this sum. */
export interface EntryFile {
  root: string;
  path: string;
  size: number;
  /** SHA-256 in hex. */
  sha256: string;
}

/**
 * Told all files of an entry before the first of them lands; says which of them do. It may wait for
 * something, and may refuse the entry by throwing a `PackError`.
 */
export type Choose = (files: readonly EntryFile[]) => Promise<(file: EntryFile) => boolean>;

export interface RestoreRequest extends LookupRequest {
  roots: StoreRoots;
  /** What `lookUp` found for the same request: it is not asked for again. */
  found?: FoundEntry;
  /** By default every file lands. */
  choose?: Choose;
}

/** What a restore did. Only `hit` and `prefix` have written files. */
export type RestoreResult =
  | ({ kind: "hit" | "prefix"; key: string } & Landed)
  | Miss
  /** Names or sums are wrong: nothing that was in the entry is left on disk. */
  | { kind: "corrupt"; key: string; detail: string };

export interface SaveRequest {
  name: string;
  key: string;
  roots: StoreRoots;
  /** Files to keep, per root id, relative to the root with forward slashes. */
  files: Readonly<Record<string, readonly string[]>>;
  signal?: AbortSignal;
}

export type SaveResult =
  | { kind: "saved"; key: string; bytes: number; files: number }
  /** Entries are immutable: somebody saved this key before. */
  | { kind: "exists"; key: string }
  | { kind: "refused"; reason: "read-only" | "disabled" | "rate-limited" | "quota"; detail: string }
  | { kind: "failed"; detail: string };

/** What came of an entry's files. */
export interface Landed {
  /** Files and bytes that were written. */
  files: number;
  bytes: number;
  /** Files that were there already. */
  skipped: number;
  /** Files that were not chosen. */
  passedOver: number;
}

/**
 * Entries of files under immutable keys. No method throws for the cache's sake: a job never
 * fails because of a cache.
 */
export interface Store {
  /** Which entry `restore` would take, without taking it. */
  lookUp(request: LookupRequest): Promise<FoundEntry | Miss>;
  restore(request: RestoreRequest): Promise<RestoreResult>;
  save(request: SaveRequest): Promise<SaveResult>;
}
