import { at } from "@go-cicd/core/context.ts";
import { ActionError, isSystemError } from "@go-cicd/core/errors.ts";
import { isTransient, retryDelay } from "@go-cicd/core/http-policy.ts";
import type { Http, HttpRequest, HttpResponse } from "@go-cicd/core/http.ts";
import type { Ports } from "@go-cicd/core/ports.ts";

/** An answer, or why there was none, in words that hold nothing of the URL. */
export type Exchange =
  { kind: "answered"; response: HttpResponse } | { kind: "none"; reason: string };

const ATTEMPTS = 4;

/** The whole time a sink has. */
export interface Deadline {
  /** Aborted by a `TimeoutError` at the deadline, by anything else when the step is cancelled. */
  signal: AbortSignal;
  timeoutMs: number;
  /** Epoch milliseconds. */
  at: number;
}

/**
 * Sends, and repeats what may pass, until the deadline. The repetition is done here and not by the
 * client, so that an answer that asks for more time than there is left is the reason given, and not
 * the silence after it. Redirects are not followed: a POST would arrive as a GET (RFC 9110 section
 * 15.4), which many servers answer with 200.
 */
export async function exchange(
  { http, clock }: Pick<Ports, "http" | "clock">,
  request: HttpRequest,
  deadline: Deadline,
): Promise<Exchange> {
  let last: Exchange | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await once(http, request, deadline);
    if (outcome === "deadline") return late(last, deadline);
    last = outcome;
    if (attempt >= ATTEMPTS || !mayPass(outcome)) return outcome;
    const retryAfter =
      outcome.kind === "answered" ? outcome.response.headers["retry-after"] : undefined;
    const delay = retryDelay(attempt, retryAfter, clock.now(), Math.random());
    if (clock.now() + delay >= deadline.at) return outcome;
    try {
      await clock.sleep(delay, deadline.signal);
    } catch {
      return late(last, deadline);
    }
  }
}

async function once(
  http: Http,
  request: HttpRequest,
  { signal, timeoutMs }: Deadline,
): Promise<Exchange | "deadline"> {
  try {
    const response = await http.request({
      ...request,
      redirect: "manual",
      attempts: 1,
      timeoutMs,
      maxBodyBytes: 256 * 1024,
      signal,
    });
    return { kind: "answered", response };
  } catch (error) {
    return signal.aborted ? "deadline" : { kind: "none", reason: words(error) };
  }
}

function mayPass(outcome: Exchange): boolean {
  return outcome.kind === "none" || isTransient(outcome.response.status);
}

function late(last: Exchange | undefined, { signal, timeoutMs }: Deadline): Exchange {
  if (!isTimeout(signal.reason)) {
    return { kind: "none", reason: "the step was cancelled before the answer came" };
  }
  const before =
    last === undefined
      ? ""
      : ` (before that: ${last.kind === "none" ? last.reason : String(last.response.status)})`;
  return { kind: "none", reason: `no final answer within ${timeoutMs} ms${before}` };
}

function isTimeout(reason: unknown): boolean {
  return at(reason, "name") === "TimeoutError";
}

/** Messages of network errors may hold the URL: only codes are shown. */
function words(error: unknown): string {
  const cause = error instanceof ActionError ? error.cause : error;
  if (isSystemError(cause, "ECONNREFUSED")) {
    return "connection refused (ECONNREFUSED): nothing listens there";
  }
  if (isSystemError(cause, "ENOTFOUND", "EAI_AGAIN")) {
    return "the host's name cannot be resolved";
  }
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return /^[A-Z][A-Z0-9_]+$/.test(code)
    ? `the connection failed (${code})`
    : "the connection failed, or the answer was not HTTP";
}

/** Why a status means that the deploy was not taken. `who` is the other side's name. */
export function refusal(who: string, status: number, retryAfter: string | undefined): string {
  switch (true) {
    case status === 401:
      return `401: ${who} does not accept the credentials; check them`;
    case status === 403:
      return `403: ${who} does not allow this; check the credentials' rights`;
    case status === 404:
      return `404: there is no such place on the server; check the URL and its path`;
    case status === 429:
      return `429: ${who} has had too many requests${wait(retryAfter)}`;
    case status >= 300 && status < 400:
      return `${status}: the server redirects, and a redirected POST is not followed; give the final URL`;
    case status >= 500:
      return `${status}: ${who} is broken, also after repeating`;
    default:
      return `${status}: ${who} does not take it`;
  }
}

/** The header is the server's text: only the two forms it may have are repeated. */
function wait(retryAfter: string | undefined): string {
  if (
    retryAfter === undefined ||
    !/^(\d{1,9}|[A-Za-z]{3}, [\w: ]{5,30})$/.test(retryAfter.trim())
  ) {
    return "";
  }
  return /^\d/.test(retryAfter.trim())
    ? ` (asks to wait ${retryAfter.trim()} s)`
    : ` (asks to wait until ${retryAfter.trim()})`;
}
