import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { CacheScope } from "./scopes.ts";

/** What a job may do with the services; carried by its ACTIONS_RUNTIME_TOKEN. */
export interface Grant {
  /** `workflow_run_backend_id`: artifacts belong to it. */
  runId: string;
  /** `workflow_job_run_backend_id` */
  jobId: string;
  /** In the order they are searched; the first writable one takes new entries. */
  scopes: readonly CacheScope[];
  repositoryId?: string;
  /** Claims of the OIDC tokens the job may mint; none without `id-token: write`. */
  idToken?: Readonly<Record<string, unknown>>;
  /** Milliseconds until the token is refused; 6 hours by default. */
  lifetimeMs?: number;
}

const READ = 1;
const WRITE = 2;

/** Signs tokens and URLs of one server; nothing that it signed outlives it. */
export class Signer {
  readonly #secret = randomBytes(32);

  /**
   * A token of the real shape: clients read `scp` for the run's ids, the server reads `ac`, a JSON
   * text of scopes with 1 for read and 2 for write.
   */
  token(grant: Grant, now: number = Date.now()): string {
    return this.#jwt({
      aud: "runtime",
      scp: `Actions.Results:${grant.runId}:${grant.jobId}`,
      ac: JSON.stringify(
        grant.scopes.map(({ scope, read, write }) => ({
          Scope: scope,
          Permission: (read ? READ : 0) | (write ? WRITE : 0),
        })),
      ),
      repository_id: grant.repositoryId ?? "1",
      exp: expiry(now, grant.lifetimeMs),
    });
  }

  /** The token for ACTIONS_ID_TOKEN_REQUEST_TOKEN. */
  identityToken(claims: Readonly<Record<string, unknown>>, now: number = Date.now()): string {
    return this.#jwt({ aud: "identity", claims, exp: expiry(now, undefined) });
  }

  /** The grant of a runtime token, or undefined for one that is foreign, altered or expired. */
  grant(token: string, now: number = Date.now()): Grant | undefined {
    const payload = this.#open(token, "runtime", now);
    if (payload === undefined) return undefined;
    const [, runId = "", jobId = ""] = String(payload["scp"]).split(":");
    const scopes = JSON.parse(String(payload["ac"])) as { Scope: string; Permission: number }[];
    return {
      runId,
      jobId,
      repositoryId: String(payload["repository_id"]),
      scopes: scopes.map(({ Scope, Permission }) => ({
        scope: Scope,
        read: (Permission & READ) !== 0,
        write: (Permission & WRITE) !== 0,
      })),
    };
  }

  /** The claims of an identity token, or undefined. */
  claims(token: string, now: number = Date.now()): Record<string, unknown> | undefined {
    const payload = this.#open(token, "identity", now);
    return payload?.["claims"] as Record<string, unknown> | undefined;
  }

  /** Hex HMAC of the parts; they may hold any text. */
  sign(...parts: readonly string[]): string {
    return createHmac("sha256", this.#secret).update(JSON.stringify(parts)).digest("hex");
  }

  signedBy(signature: string, ...parts: readonly string[]): boolean {
    const wanted = Buffer.from(this.sign(...parts));
    const given = Buffer.from(signature);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }

  #jwt(payload: Record<string, unknown>): string {
    const head = encode({ alg: "HS256", typ: "JWT" });
    const body = encode(payload);
    return `${head}.${body}.${this.sign(head, body)}`;
  }

  #open(token: string, audience: string, now: number): Record<string, unknown> | undefined {
    const [head = "", body = "", signature = ""] = token.split(".");
    if (!this.signedBy(signature, head, body)) return undefined;
    const text = Buffer.from(body, "base64url").toString("utf8");
    const payload = JSON.parse(text) as Record<string, unknown>;
    if (payload["aud"] !== audience || Number(payload["exp"]) * 1000 <= now) return undefined;
    return payload;
  }
}

function expiry(now: number, lifetimeMs: number | undefined): number {
  return Math.floor((now + (lifetimeMs ?? 6 * 3_600_000)) / 1000);
}

/** One part of a JWT. */
export function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
