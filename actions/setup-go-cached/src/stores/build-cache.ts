import { existsSync, lutimesSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readIndexEntry, type IndexEntry } from "./action-map.ts";

/**
 * Go's build cache on disk (cmd/go/internal/cache): `xx/<action>-a` is an index entry that names an
 * output, `xx/<output>-d` is that output, a file or (since 1.24) a folder with one program in it.
 */
interface CacheItem {
  /** `xx/<hash>-a` or `xx/<hash>-d` */
  path: string;
  kind: "action" | "output";
  hash: string;
  mtimeMs: number;
  /** The files it consists of, relative to GOCACHE. */
  files: string[];
  bytes: number;
}

const ITEM = /^([0-9a-f]{64})-([ad])$/;

/** Names of all items, for telling later what is new. */
export function itemNames(gocache: string): string[] {
  return folders(gocache).flatMap((folder) =>
    readdirSync(join(gocache, folder))
      .filter((name) => ITEM.test(name))
      .map((name) => `${folder}/${name}`),
  );
}

function folders(gocache: string): string[] {
  if (!existsSync(gocache)) return [];
  return readdirSync(gocache).filter((name) => /^[0-9a-f]{2}$/.test(name));
}

/** Two hours: go touches what it uses only when its time is more than one hour old. */
const BEFORE_START_MS = 2 * 60 * 60 * 1000;

/**
 * Prepares a restored cache for the job: everything looks unused, so that `sweep` can tell what the
 * job used, and the first go command does not trim what later ones need (it would remove what was
 * not used for five days whenever trim.txt is older than a day).
 */
export function markUnused(gocache: string, startMs: number): void {
  const stamp = (startMs - BEFORE_START_MS) / 1000;
  for (const name of itemNames(gocache)) {
    const path = join(gocache, name);
    lutimesSync(path, stamp, stamp);
    if (!name.endsWith("-d") || !statSync(path).isDirectory()) continue;
    for (const inner of readdirSync(path)) lutimesSync(join(path, inner), stamp, stamp);
  }
  mkdirSync(gocache, { recursive: true });
  writeFileSync(join(gocache, "trim.txt"), String(Math.floor(startMs / 1000)));
}

/** The two entries of one result are written one right after the other. */
const TOGETHER_MS = 1_000;

/** An output that is worth keeping. */
interface LiveOutput {
  /** `xx/<hash>-d` */
  name: string;
  /** The files it consists of, relative to GOCACHE. */
  files: string[];
  bytes: number;
}

export interface LiveCache {
  actions: IndexEntry[];
  outputs: LiveOutput[];
  /** Bytes of all outputs. */
  bytes: number;
  /** Items that nothing used since the start: they are left behind. */
  dropped: number;
  droppedBytes: number;
}

/**
 * What is worth saving: what the job used or created since `startMs`.
 *
 * Time alone does not tell. Writing an output that exists already leaves its time as it was and only
 * renews its index entry (`Put` in cache.go); so an output is live when its own time says so *or* a
 * live index entry names it. And an index entry whose output is missing is worth nothing.
 *
 * Nor does it tell which index entries are of use: each result of a test is written under two IDs, of
 * what the test program is made of and of what it then is. As long as the first one is found the second
 * is not asked for; after a change that leaves the program as it was it alone answers. So what was
 * written together with a live entry, for the same output, stays with it.
 *
 * With `keepAll` nothing is left behind (a job that failed has not asked for everything it needs).
 */
export function sweep(gocache: string, startMs: number, keepAll = false): LiveCache {
  const items = readItems(gocache);
  const outputs = new Map(
    items.filter(({ kind }) => kind === "output").map((item) => [item.hash, item]),
  );
  const live = new Set<CacheItem>();
  const actions: IndexEntry[] = [];
  /** Output → when the live entries that name it were written. */
  const written = new Map<string, number[]>();
  const idle: { item: CacheItem; entry: IndexEntry }[] = [];
  for (const item of items) {
    const used = keepAll || item.mtimeMs >= startMs;
    if (item.kind === "output") {
      if (used) live.add(item);
      continue;
    }
    const entry = readIndexEntry(join(gocache, item.path), item.hash);
    const output = entry === undefined ? undefined : outputs.get(entry.output);
    if (entry === undefined || output === undefined) continue;
    if (!used) {
      idle.push({ item, entry });
      continue;
    }
    live.add(item);
    live.add(output);
    actions.push(entry);
    written.set(entry.output, [...(written.get(entry.output) ?? []), writtenMs(entry)]);
  }
  for (const { item, entry } of idle) {
    // Of what says nothing (a silent vet or link) there are very many, and each is had at once.
    if (entry.size === 0) continue;
    const time = writtenMs(entry);
    if (!written.get(entry.output)?.some((other) => Math.abs(other - time) < TOGETHER_MS)) continue;
    live.add(item);
    actions.push(entry);
  }
  const dropped = items.filter((item) => !live.has(item));
  const kept = [...live].filter(({ kind }) => kind === "output");
  return {
    actions: actions.sort((a, b) => (a.action < b.action ? -1 : 1)),
    outputs: kept
      .map(({ path, files, bytes }) => ({ name: path, files, bytes }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    bytes: total(kept),
    dropped: dropped.length,
    droppedBytes: total(dropped),
  };
}

function writtenMs({ time }: IndexEntry): number {
  return Number(BigInt(time) / 1_000_000n);
}

function readItems(gocache: string): CacheItem[] {
  return itemNames(gocache).map((path) => {
    const [, hash = "", letter = ""] = ITEM.exec(path.slice(3)) ?? [];
    const kind = letter === "a" ? "action" : "output";
    const status = statSync(join(gocache, path));
    if (!status.isDirectory()) {
      return { path, kind, hash, mtimeMs: status.mtimeMs, files: [path], bytes: status.size };
    }
    const inner = readdirSync(join(gocache, path), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => ({ path: `${path}/${name}`, ...times(join(gocache, path, name)) }));
    return {
      path,
      kind,
      hash,
      mtimeMs: Math.max(status.mtimeMs, ...inner.map(({ mtimeMs }) => mtimeMs)),
      files: inner.map((file) => file.path),
      bytes: inner.reduce((sum, { size }) => sum + size, 0),
    };
  });
}

function times(path: string): { mtimeMs: number; size: number } {
  const { mtimeMs, size } = statSync(path);
  return { mtimeMs, size };
}

/** Bytes of items. */
export function total(items: readonly { bytes: number }[]): number {
  return items.reduce((sum, { bytes }) => sum + bytes, 0);
}
