import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer as createProxy } from "node:http";
import { createServer, type Server } from "node:https";
import { connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { git } from "./consumer.ts";

/** A Git host on the loopback that shows its repositories to the bearer of one token. */
export interface PrivateGit {
  host: string;
  /** What leads git there: a proxy that knows the host, and the certificate to trust. */
  env: Record<string, string>;
  /** One line for each request: `401 GET /acme/money/info/refs`. */
  requests: string[];
  /** Authorization headers that came. */
  authorizations: string[];
  close(): Promise<void>;
}

/**
 * Serves the repositories `files` (`acme/money` → its files, tagged v1.0.0) as
 * `https://git.example.com/acme/money` through git's own http-backend, behind a proxy that takes
 * CONNECT, since port 443 is not ours.
 */
export async function startPrivateGit(
  token: string,
  files: Readonly<Record<string, Readonly<Record<string, string>>>>,
  commit: (folder: string, files: Readonly<Record<string, string>>) => void,
): Promise<PrivateGit> {
  const host = "git.example.com";
  const folder = tempFolder("private-git-");
  const root = join(folder, "repositories");
  for (const [name, content] of Object.entries(files)) {
    const work = join(folder, "work", name);
    mkdirSync(work, { recursive: true });
    commit(work, content);
    git(work, "tag", "v1.0.0");
    mkdirSync(join(root, name, ".."), { recursive: true });
    git(folder, "clone", "-q", "--bare", work, join(root, name));
  }
  const certificate = makeCertificate(folder, host);
  const requests: string[] = [];
  const authorizations: string[] = [];
  const server = createServer(certificate, (request, response) => {
    const { authorization } = request.headers;
    if (authorization !== undefined) authorizations.push(authorization);
    const password = Buffer.from((authorization ?? "").replace(/^Basic /, ""), "base64");
    const allowed = password.toString().endsWith(`:${token}`);
    const path = (request.url ?? "").split("?")[0] ?? "";
    requests.push(`${allowed ? "200" : "401"} ${request.method ?? ""} ${path}`);
    if (allowed) backend(root, request, response);
    else response.writeHead(401, { "www-authenticate": `Basic realm="${host}"` }).end("who?");
  });
  const port = await listening(server);
  const proxy = createProxy();
  const sockets = new Set<Duplex>();
  proxy.on("connect", (request: IncomingMessage, socket: Duplex) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    if (request.url !== `${host}:443`) {
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
      return;
    }
    const onward = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
  });
  const address = `http://127.0.0.1:${await listening(proxy)}`;
  return {
    host,
    env: {
      HTTPS_PROXY: address,
      https_proxy: address,
      NO_PROXY: "",
      no_proxy: "",
      GIT_SSL_CAINFO: certificate.path,
      GIT_TERMINAL_PROMPT: "0",
    },
    requests,
    authorizations,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await Promise.all([
        new Promise((done) => server.close(done)),
        new Promise((done) => proxy.close(done)),
      ]);
    },
  };
}

function makeCertificate(
  folder: string,
  host: string,
): { key: Buffer; cert: Buffer; path: string } {
  const [key, path] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const request = ["req", "-x509", "-days", "2", ...kind, ...subject, "-keyout", key, "-out", path];
  execFileSync("openssl", request, { stdio: "ignore" });
  return { key: readFileSync(key), cert: readFileSync(path), path };
}

/** git-http-backend(1) is a CGI program. */
function backend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "https://git.example.com");
  const child = spawn("git", ["-c", "safe.directory=*", "http-backend"], {
    env: {
      PATH: process.env["PATH"],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      ...(request.headers["content-encoding"] !== undefined && {
        HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
      }),
      ...(request.headers["git-protocol"] !== undefined && {
        GIT_PROTOCOL: String(request.headers["git-protocol"]),
      }),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  request.pipe(child.stdin);
  child.stdin.on("error", () => undefined);
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.on("close", () => {
    const all = Buffer.concat(chunks);
    const end = all.indexOf("\r\n\r\n");
    const head = all.subarray(0, end).toString().split("\r\n");
    const headers = Object.fromEntries(head.map((line) => line.split(": ", 2))) as Record<
      string,
      string
    >;
    response.writeHead(Number.parseInt(headers["Status"] ?? "200", 10), headers);
    response.end(all.subarray(end + 4));
  });
}

async function listening(server: Server | ReturnType<typeof createProxy>): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
}
