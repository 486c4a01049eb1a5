import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { ByteReader, EndOfStream } from "../byte-reader.ts";
import { ActionError, messageOf } from "../errors.ts";
import type { Http } from "../http.ts";
import type { Log } from "../log.ts";
import { PackError } from "../pack-format.ts";
import { readPack } from "../pack-read.ts";
import { writePack } from "../pack-write.ts";
import { childEnvironment, type Environment, type Processes } from "../process.ts";
import type {
  FoundEntry,
  Landed,
  LookupRequest,
  Miss,
  RestoreRequest,
  RestoreResult,
  SaveRequest,
  SaveResult,
  Store,
} from "../store.ts";
import { onlyMember } from "../tar-member.ts";
import {
  askService,
  cacheMode,
  cacheService,
  entryVersion,
  type Compression,
} from "./cache-service.ts";
import { saveThroughToolkit, whyNotSaved } from "./toolkit-save.ts";

export interface ActionsStoreParts {
  env: Environment;
  http: Http;
  processes: Processes;
  log: Log;
  /** Milliseconds for a whole save; a service that hangs must not hold the job's end. */
  saveTimeoutMs?: number;
}

/** A job's end may take no longer than this for one entry. */
const SAVE_TIMEOUT_MS = 180_000;
/** Nothing may come for so long before a download is given up. */
const IDLE_MS = 20_000;
/** What a step may still do after a save was given up (it publishes its timeline). */
const REST_OF_STEP_MS = 75_000;
const CHUNK_BYTES = 512 * 1024;

/**
 * The Actions cache. Entries are written through `@actions/cache`, so that they are what every
 * other client of the service expects. They are read by our own reader: the toolkit's restore runs
 * `tar -P` on bytes that nobody has looked at, which lets an entry write any file the runner's user
 * can write.
 */
export function actionsStore(parts: ActionsStoreParts): Store {
  let compression: Promise<Compression> | undefined;
  const version = async (name: string): Promise<string> => {
    compression ??= detectCompression(parts);
    return entryVersion([memberPath(name)], await compression);
  };
  return {
    lookUp: (request) => guarded(request, () => lookUp(parts, request, version), unavailable),
    restore: (request) => guarded(request, () => restore(parts, request, version), unavailable),
    save: (request) => guarded(request, () => save(parts, request, version), saveFailed),
  };
}

/** The path of an entry's pack, whose text makes the entry's version: the same on every machine. */
function memberPath(name: string): string {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new Error(`not a name of a kind of entry: ${name}`);
  return `go-cicd/${name}.pack`;
}

/** As the toolkit chooses it: zstd when there is a `zstd` that answers (cacheUtils.js). */
async function detectCompression({ processes, env }: ActionsStoreParts): Promise<Compression> {
  const exit = await processes.run({
    file: "zstd",
    args: ["--quiet", "--version"],
    cwd: tmpdir(),
    env: childEnvironment(env),
    timeoutMs: 10_000,
  });
  return `${exit.stdout}${exit.stderr}`.trim() === "" ? "gzip" : "zstd-without-long";
}

/** No failure of a cache leaves the store, except a cancellation and a defect of ours. */
async function guarded<R>(
  { signal }: { signal?: AbortSignal },
  work: () => Promise<R>,
  failed: (error: unknown) => R,
): Promise<R> {
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof PackError || error instanceof ActionError || "code" in Object(error)) {
      return failed(error);
    }
    throw error;
  }
}

async function lookUp(
  { env, http }: ActionsStoreParts,
  { name, key, restoreKeys, signal }: LookupRequest,
  version: (name: string) => Promise<string>,
): Promise<FoundEntry | Miss> {
  const mode = cacheMode(env);
  if (!mode.readable) {
    return { kind: "miss", reason: "disabled", detail: `the cache mode is ${mode.word}` };
  }
  const keys = [key, ...restoreKeys] as const;
  checkKeys(keys);
  return askService(env, http, keys, await version(name), signal);
}

async function restore(
  parts: ActionsStoreParts,
  request: RestoreRequest,
  version: (name: string) => Promise<string>,
): Promise<RestoreResult> {
  const found = request.found ?? (await lookUp(parts, request, version));
  if (found.kind === "miss") return found;
  const { status, stream } = await parts.http.stream({
    method: "GET",
    url: found.url,
    timeoutMs: IDLE_MS,
    attempts: 3,
    ...(request.signal !== undefined && { signal: request.signal }),
  });
  if (status !== 200) {
    stream.on("error", () => undefined).destroy();
    return { kind: "miss", reason: "unavailable", detail: `the download answered ${status}` };
  }
  try {
    const unpacked = await unpack(stream, request);
    return { kind: found.key === request.key ? "hit" : "prefix", key: found.key, ...unpacked };
  } catch (error) {
    request.signal?.throwIfAborted();
    // Damaged compressed data is reported by zlib, with codes of its own.
    if (error instanceof PackError || isZlibError(error)) {
      return { kind: "corrupt", key: found.key, detail: messageOf(error) };
    }
    throw error;
  } finally {
    stream.destroy();
  }
}

async function unpack(
  stream: Readable,
  { name, roots, signal, choose }: RestoreRequest,
): Promise<Landed> {
  const archive = new ByteReader(stream);
  const magic = await archive.read(4).catch((error: unknown) => {
    throw error instanceof EndOfStream ? new PackError("the archive is cut off") : error;
  });
  const whole = async function* (): AsyncGenerator<Buffer, void> {
    yield magic;
    yield* archive.rest();
  };
  let unpacked: Landed | undefined;
  await pipeline(
    Readable.from(whole(), { objectMode: false, highWaterMark: CHUNK_BYTES }),
    decompressor(magic),
    async (tar: AsyncIterable<Buffer>) => {
      const pack = onlyMember(new ByteReader(tar), memberPath(name));
      unpacked = await readPack(pack, roots, { signal, choose });
    },
  );
  if (unpacked === undefined) throw new PackError("the archive is empty");
  return unpacked;
}

function decompressor(magic: Buffer) {
  if (magic.readUInt32LE() === 0xfd2fb528) return createZstdDecompress({ chunkSize: CHUNK_BYTES });
  if (magic.readUInt16BE() === 0x1f8b) return createGunzip({ chunkSize: CHUNK_BYTES });
  throw new PackError("the archive is compressed in a way that is not known");
}

/** Codes of zlib for bytes that are not what was compressed. */
function isZlibError(error: unknown): boolean {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === "string" && /^(Z_|ZSTD_|ERR_ZLIB)/.test(code);
}

function unavailable(error: unknown): Miss {
  return { kind: "miss", reason: "unavailable", detail: messageOf(error) };
}

async function save(
  parts: ActionsStoreParts,
  request: SaveRequest,
  version: (name: string) => Promise<string>,
): Promise<SaveResult> {
  const { env, http, log } = parts;
  const { key, name, signal } = request;
  const mode = cacheMode(env);
  if (!mode.writable) {
    const reason = mode.word === "read" ? "read-only" : "disabled";
    return { kind: "refused", reason, detail: `the cache mode is ${mode.word}` };
  }
  if (cacheService(env) === undefined) {
    return { kind: "failed", detail: "the runner offers no cache service (or no token for it)" };
  }
  checkKeys([key]);
  // Asked first: it costs one request, and spares packing what exists. A service that does not
  // answer is noticed here, by our own deadline and not by the toolkit's (minutes).
  const before = mode.readable
    ? await askService(env, http, [key], await version(name), signal)
    : undefined;
  if (before?.kind === "found" && before.key === key) return { kind: "exists", key };
  if (before?.kind === "miss" && before.reason === "unavailable") {
    return { kind: "failed", detail: before.detail };
  }
  const temp = env["RUNNER_TEMP"] ?? "";
  const folder = mkdtempSync(join(temp === "" ? tmpdir() : temp, "go-cicd-store-"));
  try {
    const path = memberPath(name);
    mkdirSync(join(folder, "go-cicd"));
    const written = await writePack(join(folder, path), request.roots, request.files, signal);
    if (written.files === 0) return { kind: "failed", detail: "there is nothing to save" };
    const { saved, said } = await inTime(
      saveThroughToolkit(folder, path, key),
      parts.saveTimeoutMs ?? SAVE_TIMEOUT_MS,
      signal,
    );
    log.debug(`saving ${key}: ${JSON.stringify(withoutUrls(said))}`);
    if (saved) return { kind: "saved", key, files: written.files, bytes: written.bytes };
    const why = whyNotSaved(said);
    return why.kind === "exists" ? { kind: "exists", key } : why;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The toolkit cannot be cancelled: what runs on is ended with the process. */
async function inTime<T>(work: Promise<T>, timeoutMs: number, signal?: AbortSignal): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let cancel: (() => void) | undefined;
  try {
    return await Promise.race([
      work,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          // What hangs keeps the process alive for minutes; the rest of the step gets its time.
          setTimeout(() => process.exit(), REST_OF_STEP_MS).unref();
          reject(new ActionError("network", `it took longer than ${timeoutMs} ms`));
        }, timeoutMs);
        cancel = () => reject(new Error("cancelled"));
        signal?.addEventListener("abort", cancel, { once: true });
      }),
    ]);
  } finally {
    clearTimeout(timer);
    if (cancel !== undefined) signal?.removeEventListener("abort", cancel);
  }
}

/** The toolkit's debug lines hold signed addresses. */
function withoutUrls(said: string): string {
  return said.replace(/https?:\/\/[^\s"]+/g, (url) => url.split("?")[0] ?? "");
}

function saveFailed(error: unknown): SaveResult {
  return { kind: "failed", detail: messageOf(error) };
}

/** Limits of the service; a key that breaks them is a defect of the caller. */
function checkKeys(keys: readonly string[]): void {
  if (keys.length > 10) throw new Error("a lookup takes at most 10 keys");
  for (const key of keys) {
    if (key === "" || key.length > 512 || key.includes(",")) {
      throw new Error(`not a cache key: ${key}`);
    }
  }
}
