import { createServer, request as forward, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that came in. */
export interface Heard {
  method: string;
  /** With query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Answer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body?: string;
}

/** A server on the loopback that keeps what it hears. */
export interface Listener {
  origin: string;
  /** `127.0.0.1:PORT` */
  host: string;
  heard: Heard[];
  close(): Promise<void>;
}

/** `answer` may return the origin of another server that gets the request in its place. */
export async function listen(answer: (heard: Heard) => Answer | string): Promise<Listener> {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const bytes = Buffer.concat(chunks);
      const { method = "GET", url = "/", headers } = request;
      const one: Heard = { method, path: url, headers, body: bytes.toString("latin1") };
      heard.push(one);
      const told = answer(one);
      if (typeof told !== "string") {
        response.writeHead(told.status, told.headers).end(told.body ?? "");
        return;
      }
      // The Host header stays, so that addresses in answers lead back here.
      const onward = forward(new URL(url, told), { method, headers }, (reply) => {
        response.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(response);
      });
      onward.on("error", () => response.writeHead(502).end());
      onward.end(bytes);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin: `http://${host}`,
    host,
    heard,
    close: async () => {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}
