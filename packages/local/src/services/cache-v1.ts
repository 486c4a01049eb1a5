import {
  keyProblem,
  mayRead,
  READ_DENIED,
  repositoryOf,
  UploadRate,
  WRITE_DENIED,
  writer,
} from "./cache-rules.ts";
import type { EntryName } from "./cache-entries.ts";
import { Refusal, type Exchange } from "./exchange.ts";
import { authorize, type Desk, type Route } from "./routes.ts";
import { signedUrl } from "./signed-urls.ts";

/** Entries above this size are refused when they are announced. */
const ENTRY_LIMIT = 10 * 1024 ** 3;

/** The cache service of GitHub Enterprise Server, and of act: REST, bytes in chunks. */
export function cacheV1Routes(desk: Desk, rate: UploadRate): Route[] {
  const route = (
    method: string,
    rest: string,
    answer: (exchange: Exchange, groups: readonly string[]) => Promise<void>,
  ): Route => ({ method, path: new RegExp(`^/_apis/artifactcache/${rest}$`), answer });
  return [
    route("GET", "cache", (exchange) => lookUp(desk, exchange)),
    route("GET", "caches", (exchange) => listed(desk, exchange)),
    route("POST", "caches", (exchange) => reserve(desk, exchange, rate)),
    route("PATCH", "caches/(\\d+)", (exchange, [id = ""]) => receive(desk, exchange, Number(id))),
    route("POST", "caches/(\\d+)", (exchange, [id = ""]) => commit(desk, exchange, Number(id))),
  ];
}

async function lookUp(desk: Desk, exchange: Exchange): Promise<void> {
  const grant = authorize(desk, exchange);
  if (!mayRead(grant)) throw failure(403, READ_DENIED);
  const keys = (exchange.url.searchParams.get("keys") ?? "").split(",").filter((key) => key !== "");
  const version = exchange.url.searchParams.get("version") ?? "";
  const entry = await desk.cache.find(repositoryOf(grant), grant.scopes, keys, version);
  if (entry === undefined) {
    await exchange.send(204);
    return;
  }
  await exchange.sendJson(200, {
    archiveLocation: signedUrl(desk, entry.blob, "r"),
    cacheKey: entry.key,
    scope: entry.scope,
    cacheVersion: entry.version,
    creationTime: new Date(entry.createdAt).toISOString(),
  });
}

async function listed(desk: Desk, exchange: Exchange): Promise<void> {
  const grant = authorize(desk, exchange);
  const prefix = exchange.url.searchParams.get("key") ?? "";
  const readable = new Set(grant.scopes.filter(({ read }) => read).map(({ scope }) => scope));
  const entries = (await desk.cache.list()).filter(
    ({ repository, key, scope }) =>
      repository === repositoryOf(grant) && readable.has(scope) && key.startsWith(prefix),
  );
  await exchange.sendJson(200, {
    totalCount: entries.length,
    artifactCaches: entries.map((entry) => ({
      scope: entry.scope,
      cacheKey: entry.key,
      cacheVersion: entry.version,
      creationTime: new Date(entry.createdAt).toISOString(),
    })),
  });
}

async function reserve(desk: Desk, exchange: Exchange, rate: UploadRate): Promise<void> {
  const { repository, scope } = writer(desk, exchange);
  const body = await exchange.json();
  const { key, version } = body;
  if (typeof key !== "string" || typeof version !== "string" || key === "" || version === "") {
    throw failure(400, "key and version are required");
  }
  const problem = keyProblem(key);
  if (problem !== undefined) throw failure(400, problem);
  if (Number(body["cacheSize"] ?? 0) > ENTRY_LIMIT) throw failure(400, "the cache is too big");
  if (scope === undefined) throw failure(403, WRITE_DENIED);
  rate.count(repository);
  const reserved = await desk.cache.reserve({ repository, scope, key, version });
  if (reserved.kind === "exists") {
    throw failure(409, `Cache already exists. Scope: ${scope}, Key: ${key}, Version: ${version}`);
  }
  await exchange.sendJson(201, { cacheId: reserved.reservation.id });
}

async function receive(desk: Desk, exchange: Exchange, id: number): Promise<void> {
  const { blob } = upload(desk, exchange, id);
  const range = /^bytes (\d+)-(\d+)\//.exec(exchange.header("content-range") ?? "");
  if (range === null) throw failure(400, "Content-Range is missing");
  const [start, end] = [Number(range[1]), Number(range[2])];
  const written = await desk.blobs.putBlock(blob, chunkName(start), exchange.body());
  if (written.kind !== "written") throw failure(404, "the upload has ended");
  if (written.bytes !== end - start + 1) {
    throw failure(400, `Content-Range has ${end - start + 1} bytes, the body ${written.bytes}`);
  }
  await exchange.send(204);
}

async function commit(desk: Desk, exchange: Exchange, id: number): Promise<void> {
  const reserved = upload(desk, exchange, id);
  const { blob } = reserved;
  const size = Number((await exchange.json())["size"] ?? 0);
  await desk.blobs.commit(blob, await desk.blobs.blocks(blob));
  const finalized = await desk.cache.finalize(reserved, size);
  if (finalized.kind === "refused") throw failure(400, finalized.detail);
  if (finalized.kind === "exists") throw failure(409, "Cache already exists.");
  await exchange.send(204);
}

/** Chunks come out of order: their names sort as their places do. */
function chunkName(start: number): string {
  return String(start).padStart(16, "0");
}

function upload(desk: Desk, exchange: Exchange, id: number): EntryName & { blob: string } {
  const { repository, scope } = writer(desk, exchange);
  const reservation = desk.cache.reservation(id);
  if (reservation?.repository !== repository || reservation.scope !== scope) {
    throw failure(404, `there is no upload ${id}`);
  }
  return reservation;
}

function failure(status: number, message: string): Refusal {
  return new Refusal(status, { message });
}
