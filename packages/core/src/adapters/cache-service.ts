import { createHash } from "node:crypto";
import { messageOf } from "../errors.ts";
import type { Http } from "../http.ts";
import type { Environment } from "../process.ts";
import type { FoundEntry, Miss } from "../store.ts";

type Lookup = FoundEntry | Miss;

export type Compression = "zstd-without-long" | "gzip";

export type CacheMode = { readable: boolean; writable: boolean; word: string };

const LOOKUP_TIMEOUT_MS = 10_000;
const LOOKUP_ATTEMPTS = 2;

/**
 * What the runner allows (`ACTIONS_CACHE_MODE`): an unknown or missing word allows all, as in the
 * toolkit (@actions/cache 6.3, config.js).
 */
export function cacheMode(env: Environment): CacheMode {
  const word = (env["ACTIONS_CACHE_MODE"] ?? "").trim().toLowerCase();
  const known = ["none", "read", "write", "write-only"].includes(word);
  return {
    word,
    readable: !known || word === "read" || word === "write",
    writable: !known || word === "write" || word === "write-only",
  };
}

/**
 * The service of this run: v1 on GitHub Enterprise Server and where the runner does not name v2,
 * else v2 (@actions/cache 6.3, config.js). Undefined when the runner offers none.
 */
export function cacheService(
  env: Environment,
): { version: "v1" | "v2"; base: string; token: string } | undefined {
  const host = URL.parse(env["GITHUB_SERVER_URL"] ?? "")
    ?.hostname.trimEnd()
    .toUpperCase();
  const hosted =
    host === undefined ||
    host === "GITHUB.COM" ||
    host.endsWith(".GHE.COM") ||
    host.endsWith(".LOCALHOST");
  const v2 = hosted && (env["ACTIONS_CACHE_SERVICE_V2"] ?? "") !== "";
  const token = env["ACTIONS_RUNTIME_TOKEN"] ?? "";
  const results = env["ACTIONS_RESULTS_URL"] ?? "";
  if (v2) {
    const origin = URL.parse(results)?.origin;
    if (origin === undefined || token === "") return undefined;
    return { version: "v2", base: `${origin}/`, token };
  }
  const url = (env["ACTIONS_CACHE_URL"] ?? "") || results;
  return url === "" ? undefined : { version: "v1", base: url, token };
}

/**
 * The version that the toolkit gives to an entry: paths as they are written, compression, and a
 * salt (@actions/cache 6.3, cacheUtils.js `getCacheVersion`).
 */
export function entryVersion(paths: readonly string[], compression: Compression): string {
  const parts = [
    ...paths,
    compression,
    ...(process.platform === "win32" ? ["windows-only"] : []),
    "1.0",
  ];
  return createHash("sha256").update(parts.join("|")).digest("hex");
}

/** Asks the service for the newest entry of the first key that has one; keys match as prefixes. */
export async function askService(
  env: Environment,
  http: Http,
  keys: readonly [string, ...string[]],
  version: string,
  signal?: AbortSignal,
): Promise<Lookup> {
  const service = cacheService(env);
  if (service === undefined) {
    return unavailable("the runner offers no cache service (or no token for it)");
  }
  try {
    const ask = service.version === "v2" ? lookUpV2 : lookUpV1;
    return await ask(service, http, keys, version, signal);
  } catch (error) {
    signal?.throwIfAborted();
    return unavailable(messageOf(error));
  }
}

type Service = NonNullable<ReturnType<typeof cacheService>>;

/** Twirp over JSON; a miss is an answer with `ok: false`. */
async function lookUpV2(
  { base, token }: Service,
  http: Http,
  [key, ...restoreKeys]: readonly [string, ...string[]],
  version: string,
  signal?: AbortSignal,
): Promise<Lookup> {
  const { status, body } = await http.request({
    method: "POST",
    url: `${base}twirp/github.actions.results.api.v1.CacheService/GetCacheEntryDownloadURL`,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({
      key,
      ...(restoreKeys.length > 0 && { restore_keys: restoreKeys }),
      version,
    }),
    timeoutMs: LOOKUP_TIMEOUT_MS,
    attempts: LOOKUP_ATTEMPTS,
    ...(signal !== undefined && { signal }),
  });
  const answer = parse(body);
  if (status !== 200) return refusal(status, text(answer["msg"]));
  if (answer["ok"] !== true) return notFound(key);
  return found(answer["matched_key"], answer["signed_download_url"]);
}

/** The REST service of GitHub Enterprise Server and act; a miss is 204. */
async function lookUpV1(
  { base, token }: Service,
  http: Http,
  keys: readonly [string, ...string[]],
  version: string,
  signal?: AbortSignal,
): Promise<Lookup> {
  const query = `keys=${encodeURIComponent(keys.join(","))}&version=${version}`;
  const { status, body } = await http.request({
    method: "GET",
    url: `${base}_apis/artifactcache/cache?${query}`,
    headers: {
      accept: "application/json;api-version=6.0-preview.1",
      ...(token !== "" && { authorization: `Bearer ${token}` }),
    },
    timeoutMs: LOOKUP_TIMEOUT_MS,
    attempts: LOOKUP_ATTEMPTS,
    ...(signal !== undefined && { signal }),
  });
  if (status === 204) return notFound(keys[0]);
  const answer = parse(body);
  if (status !== 200) return refusal(status, text(answer["message"]));
  return found(answer["cacheKey"], answer["archiveLocation"]);
}

function found(key: unknown, url: unknown): Lookup {
  if (typeof key !== "string" || typeof url !== "string" || URL.parse(url) === null) {
    return unavailable("the cache service answered in a way that is not known");
  }
  return { kind: "found", key, url };
}

function refusal(status: number, message: string): Lookup {
  if (status === 401 || status === 403) {
    return { kind: "miss", reason: "denied", detail: message || `status ${status}` };
  }
  return unavailable(`the cache service answered ${status}${message && `: ${message}`}`);
}

function notFound(key: string): Lookup {
  return { kind: "miss", reason: "not-found", detail: `no entry for ${key}` };
}

function unavailable(detail: string): Lookup {
  return { kind: "miss", reason: "unavailable", detail };
}

function parse(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 300) : "";
}
