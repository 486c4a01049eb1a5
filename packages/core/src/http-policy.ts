/**
 * Statuses that may be different the next time: the server is busy (408, 429) or broken for a
 * moment (RFC 9110 section 15). 501 and 505 stay what they are.
 */
export function isTransient(status: number): boolean {
  return [408, 429, 500, 502, 503, 504].includes(status);
}

/** No server may make a step wait longer than this for one repetition. */
export const MAX_WAIT_MS = 60_000;

/**
 * Milliseconds to wait before the next attempt: what `Retry-After` asks for (seconds or a date, RFC
 * 9110 section 10.2.3), at most `MAX_WAIT_MS`; else 0.5 s, 1 s, 2 s … up to 8 s, each shortened by
 * up to half at random, so that jobs that failed together do not come back together.
 * @param attempt counts from 1
 * @param random from 0 to 1
 */
export function retryDelay(
  attempt: number,
  retryAfter: string | undefined,
  now: number,
  random: number,
): number {
  const asked = retryAfterMs(retryAfter, now);
  if (asked !== undefined) return Math.min(asked, MAX_WAIT_MS);
  const full = Math.min(500 * 2 ** (attempt - 1), 8_000);
  return Math.round(full * (1 - random / 2));
}

function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  // An HTTP date begins with the day's name; Date.parse would take nearly anything.
  const date = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** The URL as messages may show it: no user, no password, no query, no fragment. */
export function shownUrl(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null) return "a URL that cannot be read";
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}

/** Headers that authenticate us to one host and are nobody else's business. */
const CREDENTIALS = ["authorization", "cookie", "proxy-authorization"];

/**
 * The request that a redirect asks for, or undefined when the response is none. Credentials stay
 * with the origin they were meant for; 303, and 301/302 after POST, become GET (RFC 9110 section
 * 15.4).
 */
export function redirected<
  R extends { method: string; url: string; headers: Readonly<Record<string, string>> },
>(request: R, status: number, location: string | undefined): R | undefined {
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return undefined;
  const target = URL.parse(location, request.url);
  if (target === null || !/^https?:$/.test(target.protocol)) return undefined;
  const source = new URL(request.url);
  // A downgrade would show to the network what was meant to be secret.
  if (source.protocol === "https:" && target.protocol === "http:") return undefined;
  const drop = target.origin === source.origin ? [] : CREDENTIALS;
  const becomesGet =
    (status === 303 && request.method !== "HEAD") ||
    ((status === 301 || status === 302) && request.method === "POST");
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(
      ([name]) =>
        !drop.includes(name.toLowerCase()) &&
        !(becomesGet && /^content-(type|length|encoding)$/i.test(name)),
    ),
  );
  const next = { ...request, url: target.href, headers };
  if (!becomesGet) return next;
  return { ...next, method: "GET", body: undefined };
}
