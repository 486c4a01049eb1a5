import { mkdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import type { Duplex } from "node:stream";
import { artifactRoutes, ArtifactStore } from "./artifacts.ts";
import { blobRoutes } from "./blob-routes.ts";
import { BlobStore } from "./blobs.ts";
import { CacheEntries } from "./cache-entries.ts";
import { UploadRate } from "./cache-rules.ts";
import { cacheV1Routes } from "./cache-v1.ts";
import { cacheV2Routes } from "./cache-v2.ts";
import { Exchange, Refusal } from "./exchange.ts";
import { Faults, type Fault, type Lies, type Misbehaviour } from "./faults.ts";
import { Line, type LineOptions } from "./line.ts";
import { identityUrl, oidcRoutes } from "./oidc.ts";
import type { Desk, Route } from "./routes.ts";
import { Signer, type Grant } from "./tokens.ts";

export interface ServicesOptions {
  /** Where everything is kept; several servers may share it, and it outlives them. */
  folder: string;
  /** Bound on the cache in bytes, by default 10 GB as for a repository on GitHub. */
  cacheBytes?: number;
  /** Milliseconds after which a run's artifacts are removed when a server starts; 7 days by default. */
  artifactAgeMs?: number;
  /** Milliseconds a signed URL is good for; an hour by default. */
  urlLifetimeMs?: number;
  /** Uploads a minute before 429; 200 by default. */
  uploadsPerMinute?: number;
  /** Host of signed URLs, `acct.blob.core.windows.net`: clients then need `proxyEnvironment()`. */
  blobHost?: string;
  /** Further routes, tried first. */
  routes?: readonly Route[];
  /** Latency and bandwidth, for measuring; none by default. */
  line?: LineOptions;
}

/** One request, for counting. Queries hold signatures and are left out. */
export interface RequestRecord {
  /** Epoch milliseconds. */
  at: number;
  method: string;
  path: string;
  /** `comp` of a blob request: `block`, `blocklist`; else empty. */
  part: string;
  /** 0 when the connection was broken without an answer. */
  status: number;
  /** Bytes of the bodies. */
  received: number;
  sent: number;
}

export type CacheMode = "read" | "write" | "write-only" | "none";

/** The services of one machine: caches, artifacts, identity tokens. */
export interface Services {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** All requests so far, oldest first. */
  readonly requests: readonly RequestRecord[];
  /** Rules to break. */
  readonly lies: Lies;
  readonly cache: CacheEntries;
  /** Makes requests go wrong; the result ends that. */
  fault(fault: Fault): () => void;
  /** A token for ACTIONS_RUNTIME_TOKEN. */
  token(grant: Grant): string;
  /** The ACTIONS_ variables of a job; `cacheService` 1 is for GitHub Enterprise Server and act. */
  environment(
    grant: Grant,
    options?: { cacheService?: 1 | 2; cacheMode?: CacheMode },
  ): Record<string, string>;
  /** Sends a client's traffic for `blobHost` here. */
  proxyEnvironment(): Record<string, string>;
  /** Ends open connections, and gives back what was never finished. */
  close(): Promise<void>;
}

const MAX_RECORDS = 100_000;

/** Starts the services on 127.0.0.1 at a free port. */
export async function startServices(options: ServicesOptions): Promise<Services> {
  const folder = resolve(options.folder);
  await mkdir(folder, { recursive: true });
  const lies: Lies = new Set();
  const faults = new Faults();
  const requests: RequestRecord[] = [];
  const blobs = new BlobStore(folder, lies);
  const maxBytes = options.cacheBytes ?? 10e9;
  const cache = new CacheEntries({ folder, blobs, lies, maxBytes });
  let origin = "";
  const desk: Desk = {
    folder,
    origin: () => origin,
    signer: new Signer(),
    blobs,
    cache,
    lies,
    blobHost: options.blobHost,
    urlLifetimeMs: options.urlLifetimeMs ?? 3_600_000,
    uploadsPerMinute: options.uploadsPerMinute ?? 200,
  };
  await sweep(desk, options.artifactAgeMs ?? 7 * 86_400_000);

  const rate = new UploadRate(desk.uploadsPerMinute);
  const routes: readonly Route[] = [
    ...(options.routes ?? []),
    ...cacheV2Routes(desk, rate),
    ...cacheV1Routes(desk, rate),
    ...artifactRoutes(desk),
    ...blobRoutes(desk),
    ...oidcRoutes(desk),
  ];
  const line = options.line === undefined ? undefined : new Line(options.line);
  const { blobHost } = desk;
  const server = createServer((request, response) => {
    void serve({ request, response, routes, faults, requests, origin, blobHost, line });
  });
  server.on("connect", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    tunnel(server, { target: request.url ?? "", blobHost: desk.blobHost, socket, head });
  });
  // A large upload on a slow disk may take longer than the five minutes Node allows.
  server.requestTimeout = 30 * 60_000;
  server.keepAliveTimeout = 5_000;
  await new Promise<void>((done, failed) => {
    server.once("error", failed);
    server.listen(0, "127.0.0.1", done);
  });
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    origin,
    requests,
    lies,
    cache,
    fault: (fault) => faults.add(fault),
    token: (grant) => desk.signer.token(grant),
    environment: (grant, { cacheService = 2, cacheMode } = {}) => ({
      ACTIONS_RUNTIME_URL: `${origin}/`,
      ACTIONS_RUNTIME_TOKEN: desk.signer.token(grant),
      ACTIONS_RESULTS_URL: `${origin}/`,
      ACTIONS_CACHE_URL: `${origin}/`,
      ...(cacheService === 2 ? { ACTIONS_CACHE_SERVICE_V2: "True" } : {}),
      ...(cacheMode === undefined ? {} : { ACTIONS_CACHE_MODE: cacheMode }),
      ACTIONS_ORCHESTRATION_ID: `${grant.runId}.${grant.jobId}`,
      ...(grant.idToken === undefined
        ? {}
        : {
            ACTIONS_ID_TOKEN_REQUEST_URL: identityUrl(desk),
            ACTIONS_ID_TOKEN_REQUEST_TOKEN: desk.signer.identityToken(grant.idToken),
          }),
    }),
    proxyEnvironment: () => ({ http_proxy: origin, no_proxy: "127.0.0.1" }),
    close: async () => {
      await closeServer(server);
      await cache.close();
    },
  };
}

async function sweep(desk: Desk, artifactAgeMs: number): Promise<void> {
  await desk.cache.evict();
  const named = await new ArtifactStore(desk).sweep(artifactAgeMs);
  for (const { blob } of await desk.cache.list()) named.add(blob);
  await desk.blobs.sweep(named, 86_400_000);
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((done) => server.close(() => done()));
  server.closeAllConnections();
  await closed;
}

interface Call {
  request: IncomingMessage;
  response: ServerResponse;
  routes: readonly Route[];
  faults: Faults;
  requests: RequestRecord[];
  origin: string;
  blobHost: string | undefined;
  line: Line | undefined;
}

async function serve(call: Call): Promise<void> {
  const { request, response, faults, requests, line } = call;
  const at = Date.now();
  const url = requestUrl(call);
  if (url === undefined) {
    response.writeHead(502).end();
    return;
  }
  const method = request.method ?? "GET";
  const misbehaviour = faults.meet(method, url);
  const exchange = new Exchange(request, response, url, misbehaviour, line);
  const record: RequestRecord = {
    at,
    method,
    path: url.pathname,
    part: url.searchParams.get("comp") ?? "",
    status: 0,
    received: 0,
    sent: 0,
  };
  requests.push(record);
  if (requests.length > MAX_RECORDS) requests.splice(0, requests.length - MAX_RECORDS);
  await line?.meet(request.socket);
  try {
    await answer(exchange, call.routes, misbehaviour);
  } catch (error) {
    await refuse(exchange, error);
  }
  record.status = response.headersSent ? response.statusCode : 0;
  record.received = exchange.received;
  record.sent = exchange.sent;
}

/**
 * The URL asked for: a path, or an absolute URL from a client that takes us for its proxy. Other
 * hosts are not ours: nothing leaves the machine through here.
 */
function requestUrl({ request, origin, blobHost }: Call): URL | undefined {
  const target = request.url ?? "/";
  if (target.startsWith("/")) return new URL(target, origin);
  const url = URL.parse(target);
  if (url === null || (url.host !== blobHost && url.origin !== origin)) return undefined;
  return url;
}

/** A tunnel to `blobHost` ends here as well: @actions/http-client tunnels plain HTTP. */
function tunnel(
  server: Server,
  call: { target: string; blobHost: string | undefined; socket: Duplex; head: Buffer },
): void {
  const { target, blobHost, socket, head } = call;
  if (blobHost === undefined || target !== `${blobHost}:80`) {
    socket.end("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
  if (head.length > 0) socket.unshift(head);
  server.emit("connection", socket);
}

async function answer(
  exchange: Exchange,
  routes: readonly Route[],
  misbehaviour: Misbehaviour | undefined,
): Promise<void> {
  switch (misbehaviour?.kind) {
    case "hang":
      return;
    case "delay":
      await new Promise((done) => setTimeout(done, misbehaviour.ms));
      break;
    case "status":
      await exchange.send(misbehaviour.status, misbehaviour.body ?? "", {
        "content-type": "application/json",
        ...misbehaviour.headers,
      });
      return;
    default:
      break;
  }
  const path = exchange.url.pathname;
  for (const route of routes) {
    const match = route.method === exchange.method ? route.path.exec(path) : null;
    if (match === null) continue;
    await route.answer(exchange, match.slice(1));
    return;
  }
  throw new Refusal(404, { message: "Not Found", code: "bad_route", msg: `no route for ${path}` });
}

async function refuse(exchange: Exchange, error: unknown): Promise<void> {
  const { response } = exchange;
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  try {
    if (!(error instanceof Refusal)) {
      const code = (error as NodeJS.ErrnoException).code ?? "internal";
      // 507 is not retried by the clients: a full disk would hold up a job for half a minute.
      const status = code === "ENOSPC" || code === "EDQUOT" ? 507 : 500;
      await exchange.sendJson(status, { code: "internal", msg: `the service failed: ${code}` });
    } else if (typeof error.body === "string") {
      await exchange.send(error.status, error.body, error.headers);
    } else await exchange.sendJson(error.status, error.body, error.headers);
  } catch {
    // The client went away meanwhile.
    response.destroy();
  }
}
