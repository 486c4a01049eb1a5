import { hash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf } from "../errors.ts";
import { PackError } from "../pack-format.ts";
import type {
  EntryFile,
  FoundEntry,
  LookupRequest,
  Miss,
  RestoreRequest,
  SaveRequest,
  Store,
} from "../store.ts";

interface StoredFile {
  root: string;
  path: string;
  bytes: Buffer;
  mode: number;
  mtime: Date;
}

interface Entry {
  name: string;
  key: string;
  files: StoredFile[];
}

/** A store in memory: real bytes in, real bytes out, with the rules of the real service. */
export interface MemoryStore extends Store {
  readonly restores: RestoreRequest[];
  readonly saves: SaveRequest[];
  /** Keys of all entries, oldest first. */
  keys(): string[];
  /** Paths of an entry's files as `<root id>/<path>`, sorted. */
  files(key: string): string[];
  /** From now on every save is refused, as for a token without write scopes. */
  readOnly: boolean;
  /** From now on restores find nothing, as when the service is away. */
  unavailable: boolean;
  /** Restores of these keys report damage, and write nothing. */
  readonly corrupt: Set<string>;
}

/** Immutable entries; restore takes the key, then the newest with each prefix (also of `key`). */
export function memoryStore(options: { readOnly?: boolean } = {}): MemoryStore {
  const entries: Entry[] = [];
  const store: MemoryStore = {
    restores: [],
    saves: [],
    corrupt: new Set(),
    readOnly: options.readOnly ?? false,
    unavailable: false,
    keys: () => entries.map(({ key }) => key),
    files: (key) =>
      (entries.find((entry) => entry.key === key)?.files ?? [])
        .map(({ root, path }) => `${root}/${path}`)
        .sort(),
    lookUp: (request) => Promise.resolve(lookUp(request)),
    restore: (request) => {
      store.restores.push(request);
      return restore(request);
    },
    save: (request) => {
      store.saves.push(request);
      return Promise.resolve(save(request));
    },
  };

  function find({ name, key, restoreKeys }: LookupRequest): Entry | undefined {
    const kind = entries.filter((entry) => entry.name === name);
    const exact = kind.find((entry) => entry.key === key);
    if (exact !== undefined) return exact;
    for (const prefix of [key, ...restoreKeys]) {
      const newest = kind.filter((entry) => entry.key.startsWith(prefix)).at(-1);
      if (newest !== undefined) return newest;
    }
    return undefined;
  }

  function lookUp(request: LookupRequest): FoundEntry | Miss {
    if (store.unavailable) {
      return { kind: "miss", reason: "unavailable", detail: "the cache service is away" };
    }
    const entry = find(request);
    return entry === undefined
      ? { kind: "miss", reason: "not-found", detail: `no entry for ${request.key}` }
      : { kind: "found", key: entry.key, url: `memory:${entry.key}` };
  }

  async function restore(request: RestoreRequest): ReturnType<Store["restore"]> {
    const found = request.found ?? lookUp(request);
    if (found.kind === "miss") return found;
    const { key } = found;
    const entry = entries.find((each) => each.name === request.name && each.key === key);
    if (entry === undefined) return { kind: "miss", reason: "not-found", detail: `${key} is gone` };
    if (store.corrupt.has(key)) return { kind: "corrupt", key, detail: "a sum is wrong" };
    const named = entry.files.map(({ root, path, bytes }): EntryFile => ({
      root,
      path,
      size: bytes.length,
      sha256: hash("sha256", bytes, "hex"),
    }));
    const landed = { files: 0, bytes: 0, skipped: 0, passedOver: 0 };
    try {
      const isChosen = await request.choose?.(named);
      for (const [position, file] of entry.files.entries()) {
        const root = request.roots[file.root];
        if (root === undefined) throw new PackError(`the root ${file.root} is unknown`);
        const target = join(root, file.path);
        if (isChosen?.(named[position] as EntryFile) === false) landed.passedOver += 1;
        else if (existsSync(target)) landed.skipped += 1;
        else {
          mkdirSync(dirname(target), { recursive: true });
          writeFileSync(target, file.bytes, { mode: file.mode });
          utimesSync(target, file.mtime, file.mtime);
          landed.bytes += file.bytes.length;
          landed.files += 1;
        }
      }
    } catch (error) {
      if (error instanceof PackError) return { kind: "corrupt", key, detail: messageOf(error) };
      throw error;
    }
    return { kind: key === request.key ? "hit" : "prefix", key, ...landed };
  }

  function save({ name, key, roots, files }: SaveRequest): Awaited<ReturnType<Store["save"]>> {
    if (store.unavailable) return { kind: "failed", detail: "the cache service is away" };
    if (store.readOnly) {
      return { kind: "refused", reason: "read-only", detail: "token has no writable scopes" };
    }
    if (entries.some((entry) => entry.name === name && entry.key === key)) {
      return { kind: "exists", key };
    }
    const stored = Object.entries(files).flatMap(([root, paths]) => {
      const folder = roots[root];
      if (folder === undefined) throw new Error(`files of a root that is not given: ${root}`);
      return paths.map((path): StoredFile => {
        const { mode, mtime } = statSync(join(folder, path));
        return { root, path, bytes: readFileSync(join(folder, path)), mode: mode & 0o777, mtime };
      });
    });
    entries.push({ name, key, files: stored });
    const bytes = stored.reduce((sum, file) => sum + file.bytes.length, 0);
    return { kind: "saved", key, bytes, files: stored.length };
  }

  return store;
}
