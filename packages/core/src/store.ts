/**
 * Where an entry's files live on this machine. A root's id is written into the entry instead of
 * its path, so that an entry never says where it is unpacked: `{ gomodcache: "/home/x/go/pkg/mod" }`.
 */
export type StoreRoots = Readonly<Record<string, string>>;

export interface RestoreRequest {
  /** Names the kind of entry (`modules`, `build`); part of the entry's path and so of its version. */
  name: string;
  key: string;
  /** Key prefixes, tried in order after `key`; the newest match of the first that has one is taken. */
  restoreKeys: readonly string[];
  roots: StoreRoots;
  signal?: AbortSignal;
}

/** What a restore did. Only `hit` and `prefix` have written files. */
export type RestoreResult =
  | { kind: "hit" | "prefix"; key: string; bytes: number; files: number; skipped: number }
  | { kind: "miss"; reason: "not-found" | "unavailable" | "denied" | "disabled"; detail: string }
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

/**
 * Entries of files under immutable keys. Neither method throws for the cache's sake: a job never
 * fails because of a cache.
 */
export interface Store {
  restore(request: RestoreRequest): Promise<RestoreResult>;
  save(request: SaveRequest): Promise<SaveResult>;
}
