import { Readable } from "node:stream";
import type { Http, HttpRequest, HttpResponse } from "../http.ts";

/** An answer, in the shortest form that says it; an object body becomes JSON. */
export interface ScriptedResponse {
  status?: number;
  headers?: Record<string, string>;
  body?: string | Uint8Array | object;
}

type Answer = ScriptedResponse | ((request: HttpRequest) => ScriptedResponse);

/**
 * `"GET http://host/path"` (exact, or ending in `*` for a prefix) → what is answered. Of several
 * answers the first is for the first request and the last one stays; a function may throw.
 */
export type Routes = Readonly<Record<string, Answer | readonly Answer[]>>;

export interface ScriptedHttp extends Http {
  readonly requests: HttpRequest[];
  /** The requests as `METHOD url`. */
  lines(): string[];
}

/** A request that no route knows throws, so that a test cannot overlook it. */
export function scriptedHttp(routes: Routes = {}): ScriptedHttp {
  const requests: HttpRequest[] = [];
  const asked = new Map<string, number>();
  const answer = (request: HttpRequest): HttpResponse => {
    requests.push(request);
    const line = `${request.method} ${request.url}`;
    const route = Object.keys(routes).find((pattern) =>
      pattern.endsWith("*") ? line.startsWith(pattern.slice(0, -1)) : line === pattern,
    );
    const answers = route === undefined ? undefined : routes[route];
    if (route === undefined || answers === undefined) throw new Error(`no route for: ${line}`);
    const count = asked.get(route) ?? 0;
    asked.set(route, count + 1);
    const all: readonly Answer[] = Array.isArray(answers)
      ? (answers as readonly Answer[])
      : [answers as Answer];
    const chosen = all[Math.min(count, all.length - 1)] ?? {};
    return respond(typeof chosen === "function" ? chosen(request) : chosen);
  };
  return {
    requests,
    lines: () => requests.map(({ method, url }) => `${method} ${url}`),
    // eslint-disable-next-line @typescript-eslint/require-await -- what throws must reject
    request: async (request) => answer(request),
    // eslint-disable-next-line @typescript-eslint/require-await -- what throws must reject
    stream: async (request) => {
      const { status, headers, body } = answer(request);
      return { status, headers, stream: Readable.from([body]) };
    },
  };
}

function respond({ status = 200, headers = {}, body = "" }: ScriptedResponse): HttpResponse {
  const bytes =
    typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  return {
    status,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    body: Buffer.from(bytes),
  };
}
