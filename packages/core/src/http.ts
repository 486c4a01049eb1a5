import type { Readable } from "node:stream";

/** One HTTP exchange. Secrets belong in headers: URLs may appear in messages, without their query. */
export interface HttpRequest {
  method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  url: string;
  headers?: Readonly<Record<string, string>>;
  /** Bytes, or a factory that can be asked again when the request is repeated. */
  body?: string | Uint8Array | (() => Readable);
  /** Milliseconds for the whole exchange, of each attempt; 30,000 by default. */
  timeoutMs?: number;
  /** Attempts in all; 4 by default, 1 switches repeating off. */
  attempts?: number;
  /** Bytes after which a body is refused; 16 MiB by default. Does not bind `stream`. */
  maxBodyBytes?: number;
  /** `manual` hands redirects to the caller; authorization is never sent to another host. */
  redirect?: "follow" | "manual";
  signal?: AbortSignal;
}

export interface HttpResponse {
  status: number;
  /** Lower-case names; repeated ones joined by a comma and a space. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

export interface HttpStream {
  status: number;
  headers: Readonly<Record<string, string>>;
  stream: Readable;
}

/**
 * The one HTTP client: deadline, bounded repetition of 408, 429, 5xx and connection errors that
 * honours `Retry-After`, proxies from the environment, body caps. Any status is a result;
 * @throws ActionError `network` when there was no answer within the attempts.
 */
export interface Http {
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Repeats only until the headers have come; the caller reads or destroys the stream. */
  stream(request: HttpRequest): Promise<HttpStream>;
}
