import { createHash } from "node:crypto";
import { readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { BlobStore } from "./blobs.ts";
import { nextId, publish, readJson, replace } from "./disk.ts";
import type { Lies } from "./faults.ts";
import type { CacheScope } from "./scopes.ts";

/** What names an entry. Repositories share a folder and see nothing of each other. */
export interface EntryName {
  repository: string;
  /** A ref. */
  scope: string;
  key: string;
  version: string;
}

/** A cache entry: its file is written once and never changed; its mtime is its last use. */
export interface CacheEntry extends EntryName {
  id: number;
  size: number;
  /** Epoch milliseconds. */
  createdAt: number;
  blob: string;
}

/** The right to write an entry; ends with its server. */
interface Reservation extends EntryName {
  id: number;
  blob: string;
  pid: number;
  at: number;
}

export type Reserved = { kind: "reserved"; reservation: Reservation } | { kind: "exists" };

export type Finalized =
  | { kind: "finalized"; entry: CacheEntry }
  | { kind: "exists" }
  | { kind: "refused"; detail: string };

/** A reservation is void after this time, whoever holds it. */
const RESERVATION_MS = 3_600_000;

export interface CacheEntriesOptions {
  folder: string;
  blobs: BlobStore;
  lies: Lies;
  /** Bound on all entries together; the least recently used go first. */
  maxBytes: number;
}

/** The cache's index on disk: one file an entry, named by scope, version and key. */
export class CacheEntries {
  readonly #options: CacheEntriesOptions;
  readonly #entries: string;
  readonly #reservations: string;
  readonly #held = new Map<string, Reservation>();
  /** Entry files never change, so each is read once. */
  readonly #known = new Map<string, CacheEntry>();

  constructor(options: CacheEntriesOptions) {
    this.#options = options;
    this.#entries = join(options.folder, "cache", "entries");
    this.#reservations = join(options.folder, "cache", "reservations");
  }

  /** Takes the key for one upload. */
  async reserve(wanted: EntryName): Promise<Reserved> {
    const name = fileName(wanted);
    const lying = this.#options.lies.has("allow-overwrite");
    if (!lying && (await readJson(join(this.#entries, name))) !== undefined) {
      return { kind: "exists" };
    }
    const blob = await this.#options.blobs.open();
    const reservation = { ...wanted, id: nextId(), blob, pid: process.pid, at: Date.now() };
    const path = join(this.#reservations, name);
    if (!(await publish(path, reservation))) {
      const holder = (await readJson(path)) as Reservation | undefined;
      if (!lying && holder !== undefined && isHeld(holder)) {
        await this.#options.blobs.close(blob);
        return { kind: "exists" };
      }
      await replace(path, reservation);
    }
    this.#held.set(name, reservation);
    return { kind: "reserved", reservation };
  }

  /** The reservation of this server with that id (cache v1 names uploads by number). */
  reservation(id: number): Reservation | undefined {
    return [...this.#held.values()].find((each) => each.id === id);
  }

  /** Makes an entry of a finished upload. `size` is what the client says it sent. */
  async finalize(wanted: EntryName, size: number): Promise<Finalized> {
    const { blobs, lies, maxBytes } = this.#options;
    const name = fileName(wanted);
    const reservation = this.#held.get(name);
    if (reservation === undefined) {
      return { kind: "refused", detail: "no upload of this key and version is under way" };
    }
    const stored = await blobs.size(reservation.blob);
    const refuse = (detail: string): Finalized => ({ kind: "refused", detail });
    if (stored === undefined) return refuse("nothing was uploaded");
    if (stored !== size && !lies.has("forget-block")) {
      return refuse(`${size} bytes were announced, ${stored} were uploaded`);
    }
    if (stored > maxBytes) return refuse(`an entry may have ${maxBytes} bytes, not ${stored}`);
    const { id, blob } = reservation;
    const { repository, scope, key, version } = wanted;
    const named = { repository, scope, key, version };
    const entry = { ...named, id, size: stored, createdAt: Date.now(), blob };
    const path = join(this.#entries, name);
    const before = this.#known.get(name);
    if (lies.has("allow-overwrite")) await replace(path, entry);
    else if (!(await publish(path, entry))) {
      await this.#release(name, reservation);
      await blobs.remove(blob);
      return { kind: "exists" };
    }
    this.#known.set(name, entry);
    if (before !== undefined) await blobs.remove(before.blob);
    await blobs.close(blob);
    await this.#release(name, reservation);
    await this.evict(entry);
    return { kind: "finalized", entry };
  }

  /**
   * The entry for a list of keys: scope by scope, key by key, the exact one, else the newest whose
   * key begins with it. The first key is a prefix, too (actions/cache#1433).
   */
  async find(
    repository: string,
    scopes: readonly CacheScope[],
    keys: readonly string[],
    version: string,
  ): Promise<CacheEntry | undefined> {
    const { lies } = this.#options;
    const all = (await this.list()).filter(
      (entry) => entry.repository === repository && entry.version === version,
    );
    const readable = lies.has("ignore-scopes")
      ? [...new Set(all.map(({ scope }) => scope))]
      : scopes.filter(({ read }) => read).map(({ scope }) => scope);
    const direction = lies.has("oldest-first") ? -1 : 1;
    for (const scope of readable) {
      const entries = all
        .filter((entry) => entry.scope === scope)
        .sort((a, b) => direction * (b.createdAt - a.createdAt || b.id - a.id));
      for (const key of keys) {
        const exact = entries.find((entry) => entry.key === key);
        const prefix = lies.has("exact-keys")
          ? undefined
          : entries.find((entry) => entry.key.startsWith(key));
        const found = exact ?? prefix;
        if (found === undefined) continue;
        await this.#touch(found);
        return found;
      }
    }
    return undefined;
  }

  /** All entries, in no order. */
  async list(): Promise<CacheEntry[]> {
    const names = await readdir(this.#entries).catch(() => []);
    const current = new Set(names);
    for (const name of this.#known.keys()) if (!current.has(name)) this.#known.delete(name);
    const entries: CacheEntry[] = [];
    for (const name of names.filter((each) => each.endsWith(".json"))) {
      const entry = this.#known.get(name) ?? (await readJson(join(this.#entries, name)));
      if (!isEntry(entry)) continue;
      this.#known.set(name, entry);
      entries.push(entry);
    }
    return entries;
  }

  /** Removes the least recently used entries until all fit, but never `spared`. */
  async evict(spared?: CacheEntry): Promise<CacheEntry[]> {
    const entries = await this.list();
    let total = entries.reduce((sum, { size }) => sum + size, 0);
    if (total <= this.#options.maxBytes) return [];
    const used = await Promise.all(
      entries.map(async (entry) => ({ entry, at: await this.#lastUse(entry) })),
    );
    const gone: CacheEntry[] = [];
    for (const { entry } of used.sort((a, b) => a.at - b.at || a.entry.id - b.entry.id)) {
      if (total <= this.#options.maxBytes) break;
      if (entry.id === spared?.id) continue;
      await this.remove(entry);
      total -= entry.size;
      gone.push(entry);
    }
    return gone;
  }

  async remove(entry: CacheEntry): Promise<void> {
    const name = fileName(entry);
    // The name goes first: a name without its bytes would be a hit that cannot be read.
    await rm(join(this.#entries, name), { force: true });
    this.#known.delete(name);
    await this.#options.blobs.remove(entry.blob);
  }

  /** Gives back what this server reserved and never finished. */
  async close(): Promise<void> {
    for (const [name, reservation] of this.#held) {
      await this.#release(name, reservation);
      await this.#options.blobs.remove(reservation.blob);
    }
  }

  async #release(name: string, reservation: Reservation): Promise<void> {
    if (this.#held.get(name) === reservation) this.#held.delete(name);
    const path = join(this.#reservations, name);
    const holder = (await readJson(path)) as Reservation | undefined;
    if (holder?.id === reservation.id) await rm(path, { force: true });
  }

  async #touch(entry: CacheEntry): Promise<void> {
    // Rounded up: a file that was written in this millisecond has its fraction as well, and would
    // be the younger one.
    const now = new Date(Date.now() + 1);
    const path = join(this.#entries, fileName(entry));
    // Another server may have evicted it at this very moment.
    await utimes(path, now, now).catch(() => undefined);
  }

  async #lastUse(entry: CacheEntry): Promise<number> {
    const path = join(this.#entries, fileName(entry));
    return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
  }
}

function fileName({ repository, scope, version, key }: EntryName): string {
  const parts = JSON.stringify([repository, scope, version, key]);
  return `${createHash("sha256").update(parts).digest("hex")}.json`;
}

function isEntry(value: unknown): value is CacheEntry {
  const entry = value as Partial<CacheEntry> | undefined;
  return typeof entry?.key === "string" && typeof entry.blob === "string";
}

function isHeld(reservation: Reservation): boolean {
  if (Date.now() - reservation.at > RESERVATION_MS) return false;
  try {
    process.kill(reservation.pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
