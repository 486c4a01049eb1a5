import { createReadStream } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Transform, type Readable, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Misbehaviour } from "./faults.ts";
import type { Line } from "./line.ts";

/** Bytes of a body that is read into memory. */
const JSON_LIMIT = 1024 * 1024;

/** A request that cannot be answered as asked; becomes the answer. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    super(`HTTP ${status}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** One request and its answer, with its faults and its byte counts. */
export class Exchange {
  readonly url: URL;
  readonly method: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly misbehaviour: Misbehaviour | undefined;
  readonly #line: Line | undefined;
  received = 0;
  sent = 0;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    misbehaviour: Misbehaviour | undefined,
    line?: Line,
  ) {
    this.#line = line;
    this.request = request;
    this.response = response;
    this.url = url;
    this.method = request.method ?? "GET";
    this.misbehaviour = misbehaviour;
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  /** The token of the Authorization header, or an empty text. */
  bearer(): string {
    return /^bearer (.+)$/i.exec(this.header("authorization") ?? "")?.[1] ?? "";
  }

  /** The request's body as a stream that counts, and breaks off where a fault wants it. */
  body(): Readable {
    const limit =
      this.misbehaviour?.kind === "reset" && this.misbehaviour.side === "request"
        ? this.misbehaviour.afterBytes
        : Infinity;
    const counter = new Transform({
      highWaterMark: 1 << 20,
      transform: (chunk: Buffer, _encoding, done) => {
        this.received += chunk.length;
        if (this.received > limit) this.request.destroy(new Error("reset by a fault"));
        else this.#pass("up", chunk, done);
      },
    });
    this.request.on("error", (error) => counter.destroy(error));
    this.request.on("aborted", () => counter.destroy(new Error("the client went away")));
    return this.request.pipe(counter);
  }

  /** @throws Refusal 400 or 413 */
  async text(): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.body() as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > JSON_LIMIT) throw new Refusal(413, { code: "malformed", msg: "body too large" });
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString("utf8");
  }

  /** The body as a JSON object. @throws Refusal 400 */
  async json(): Promise<Record<string, unknown>> {
    const text = await this.text();
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
    } catch {
      // Answered below, as any other body that is no object.
    }
    throw new Refusal(400, { code: "malformed", msg: "the body is not a JSON object" });
  }

  async send(
    status: number,
    body: string | Buffer = "",
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    // Whatever of the request is unread would keep the connection busy.
    if (!this.request.readableEnded) this.request.resume();
    const bytes = Buffer.from(body);
    const spoiled = this.#spoil(bytes.length);
    const bodyless = status === 204 || status === 304;
    this.response.writeHead(status, {
      ...headers,
      ...(bodyless ? {} : { "content-length": spoiled.length }),
    });
    if (this.method === "HEAD" || bodyless) {
      this.response.end();
      return;
    }
    await pipeline(
      async function* () {
        yield await Promise.resolve(bytes.subarray(0, spoiled.length));
      },
      spoiled.stage,
      this.response,
    );
  }

  async sendJson(
    status: number,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    await this.send(status, JSON.stringify(body), {
      "content-type": "application/json; charset=utf-8",
      ...headers,
    });
  }

  /** Sends bytes `start` to `end` (inclusive) of a file. */
  async sendFile(
    status: number,
    path: string,
    range: { start: number; end: number },
    headers: Readonly<Record<string, string>>,
  ): Promise<void> {
    const length = range.end - range.start + 1;
    const spoiled = this.#spoil(length);
    this.response.writeHead(status, { ...headers, "content-length": spoiled.length });
    if (this.method === "HEAD" || spoiled.length === 0) {
      this.response.end();
      return;
    }
    const file = createReadStream(path, {
      start: range.start,
      end: range.start + spoiled.length - 1,
      highWaterMark: 1 << 20,
    });
    await pipeline(file, spoiled.stage, this.response);
  }

  #pass(direction: "up" | "down", chunk: Buffer, done: TransformCallback): void {
    if (this.#line === undefined) done(null, chunk);
    else void this.#line.pass(direction, chunk.length).then(() => done(null, chunk));
  }

  /** The length of the answer, and what its bytes go through, with the fault applied. */
  #spoil(length: number): { length: number; stage: Transform } {
    const fault = this.misbehaviour;
    let position = 0;
    const count = new Transform({
      highWaterMark: 1 << 20,
      transform: (chunk: Buffer, _encoding, done) => {
        const start = position;
        position += chunk.length;
        this.sent = position;
        if (fault?.kind === "alter" && fault.at >= start && fault.at < position) {
          const copy = Buffer.from(chunk);
          copy[fault.at - start] = (copy[fault.at - start] ?? 0) ^ 0xff;
          done(null, copy);
        } else if (
          fault?.kind === "reset" &&
          fault.side === "response" &&
          position > fault.afterBytes
        ) {
          this.response.write(chunk.subarray(0, fault.afterBytes - start), () =>
            this.response.socket?.resetAndDestroy(),
          );
        } else this.#pass("down", chunk, done);
      },
    });
    const shorter = fault?.kind === "truncate" ? Math.min(length, fault.bytes) : length;
    return { length: shorter, stage: count };
  }
}
