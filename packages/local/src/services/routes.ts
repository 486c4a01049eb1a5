import type { BlobStore } from "./blobs.ts";
import type { CacheEntries } from "./cache-entries.ts";
import { Refusal, type Exchange } from "./exchange.ts";
import type { Lies } from "./faults.ts";
import type { Grant, Signer } from "./tokens.ts";

/** One kind of request. The first route whose method and path fit answers. */
export interface Route {
  method: string;
  /** Tried on the whole path; groups are handed to `answer`. */
  path: RegExp;
  answer: (exchange: Exchange, groups: readonly string[]) => Promise<void>;
}

/** What the routes share. */
export interface Desk {
  folder: string;
  /** `http://127.0.0.1:PORT` */
  origin: () => string;
  signer: Signer;
  blobs: BlobStore;
  cache: CacheEntries;
  lies: Lies;
  /** Host of signed URLs in place of this server's (the Azure SDK's own path needs its name). */
  blobHost: string | undefined;
  urlLifetimeMs: number;
  /** Uploads a minute before 429. */
  uploadsPerMinute: number;
}

/** A Twirp error (twitchtv.github.io/twirp/docs/spec_v7.html#error-codes). */
export function twirpError(
  status: number,
  code: string,
  msg: string,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  return new Refusal(status, { code, msg }, headers);
}

/** The job behind a request. @throws Refusal 401 */
export function authorize(desk: Desk, exchange: Exchange): Grant {
  const grant = attempt(() => desk.signer.grant(exchange.bearer()));
  if (grant === undefined) {
    throw new Refusal(401, {
      code: "unauthenticated",
      msg: "invalid or expired token",
      message: "invalid or expired token",
    });
  }
  return grant;
}

/** A text field of a request. @throws Refusal 400 when it is missing. */
export function field(body: Readonly<Record<string, unknown>>, name: string): string {
  const value = body[name];
  if (typeof value === "string" && value !== "") return value;
  // protobuf's JSON form allows 64-bit numbers as numbers, too.
  if (typeof value === "number") return String(value);
  throw twirpError(400, "invalid_argument", `${name} is required`);
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    // A token that is no token at all.
    return undefined;
  }
}
