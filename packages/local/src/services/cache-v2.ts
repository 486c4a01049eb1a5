import {
  keyProblem,
  mayRead,
  READ_DENIED,
  repositoryOf,
  UploadRate,
  WRITE_DENIED,
  writer,
} from "./cache-rules.ts";
import type { Exchange } from "./exchange.ts";
import { authorize, field, twirpError, type Desk, type Route } from "./routes.ts";
import { signedUrl } from "./signed-urls.ts";

const BASE = "/twirp/github.actions.results.api.v1.CacheService/";

/** The cache service of github.com: Twirp with JSON, bytes by signed URLs. */
export function cacheV2Routes(desk: Desk, rate: UploadRate): Route[] {
  const method = (name: string, answer: (exchange: Exchange) => Promise<void>): Route => ({
    method: "POST",
    path: new RegExp(`^${BASE}${name}$`),
    answer,
  });
  return [
    method("CreateCacheEntry", async (exchange) => {
      const { repository, scope } = writer(desk, exchange);
      const body = await exchange.json();
      const key = checkedKey(field(body, "key"));
      const version = field(body, "version");
      if (scope === undefined) {
        await exchange.sendJson(200, { ok: false, message: WRITE_DENIED });
        return;
      }
      rate.count(repository);
      const reserved = await desk.cache.reserve({ repository, scope, key, version });
      if (reserved.kind === "exists") throw alreadyExists();
      const url = signedUrl(desk, reserved.reservation.blob, "w");
      await exchange.sendJson(200, { ok: true, signed_upload_url: url, message: "" });
    }),

    method("FinalizeCacheEntryUpload", async (exchange) => {
      const { repository, scope } = writer(desk, exchange);
      const body = await exchange.json();
      const key = checkedKey(field(body, "key"));
      const version = field(body, "version");
      const size = Number(body["size_bytes"] ?? 0);
      if (scope === undefined) {
        await exchange.sendJson(200, { ok: false, message: WRITE_DENIED });
        return;
      }
      const finalized = await desk.cache.finalize({ repository, scope, key, version }, size);
      switch (finalized.kind) {
        case "finalized":
          await exchange.sendJson(200, { ok: true, entry_id: String(finalized.entry.id) });
          return;
        case "exists":
          throw alreadyExists();
        case "refused":
          await exchange.sendJson(200, { ok: false, message: finalized.detail });
      }
    }),

    method("GetCacheEntryDownloadURL", async (exchange) => {
      const grant = authorize(desk, exchange);
      const body = await exchange.json();
      if (!mayRead(grant)) throw twirpError(403, "permission_denied", READ_DENIED);
      const restoreKeys = Array.isArray(body["restore_keys"])
        ? body["restore_keys"].map(String)
        : [];
      const keys = [field(body, "key"), ...restoreKeys].map(checkedKey);
      const entry = await desk.cache.find(
        repositoryOf(grant),
        grant.scopes,
        keys,
        field(body, "version"),
      );
      if (entry === undefined) {
        await exchange.sendJson(200, { ok: false });
        return;
      }
      await exchange.sendJson(200, {
        ok: true,
        signed_download_url: signedUrl(desk, entry.blob, "r"),
        matched_key: entry.key,
      });
    }),
  ];
}

function checkedKey(key: string): string {
  const problem = keyProblem(key);
  if (problem !== undefined) throw twirpError(400, "invalid_argument", problem);
  return key;
}

function alreadyExists(): Error {
  return twirpError(
    409,
    "already_exists",
    "cache entry with the same key, version, and scope already exists",
  );
}
