import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { digestOf, isDigest } from "../digest.ts";
import { isIndexType } from "../media-types.ts";
import { parseDocument } from "../spec.ts";

/** What a test may make go wrong. Return true when the answer has been given (or withheld). */
export type Fault = (request: Seen, response: ServerResponse, raw: IncomingMessage) => boolean;

/** One request as it came, body included once it was read. */
export interface Seen {
  method: string;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage["headers"];
  /** Counts from 1, per method and kind of path. */
  nth: number;
}

/** Demands a token with the right scope, as ghcr.io and Docker Hub do. */
export interface TokenAuth {
  username: string;
  password: string;
  /** A token is refused after it was used this often; unlimited by default. */
  uses?: number;
}

export interface TestRegistryOptions {
  auth?: { kind: "basic"; username: string; password: string } | ({ kind: "token" } & TokenAuth);
  fault?: Fault;
  /** `Location` of uploads: absolute by default; the others are what real registries send. */
  location?: "absolute" | "relative" | "query";
}

export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  host: string;
  requests: Seen[];
  /** Requests as `METHOD path`. */
  lines(): string[];
  blobs: Map<string, Buffer>;
  /** `<repository>@<digest>` of everything that can be pulled there. */
  members: Set<string>;
  /** `<repository>:<tag>` to digest. */
  tags: Map<string, string>;
  tokens: Map<string, { scopes: string[]; uses: number }>;
}

interface Upload {
  repository: string;
}

/**
 * A registry that holds the client to the distribution specification: wrong digests, missing
 * lengths, wrong scopes, stale uploads and manifests over missing blobs are refused.
 */
export async function testRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const requests: Seen[] = [];
  const blobs = new Map<string, Buffer>();
  const types = new Map<string, string>();
  const members = new Set<string>();
  const tags = new Map<string, string>();
  const uploads = new Map<string, Upload>();
  const tokens: TestRegistry["tokens"] = new Map();

  const handle = async (raw: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(raw.url ?? "/", `http://${host}`);
    const kind = url.pathname.replace(/sha256:[0-9a-f]{64}|[0-9a-f-]{36}$/, "*");
    const nth = requests.filter(
      (one) =>
        one.method === raw.method &&
        one.path.replace(/sha256:[0-9a-f]{64}|[0-9a-f-]{36}$/, "*") === kind,
    ).length;
    const seen: Seen = {
      method: raw.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      headers: raw.headers,
      nth: nth + 1,
    };
    requests.push(seen);
    if (options.fault?.(seen, response, raw) === true) return;
    if (url.pathname === "/token") {
      giveToken(raw, url, response);
      return;
    }
    if (!authorized(seen, response)) return;
    const match =
      /^\/v2\/(?<repository>.+)\/(?<what>blobs\/uploads|blobs|manifests|tags)\/(?<id>.*)$/.exec(
        url.pathname,
      )?.groups;
    if (match === undefined) {
      refuse(response, 404, "NAME_UNKNOWN");
      return;
    }
    const { repository = "", what, id = "" } = match;
    if (what === "blobs/uploads") await upload(raw, response, repository, id, url);
    else if (what === "blobs") giveBlob(response, seen, `${repository}@${id}`, id);
    else if (what === "manifests") await manifest(raw, response, repository, id);
    else send(response, 200, {}, JSON.stringify({ name: repository, tags: tagsOf(repository) }));
  };

  const tagsOf = (repository: string): string[] =>
    [...tags.keys()]
      .filter((name) => name.startsWith(`${repository}:`))
      .map((name) => name.slice(repository.length + 1))
      .sort();

  const giveToken = (raw: IncomingMessage, url: URL, response: ServerResponse): void => {
    const { auth } = options;
    if (auth?.kind !== "token" || raw.method !== "GET") {
      refuse(response, 404, "UNSUPPORTED");
      return;
    }
    const expected = `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`;
    if (raw.headers.authorization !== expected) {
      refuse(response, 401, "UNAUTHORIZED");
      return;
    }
    const token = `token-${randomUUID()}`;
    tokens.set(token, { scopes: url.searchParams.getAll("scope"), uses: auth.uses ?? Infinity });
    send(response, 200, {}, JSON.stringify({ access_token: token }));
  };

  const authorized = (seen: Seen, response: ServerResponse): boolean => {
    const { auth } = options;
    if (auth === undefined) return true;
    if (auth.kind === "basic") {
      const expected = Buffer.from(`${auth.username}:${auth.password}`).toString("base64");
      if (seen.headers.authorization === `Basic ${expected}`) return true;
      refuse(response, 401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="test"' });
      return false;
    }
    const repository = /^\/v2\/(.+)\/(?:blobs|manifests|tags)\//.exec(seen.path)?.[1] ?? "";
    const right = ["GET", "HEAD"].includes(seen.method) ? "pull" : "push";
    const needed = [{ repository, right }];
    const from = seen.query.get("from");
    if (from !== null) needed.push({ repository: from, right: "pull" });
    const token = tokens.get(seen.headers.authorization?.replace(/^Bearer /, "") ?? "");
    if (token !== undefined && token.uses > 0) {
      token.uses -= 1;
      const missing = needed.filter(
        (one) => !token.scopes.some((scope) => covers(scope, one.repository, one.right)),
      );
      if (missing.length === 0) return true;
      refuse(response, 403, "DENIED");
      return false;
    }
    refuse(response, 401, "UNAUTHORIZED", {
      "www-authenticate": `Bearer realm="http://${host}/token",service="test",scope="repository:${repository}:${right}"`,
    });
    return false;
  };

  const upload = async (
    raw: IncomingMessage,
    response: ServerResponse,
    repository: string,
    id: string,
    url: URL,
  ): Promise<void> => {
    if (raw.method === "POST" && id === "") {
      const mount = url.searchParams.get("mount");
      const from = url.searchParams.get("from");
      if (mount !== null && from === null) {
        // Quay fails on this.
        refuse(response, 400, "BLOB_UPLOAD_INVALID");
        return;
      }
      if (mount !== null && members.has(`${from ?? ""}@${mount}`)) {
        members.add(`${repository}@${mount}`);
        send(response, 201, { location: `/v2/${repository}/blobs/${mount}` });
        return;
      }
      const session = randomUUID();
      uploads.set(session, { repository });
      const path = `/v2/${repository}/blobs/uploads/${session}`;
      const location = {
        absolute: `http://${host}${path}`,
        relative: path,
        query: `http://${host}${path}?_state=a%3D%2Fb`,
      }[options.location ?? "absolute"];
      send(response, 202, { location });
      return;
    }
    const session = uploads.get(id);
    if (session?.repository !== repository || raw.method !== "PUT") {
      refuse(response, 404, "BLOB_UPLOAD_UNKNOWN");
      return;
    }
    if (options.location === "query" && url.searchParams.get("_state") !== "a=/b") {
      refuse(response, 400, "BLOB_UPLOAD_INVALID");
      return;
    }
    if (raw.headers["content-length"] === undefined || raw.headers["content-range"] !== undefined) {
      refuse(response, 411, "SIZE_INVALID");
      return;
    }
    const body = await buffer(raw);
    const digest = url.searchParams.get("digest") ?? "";
    if (digestOf(body) !== digest) {
      refuse(response, 400, "DIGEST_INVALID");
      return;
    }
    // A session takes one blob.
    uploads.delete(id);
    blobs.set(digest, body);
    members.add(`${repository}@${digest}`);
    send(response, 201, {
      location: `/v2/${repository}/blobs/${digest}`,
      "docker-content-digest": digest,
    });
  };

  const giveBlob = (response: ServerResponse, seen: Seen, member: string, digest: string): void => {
    const body = members.has(member) ? blobs.get(digest) : undefined;
    if (body === undefined) refuse(response, 404, "BLOB_UNKNOWN");
    else send(response, 200, { "docker-content-digest": digest }, body, seen.method === "HEAD");
  };

  const manifest = async (
    raw: IncomingMessage,
    response: ServerResponse,
    repository: string,
    id: string,
  ): Promise<void> => {
    if (raw.method === "PUT") {
      const body = await buffer(raw);
      const type = raw.headers["content-type"] ?? "";
      const digest = digestOf(body);
      const missing = childrenOf(body, type).filter(
        (child) => !members.has(`${repository}@${child}`),
      );
      if (isDigest(id) && id !== digest) refuse(response, 400, "DIGEST_INVALID");
      else if (missing.length > 0) refuse(response, 404, "MANIFEST_BLOB_UNKNOWN");
      else {
        blobs.set(digest, body);
        types.set(digest, type);
        members.add(`${repository}@${digest}`);
        if (!isDigest(id)) tags.set(`${repository}:${id}`, digest);
        send(response, 201, { "docker-content-digest": digest });
      }
      return;
    }
    const digest = isDigest(id) ? id : (tags.get(`${repository}:${id}`) ?? "");
    const body = members.has(`${repository}@${digest}`) ? blobs.get(digest) : undefined;
    const type = types.get(digest) ?? "";
    if (body === undefined || !(raw.headers.accept ?? "").includes(type)) {
      refuse(response, 404, "MANIFEST_UNKNOWN");
      return;
    }
    const headers = { "docker-content-digest": digest, "content-type": type };
    send(response, 200, headers, body, raw.method === "HEAD");
  };

  const server: Server = createServer((raw, response) => {
    handle(raw, response).catch(() => response.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    requests,
    lines: () => requests.map(({ method, path }) => `${method} ${path}`),
    blobs,
    members,
    tags,
    tokens,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function childrenOf(body: Buffer, type: string): string[] {
  const document = parseDocument(body, "manifest", type);
  if (isIndexType(type) && document.kind === "index") {
    return document.index.manifests.map(({ digest }) => digest);
  }
  if (document.kind === "index") return [];
  const { config, layers } = document.manifest;
  return [config, ...layers].map(({ digest }) => digest);
}

function covers(scope: string, repository: string, right: string): boolean {
  const [type, name, rights = ""] = scope.split(":");
  return type === "repository" && name === repository && rights.split(",").includes(right);
}

/** An error as registries give it. */
export function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): void {
  send(response, status, headers, JSON.stringify({ errors: [{ code, message: `test: ${code}` }] }));
}

function send(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body: string | Buffer = "",
  head = false,
): void {
  response.writeHead(status, { "content-length": Buffer.byteLength(body), ...headers });
  response.end(head ? undefined : body);
}
