import type { Exchange } from "./exchange.ts";
import { Refusal } from "./exchange.ts";
import { authorize, type Desk } from "./routes.ts";
import type { Grant } from "./tokens.ts";

export const WRITE_DENIED = "cache write denied: token has no writable scopes";
export const READ_DENIED = "cache read denied: token has no readable scopes";

/** Characters of a key; keys hold no comma (actions/cache checkKey). */
const KEY_LENGTH = 512;

/** Where a job may write: its repository, and the scope, if any. */
export function writer(
  desk: Desk,
  exchange: Exchange,
): { repository: string; scope: string | undefined } {
  const grant = authorize(desk, exchange);
  const writable = grant.scopes.find(({ write }) => write);
  const lied = desk.lies.has("ignore-read-only") ? grant.scopes[0] : undefined;
  return { repository: repositoryOf(grant), scope: (writable ?? lied)?.scope };
}

/** The repository whose entries a job sees. */
export function repositoryOf(grant: Grant): string {
  return grant.repositoryId ?? "1";
}

export function mayRead(grant: Grant): boolean {
  return grant.scopes.some(({ read }) => read);
}

/** Why a key cannot be, or undefined. */
export function keyProblem(key: string): string | undefined {
  if (key.length > KEY_LENGTH) return `a key has at most ${KEY_LENGTH} characters`;
  if (key.includes(",")) return "a key holds no comma";
  return undefined;
}

/** Counts uploads of a repository; GitHub allows 200 a minute (changelog, 2026-01-16). */
export class UploadRate {
  readonly #perMinute: number;
  readonly #uploads = new Map<string, number[]>();

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** @throws Refusal 429 with Retry-After */
  count(repository: string, now: number = Date.now()): void {
    const recent = (this.#uploads.get(repository) ?? []).filter((at) => at > now - 60_000);
    const oldest = recent[0];
    if (recent.length >= this.#perMinute) {
      const seconds = Math.ceil(((oldest ?? now) + 60_000 - now) / 1000);
      const msg = "rate limit exceeded: too many cache uploads";
      throw new Refusal(
        429,
        { code: "resource_exhausted", msg, message: msg },
        { "retry-after": String(Math.max(1, seconds)) },
      );
    }
    this.#uploads.set(repository, [...recent, now]);
  }
}
