import { Agent as HttpAgent, type IncomingMessage, type RequestOptions } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { addAbortSignal, Readable } from "node:stream";
import { getProxyUrl, HttpClient } from "@actions/http-client";
import type { Clock } from "../clock.ts";
import { ActionError, isSystemError, messageOf } from "../errors.ts";
import type { Http, HttpRequest } from "../http.ts";
import { isTransient, redirected, retryDelay, shownUrl } from "../http-policy.ts";

const USER_AGENT = "go-cicd";
const TIMEOUT_MS = 30_000;
const ATTEMPTS = 4;
const MAX_BODY_BYTES = 16 * 1024 * 1024;
const MAX_REDIRECTS = 10;

/** Their idle sockets do not keep a step alive: Node unrefs them. */
const plainAgent = new HttpAgent({ keepAlive: true });
const tlsAgent = new HttpsAgent({ keepAlive: true });

/** One hop: what is really sent. */
interface Exchange {
  method: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: HttpRequest["body"] | undefined;
}

/** HTTP over `@actions/http-client`, which knows the runner's proxies. */
export function httpClient(clock: Clock, random: () => number = Math.random): Http {
  return {
    request: (request) =>
      repeat(request, clock, random, async (signal) => {
        const message = await send(request, signal);
        return { ...head(message), body: await readBody(message, request) };
      }),
    stream: (request) =>
      repeat(request, clock, random, async (signal, clearDeadline) => {
        const message = await send(request, signal);
        const response = { ...head(message), stream: message };
        // From here on the time counts that nothing comes, not the whole.
        clearDeadline();
        const idleMs = request.timeoutMs ?? TIMEOUT_MS;
        message.setTimeout(idleMs, () => {
          message.destroy(
            new ActionError("network", `${shown(request)}: nothing came for ${idleMs} ms`),
          );
        });
        return response;
      }),
  };
}

type Headers = Readonly<Record<string, string>>;

/** Attempts until there is an answer worth having, or none are left. */
async function repeat<R extends { status: number; headers: Headers; stream?: Readable }>(
  request: HttpRequest,
  clock: Clock,
  random: () => number,
  attempt: (signal: AbortSignal, clearDeadline: () => void) => Promise<R>,
): Promise<R> {
  const attempts = Math.max(1, request.attempts ?? ATTEMPTS);
  const timeoutMs = request.timeoutMs ?? TIMEOUT_MS;
  for (let count = 1; ; count += 1) {
    request.signal?.throwIfAborted();
    let retryAfter: string | undefined;
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(new Error("deadline")), timeoutMs);
    const signals = [deadline.signal, ...(request.signal === undefined ? [] : [request.signal])];
    try {
      const response = await attempt(AbortSignal.any(signals), () => clearTimeout(timer));
      if (count >= attempts || !isTransient(response.status)) return response;
      retryAfter = response.headers["retry-after"];
      response.stream?.on("error", () => undefined).destroy();
    } catch (error) {
      request.signal?.throwIfAborted();
      if (error instanceof ActionError) throw error;
      const late = deadline.signal.aborted;
      if (count >= attempts || !(late || mayPass(error))) {
        throw noAnswer(request, count, late ? `nothing came in ${timeoutMs} ms` : error);
      }
    } finally {
      clearTimeout(timer);
    }
    await clock.sleep(retryDelay(count, retryAfter, clock.now(), random()), request.signal);
  }
}

/** Sends one attempt, with its redirects, and resolves with the head of the final answer. */
async function send(request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
  let exchange: Exchange = {
    method: request.method,
    url: request.url,
    headers: request.headers ?? {},
    body: request.body,
  };
  for (let hop = 0; ; hop += 1) {
    const message = await hopOnce(exchange, request, signal);
    if (request.redirect === "manual") return message;
    const next = redirected(exchange, message.statusCode ?? 0, message.headers.location);
    if (next === undefined) return message;
    message.on("error", () => undefined).resume();
    if (hop >= MAX_REDIRECTS) {
      throw new ActionError("network", `${shown(request)}: more than ${MAX_REDIRECTS} redirects`);
    }
    exchange = next;
  }
}

async function hopOnce(
  { method, url, headers, body }: Exchange,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const target = URL.parse(url);
  if (target === null || !/^https?:$/.test(target.protocol)) {
    throw new ActionError("network", `${request.method}: not an http or https URL`);
  }
  const broken = new AbortController();
  const all = AbortSignal.any([signal, broken.signal]);
  const client = new HttpClient(USER_AGENT, [], {
    allowRedirects: false,
    allowRetries: false,
    // A net under our own deadline: its message would show the query.
    socketTimeout: (request.timeoutMs ?? TIMEOUT_MS) + 5_000,
  });
  client.handlers.push({
    prepareRequest: (options: RequestOptions) => {
      options.signal = all;
      // Connections are kept for callers whose requests are repeated: a kept one may be dead.
      if (getProxyUrl(url) === "" && request.attempts !== 1) {
        options.agent = target.protocol === "https:" ? tlsAgent : plainAgent;
      }
    },
    canHandleAuthentication: () => false,
    handleAuthentication: () => Promise.reject(new Error("not asked for")),
  });
  const source = open(body);
  // The client ends the request when the body closes, also when it broke: a server would take a
  // part for the whole. So the request is torn down first.
  let bodyError: Error | undefined;
  source?.on("error", (error: Error) => {
    bodyError = error;
    broken.abort(error);
  });
  try {
    const { message } = await client.request(
      method,
      url,
      typeof body === "string" ? body : (source ?? null),
      {
        ...basicAuthorization(target, headers),
        ...headers,
        ...(body instanceof Uint8Array && { "content-length": String(body.length) }),
      },
    );
    addAbortSignal(all, message);
    return message;
  } catch (error) {
    // The body's own error is the caller's; only what the network did is repeated.
    if (bodyError !== undefined) {
      throw bodyError instanceof ActionError
        ? bodyError
        : new ActionError("network", `${shown(request)}: the body could not be read`, {
            cause: bodyError,
          });
    }
    throw error;
  } finally {
    // An answer that came early leaves the rest of the body unread.
    if (source !== undefined && !source.readableEnded) source.on("error", () => undefined);
  }
}

function open(body: HttpRequest["body"]): Readable | undefined {
  if (body === undefined || typeof body === "string") return undefined;
  return typeof body === "function" ? body() : Readable.from([Buffer.from(body)]);
}

/** A user in the URL authenticates as in every client, unless a header says otherwise. */
function basicAuthorization(target: URL, headers: Headers): Record<string, string> {
  const given = Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
  if (given || (target.username === "" && target.password === "")) return {};
  const user = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`;
  return { authorization: `Basic ${Buffer.from(user).toString("base64")}` };
}

function head(message: IncomingMessage): { status: number; headers: Record<string, string> } {
  return {
    status: message.statusCode ?? 0,
    headers: Object.fromEntries(
      Object.entries(message.headersDistinct).map(([name, values = []]) => [
        name,
        values.join(", "),
      ]),
    ),
  };
}

async function readBody(message: IncomingMessage, request: HttpRequest): Promise<Buffer> {
  const limit = request.maxBodyBytes ?? MAX_BODY_BYTES;
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop early destroys the message, and with it the connection.
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) {
      throw new ActionError("network", `${shown(request)}: the answer is over ${limit} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Errors of the connection that another attempt may not meet. A name that does not exist stays. */
function mayPass(error: unknown): boolean {
  return isSystemError(
    error,
    "ECONNREFUSED",
    "ECONNRESET",
    "ECONNABORTED",
    "EPIPE",
    "ETIMEDOUT",
    "EAI_AGAIN",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENETDOWN",
    "ERR_STREAM_PREMATURE_CLOSE",
  );
}

function noAnswer(request: HttpRequest, attempts: number, why: unknown): ActionError {
  // Only errors with a code are known to hold no part of the URL.
  const known = typeof why === "object" && why !== null && "code" in why;
  const words = typeof why === "string" ? why : known ? messageOf(why) : "the connection failed";
  const times = attempts === 1 ? "" : ` (${attempts} attempts)`;
  return new ActionError("network", `${shown(request)}: ${words}${times}`, {
    ...(known && { cause: why }),
  });
}

function shown({ method, url }: HttpRequest): string {
  return `${method} ${shownUrl(url)}`;
}
