import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { ActionError } from "../errors.ts";
import type { HttpRequest } from "../http.ts";
import { testClock } from "../testing/clock.ts";
import { systemClock } from "./clock.ts";
import { httpClient } from "./http.ts";

// Real processes and servers on a busy machine take their time; what hangs is still found.
jest.setTimeout(60_000);

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

const servers: Server[] = [];

afterEach(async () => {
  await Promise.all(
    servers.splice(0).map(async (server) => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }),
  );
});

/** A real server on the loopback; `count` numbers its requests from 1. */
async function serve(
  handler: Handler,
): Promise<{ url: string; server: Server; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    handler(request, response, seen.length);
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, seen };
}

const clock = testClock();
const http = httpClient(clock, () => 0);
const get = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: "GET",
  url,
  ...more,
});

async function failure(work: Promise<unknown>): Promise<ActionError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ActionError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** The delays the client asked its clock for during `work`. */
async function delays(work: () => Promise<unknown>): Promise<number[]> {
  const before = clock.sleeps.length;
  await work();
  return clock.sleeps.slice(before);
}

describe("httpClient: requests", () => {
  it("sends method, headers and body, and gives any answer", async () => {
    const { url } = await serve((request, response) => {
      void buffer(request).then((body) => {
        response.setHeader("X-Seen", [request.method ?? "", request.headers["x-a"] as string]);
        response.statusCode = 404;
        response.end(body);
      });
    });
    for (const body of ["tëxt", Buffer.from("tëxt"), () => Readable.from([Buffer.from("tëxt")])]) {
      const answer = await http.request({ method: "PUT", url, headers: { "X-A": "b" }, body });
      expect(answer).toMatchObject({ status: 404, headers: { "x-seen": "PUT, b" } });
      expect(answer.body.toString()).toBe("tëxt");
    }
  });

  it("tells the server how long bytes are, and that there are none", async () => {
    const { url, seen } = await serve((request, response) => {
      request.resume().on("end", () => response.end());
    });
    await http.request({ method: "PUT", url, body: Buffer.alloc(70_000) });
    await http.request({ method: "POST", url });
    expect(seen.map(({ headers }) => headers["content-length"])).toEqual(["70000", "0"]);
  });

  it("authenticates as the user of the URL, unless a header says otherwise", async () => {
    const { url, seen } = await serve((_, response) => response.end());
    const withUser = url.replace("//", "//us%20er:p%40ss@");
    await http.request(get(withUser));
    await http.request(get(withUser, { headers: { Authorization: "Bearer x" } }));
    expect(seen.map(({ headers }) => headers.authorization)).toEqual([
      `Basic ${Buffer.from("us er:p@ss").toString("base64")}`,
      "Bearer x",
    ]);
  });

  it("refuses a body over the cap, in length and in truth", async () => {
    const { url } = await serve((_, response) => {
      response.write(Buffer.alloc(600));
      response.end(Buffer.alloc(600));
    });
    const error = await failure(http.request(get(url, { maxBodyBytes: 1_000 })));
    expect(error.code).toBe("network");
    expect(error.message).toContain("over 1000 bytes");
    expect((await http.request(get(url, { maxBodyBytes: 1_200 }))).body).toHaveLength(1_200);
  });

  it("refuses what is no http URL without showing it", async () => {
    for (const url of ["file:///etc/passwd?s3cret", "s3cret", ""]) {
      const error = await failure(http.request(get(url)));
      expect(error.message).not.toContain("s3cret");
    }
  });
});

describe("httpClient: repetition", () => {
  it("waits as Retry-After says, then takes the answer", async () => {
    const { url, seen } = await serve((_, response, count) => {
      if (count < 3) response.writeHead(429, { "retry-after": "7" }).end();
      else response.end("ok");
    });
    const waited = await delays(async () => {
      expect((await http.request(get(url))).body.toString()).toBe("ok");
    });
    expect(waited).toEqual([7_000, 7_000]);
    expect(seen).toHaveLength(3);
  });

  it("honours Retry-After as a date, up to a cap", async () => {
    const { url } = await serve((_, response, count) => {
      const soon = new Date(clock.now() + 3_600_000).toUTCString();
      if (count === 1) response.writeHead(503, { "retry-after": soon }).end();
      else response.end();
    });
    expect(await delays(() => http.request(get(url)))).toEqual([60_000]);
  });

  it.each([408, 500, 502, 503, 504])("repeats %d with growing waits", async (status) => {
    const { url } = await serve((_, response, count) => {
      response.writeHead(count < 3 ? status : 200).end();
    });
    expect(await delays(() => http.request(get(url)))).toEqual([500, 1_000]);
  });

  it("gives the last answer when all attempts were in vain", async () => {
    const { url, seen } = await serve((_, response) => response.writeHead(503).end("busy"));
    const answer = await http.request(get(url, { attempts: 2 }));
    expect(answer).toMatchObject({ status: 503 });
    expect(answer.body.toString()).toBe("busy");
    expect(seen).toHaveLength(2);
  });

  it("does not repeat what will not change", async () => {
    const { url, seen } = await serve((_, response) => response.writeHead(401).end());
    await http.request(get(url));
    expect(seen).toHaveLength(1);
  });

  it("asks a body factory again for each attempt", async () => {
    const bodies: string[] = [];
    const { url } = await serve((request, response, count) => {
      void buffer(request).then((body) => {
        bodies.push(body.toString());
        response.writeHead(count === 1 ? 500 : 200).end();
      });
    });
    await http.request({ method: "PUT", url, body: () => Readable.from(["again"]) });
    expect(bodies).toEqual(["again", "again"]);
  });

  it("repeats after a connection that breaks, also in the middle of the body", async () => {
    const { url, seen } = await serve((request, response, count) => {
      if (count === 1) request.socket.destroy();
      else if (count === 2) {
        response.writeHead(200, { "content-length": "10" });
        response.write("half", () => request.socket.resetAndDestroy());
      } else response.end("whole");
    });
    expect((await http.request(get(url))).body.toString()).toBe("whole");
    expect(seen).toHaveLength(3);
  });

  it("says what it tried when nobody listens, without the secret parts of the URL", async () => {
    const { url, server } = await serve(() => undefined);
    await new Promise((done) => server.close(done));
    servers.splice(0);
    const secretive = `${url.replace("//", "//user:pa55@")}/path?sig=s3cret`;
    const error = await failure(http.request(get(secretive, { attempts: 2 })));
    expect(error.code).toBe("network");
    expect(error.message).toMatch(
      /^GET http:\/\/127.0.0.1:\d+\/path: .*ECONNREFUSED.* \(2 attempts\)$/,
    );
    expect(error.message).not.toMatch(/pa55|s3cret/);
  });

  it("gives each attempt its deadline against a server that hangs", async () => {
    const { url, seen } = await serve((_, response, count) => {
      // The head alone is no answer.
      if (count === 2) response.writeHead(200).write("half");
    });
    const error = await failure(http.request(get(url, { attempts: 2, timeoutMs: 700 })));
    expect(error.message).toContain("nothing came in 700 ms (2 attempts)");
    expect(seen).toHaveLength(2);
  });

  it("ends at once when it is cancelled, also while it waits", async () => {
    const abort = new AbortController();
    const reason = new Error("cancelled");
    const { url } = await serve((_, response, count) => {
      if (count === 1) response.writeHead(503, { "retry-after": "60" }).end();
      setImmediate(() => {
        abort.abort(reason);
      });
    });
    const real = httpClient(systemClock());
    await expect(real.request(get(url, { signal: abort.signal }))).rejects.toBe(reason);
    const hanging = new AbortController();
    const { url: hangs } = await serve(() => {
      hanging.abort(reason);
    });
    await expect(real.request(get(hangs, { signal: hanging.signal }))).rejects.toBe(reason);
  });

  it("does not pass a broken body for a whole one", async () => {
    const outcomes: string[] = [];
    const { url, server } = await serve((request) => {
      request.on("end", () => outcomes.push("whole"));
      request.on("aborted", () => outcomes.push("aborted"));
      request.resume();
    });
    const body = (): Readable =>
      Readable.from(
        (function* () {
          yield Buffer.alloc(100_000);
          throw new Error("disk");
        })(),
      );
    const error = await failure(http.request({ method: "PUT", url, body }));
    expect(error.message).toContain("the body could not be read");
    await new Promise((done) => server.close(done));
    servers.splice(0);
    expect(outcomes).not.toContain("whole");
  });
});

describe("httpClient: redirects", () => {
  it("follows them, and tells another host no credentials", async () => {
    const { url: other, seen } = await serve((_, response) => response.end("there"));
    const { url } = await serve((request, response) => {
      const location = request.url === "/a" ? "/b" : `${other}/c`;
      response.writeHead(302, { location }).end("moved");
    });
    const answer = await http.request(
      get(`${url}/a`, { headers: { authorization: "Bearer s", accept: "x" } }),
    );
    expect(answer.body.toString()).toBe("there");
    expect(seen[0]?.headers.authorization).toBeUndefined();
    expect(seen[0]?.headers.accept).toBe("x");
  });

  it("hands them to callers who want that", async () => {
    const { url } = await serve((_, response) => response.writeHead(307, { location: "/b" }).end());
    const answer = await http.request(get(url, { redirect: "manual" }));
    expect(answer).toMatchObject({ status: 307, headers: { location: "/b" } });
  });

  it("does not go round in circles", async () => {
    const { url, seen } = await serve((_, response) =>
      response.writeHead(302, { location: "/" }).end(),
    );
    expect((await failure(http.request(get(url)))).message).toContain("more than 10 redirects");
    expect(seen).toHaveLength(11);
  });
});

describe("httpClient: streams", () => {
  it("hands on the body as it comes, without a cap", async () => {
    const { url } = await serve((_, response) => {
      Readable.from(
        (function* () {
          for (let block = 0; block < 320; block += 1) yield Buffer.alloc(65_536);
        })(),
      ).pipe(response);
    });
    const { status, stream } = await http.stream(get(url, { maxBodyBytes: 1 }));
    let bytes = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) bytes += chunk.length;
    expect([status, bytes]).toEqual([200, 320 * 65_536]);
  });

  it("repeats until there is a head, and then no more", async () => {
    const { url, seen } = await serve((request, response, count) => {
      if (count === 1) response.writeHead(503).end();
      else {
        response.writeHead(200, { "content-length": "10" });
        response.write("half", () => request.socket.resetAndDestroy());
      }
    });
    const { stream } = await http.stream(get(url));
    await expect(buffer(stream)).rejects.toThrow();
    expect(seen).toHaveLength(2);
  });

  it("does not wait for ever when nothing more comes", async () => {
    const { url } = await serve((_, response) => response.writeHead(200).write("half"));
    const { stream } = await http.stream(get(url, { timeoutMs: 700 }));
    await expect(buffer(stream)).rejects.toThrow(/nothing came for 700 ms/);
  });

  it("ends when the step is cancelled", async () => {
    const { url } = await serve((_, response) => response.writeHead(200).write("half"));
    const abort = new AbortController();
    const { stream } = await http.stream(get(url, { signal: abort.signal }));
    abort.abort();
    await expect(buffer(stream)).rejects.toThrow();
  });
});

describe("httpClient: proxies", () => {
  const names = ["http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"];
  const saved = { ...process.env };
  afterEach(() => {
    for (const name of names) process.env[name] = saved[name] ?? "";
  });

  it("goes through the proxy of the environment, with its credentials, and around it for no_proxy", async () => {
    const { url: origin } = await serve((_, response) => response.end("origin"));
    const asked: string[] = [];
    const { url: proxyUrl, server: proxy } = await serve((request, response) => {
      asked.push(`${request.method ?? ""} ${request.url ?? ""}`);
      response.end("by proxy");
    });
    proxy.on("connect", (request, socket) => {
      asked.push(`CONNECT ${request.url ?? ""} ${request.headers["proxy-authorization"] ?? ""}`);
      const { port } = new URL(origin);
      const target = connect(Number(port), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        target.pipe(socket).pipe(target);
      });
      socket.on("close", () => target.destroy());
      target.on("error", () => undefined);
      socket.on("error", () => undefined);
    });
    delete process.env["no_proxy"];
    delete process.env["NO_PROXY"];
    process.env["http_proxy"] = proxyUrl.replace("//", "//me:pw@");
    await http.request(get("http://registry.example/v2/"));
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatch(/registry\.example/);

    process.env["no_proxy"] = "127.0.0.1";
    expect((await http.request(get(origin))).body.toString()).toBe("origin");
    expect(asked).toHaveLength(1);
  });
});
