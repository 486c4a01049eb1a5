import { createHash, createPublicKey, verify, type JsonWebKey } from "node:crypto";
import { request } from "node:http";
import { afterEach, describe, expect, it, test } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { startServices, type Services, type ServicesOptions } from "./server.ts";
import type { CacheScope } from "./scopes.ts";

const open: Services[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((services) => services.close()));
});

async function start(options: Partial<ServicesOptions> = {}): Promise<Services> {
  const services = await startServices({ folder: tempFolder(), ...options });
  open.push(services);
  return services;
}

const MAIN: CacheScope = { scope: "refs/heads/main", read: true, write: true };

/** A client of the Twirp services. */
function client(
  services: Services,
  { scopes = [MAIN], runId = "run" }: { scopes?: CacheScope[]; runId?: string } = {},
) {
  const token = services.token({ runId, jobId: "job", scopes });
  const call = async (
    service: "Cache" | "Artifact",
    method: string,
    body: object,
    authorization = `Bearer ${token}`,
  ): Promise<{ status: number; headers: Headers; body: Record<string, string> }> => {
    const path = `/twirp/github.actions.results.api.v1.${service}Service/${method}`;
    const response = await fetch(services.origin + path, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as Record<string, string>;
    return { status: response.status, headers: response.headers, body: answer };
  };
  const save = async (key: string, content = key): Promise<Record<string, string>> => {
    const created = await call("Cache", "CreateCacheEntry", { key, version: "v" });
    const url = created.body["signed_upload_url"] ?? "";
    if (url === "") return created.body;
    await fetch(url, { method: "PUT", body: content });
    const size_bytes = String(content.length);
    return (await call("Cache", "FinalizeCacheEntryUpload", { key, version: "v", size_bytes }))
      .body;
  };
  const find = (key: string): ReturnType<typeof call> =>
    call("Cache", "GetCacheEntryDownloadURL", { key, version: "v" });
  return { call, save, find, token };
}

/** Bytes that came, and whether the answer came to its end. */
function download(url: string): Promise<{ status: number; bytes: Buffer; whole: boolean }> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let status = 0;
    const end = (whole: boolean): void => resolve({ status, bytes: Buffer.concat(chunks), whole });
    request(url, (response) => {
      status = response.statusCode ?? 0;
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => end(true));
      response.on("error", () => end(false));
    })
      .on("error", () => end(false))
      .end();
  });
}

describe("the server", () => {
  it("listens on the loopback only", async () => {
    expect((await start()).origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it("counts requests and bytes, without what signs them", async () => {
    const services = await start();
    await client(services).save("k", "12345");
    expect(services.requests).toMatchObject([
      { method: "POST", status: 200 },
      { method: "PUT", status: 201, received: 5 },
      { method: "POST", status: 200 },
    ]);
    expect(JSON.stringify(services.requests)).not.toContain("sig=");
  });

  it("takes further routes", async () => {
    const services = await start({
      routes: [
        {
          method: "GET",
          path: /^\/repos\/([^/]+)$/,
          answer: (exchange, [name = ""]) => exchange.sendJson(200, { name }),
        },
      ],
    });
    expect(await (await fetch(`${services.origin}/repos/orders`)).json()).toEqual({
      name: "orders",
    });
    expect((await fetch(`${services.origin}/nothing`)).status).toBe(404);
  });

  it("is nobody's way out of the machine", async () => {
    const services = await start({ blobHost: "acct.blob.core.windows.net" });
    const { port } = new URL(services.origin);
    const status = await new Promise((resolve) =>
      request({ host: "127.0.0.1", port, path: "http://example.com/" }, (response) =>
        resolve(response.resume().statusCode),
      ).end(),
    );
    expect(status).toBe(502);
  });
});

describe("the cache", () => {
  test.each(["", "Bearer x.y.z", "Bearer "])("asks for a token: %j is 401", async (token) => {
    const { call } = client(await start());
    for (const method of ["CreateCacheEntry", "GetCacheEntryDownloadURL"]) {
      const answer = await call("Cache", method, { key: "k", version: "v" }, token);
      expect([answer.status, answer.body["code"]]).toEqual([401, "unauthenticated"]);
    }
  });

  it("denies writing without a writable scope, and reading without a readable one", async () => {
    const services = await start();
    const reader = client(services, { scopes: [{ ...MAIN, write: false }] });
    const denied = await reader.call("Cache", "CreateCacheEntry", { key: "k", version: "v" });
    expect([denied.status, denied.body]).toEqual([
      200,
      { ok: false, message: "cache write denied: token has no writable scopes" },
    ]);
    const writer = client(services, { scopes: [{ ...MAIN, read: false }] });
    const refused = await writer.find("k");
    expect([refused.status, refused.body["code"]]).toEqual([403, "permission_denied"]);
    expect(refused.body["msg"]).toMatch(/^cache read denied: /);
  });

  it("answers 409 for a key that exists, and for one whose upload is under way", async () => {
    const { call, save } = client(await start());
    await call("Cache", "CreateCacheEntry", { key: "open", version: "v" });
    await save("done");
    for (const key of ["open", "done"]) {
      const again = await call("Cache", "CreateCacheEntry", { key, version: "v" });
      expect([again.status, again.body["code"]]).toEqual([409, "already_exists"]);
    }
  });

  test.each([{ key: "a,b", version: "v" }, { key: "k".repeat(513), version: "v" }, { key: "k" }])(
    "refuses %j",
    async (body) => {
      const { call } = client(await start());
      expect((await call("Cache", "CreateCacheEntry", body)).status).toBe(400);
    },
  );

  it("answers 429 with Retry-After when there were too many uploads", async () => {
    const { call, find } = client(await start({ uploadsPerMinute: 2 }));
    const create = (key: string): ReturnType<typeof call> =>
      call("Cache", "CreateCacheEntry", { key, version: "v" });
    await create("a");
    await create("b");
    const third = await create("c");
    expect(third.status).toBe(429);
    expect(Number(third.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await find("a")).status).toBe(200);
  });

  it("keeps entries for the next server", async () => {
    const folder = tempFolder();
    const first = await start({ folder });
    await client(first).save("k", "content");
    await first.close();
    const found = await client(await start({ folder })).find("k");
    expect((await download(found.body["signed_download_url"] ?? "")).bytes.toString()).toBe(
      "content",
    );
  });
});

describe("a signed URL", () => {
  it("is good for its blob, its right and its time only", async () => {
    const services = await start();
    const { save, find } = client(services);
    await save("k", "0123456789");
    const { body } = await find("k");
    const url = new URL(body["signed_download_url"] ?? "");
    const status = async (change: (url: URL) => void, method = "GET"): Promise<number> => {
      const changed = new URL(url);
      change(changed);
      return (await fetch(changed, { method, ...(method === "PUT" && { body: "x" }) })).status;
    };
    expect(await status(() => undefined)).toBe(200);
    expect(await status((each) => each.searchParams.delete("sig"))).toBe(403);
    expect(await status((each) => each.searchParams.set("se", "2999-01-01T00:00:00Z"))).toBe(403);
    expect(await status((each) => each.searchParams.set("sp", "w"), "PUT")).toBe(403);
    expect(await status((each) => each.searchParams.set("rsct", "text/html"))).toBe(403);
    expect(await status((each) => (each.pathname = each.pathname.replace(/.$/, "x")))).toBe(404);
  });

  it("expires", async () => {
    const services = await start({ urlLifetimeMs: -1 });
    services.lies.add("ignore-signatures");
    const { save, find } = client(services);
    await save("k");
    services.lies.clear();
    const { body } = await find("k");
    expect((await download(body["signed_download_url"] ?? "")).status).toBe(403);
  });

  it("cannot change an entry once it is finished", async () => {
    const services = await start();
    const { call, find } = client(services);
    const created = await call("Cache", "CreateCacheEntry", { key: "k", version: "v" });
    const url = created.body["signed_upload_url"] ?? "";
    await fetch(url, { method: "PUT", body: "good" });
    await call("Cache", "FinalizeCacheEntryUpload", { key: "k", version: "v", size_bytes: "4" });
    expect((await fetch(url, { method: "PUT", body: "evil" })).status).toBe(409);
    const { body } = await find("k");
    expect((await download(body["signed_download_url"] ?? "")).bytes.toString()).toBe("good");
  });

  it("gives ranges", async () => {
    const { save, find } = client(await start());
    await save("k", "0123456789");
    const url = (await find("k")).body["signed_download_url"] ?? "";
    const part = await fetch(url, { headers: { "x-ms-range": "bytes=2-4" } });
    expect([part.status, await part.text(), part.headers.get("content-range")]).toEqual([
      206,
      "234",
      "bytes 2-4/10",
    ]);
    expect((await fetch(url, { headers: { range: "bytes=10-" } })).status).toBe(416);
  });
});

describe("a fault", () => {
  const content = "0123456789".repeat(1000);

  async function saved(): Promise<{ services: Services; url: string }> {
    const services = await start();
    const { save, find } = client(services);
    await save("k", content);
    return { services, url: (await find("k")).body["signed_download_url"] ?? "" };
  }

  it("can be an answer, for some requests only", async () => {
    const { services, url } = await saved();
    const misbehaviour = { kind: "status", status: 503, body: "<html>" } as const;
    const end = services.fault({ method: "GET", path: /blobs/, after: 1, times: 1, misbehaviour });
    const statuses = [];
    for (let turn = 0; turn < 3; turn++) statuses.push((await download(url)).status);
    expect(statuses).toEqual([200, 503, 200]);
    end();
  });

  it("can alter one byte", async () => {
    const { services, url } = await saved();
    services.fault({ misbehaviour: { kind: "alter", at: 5 } });
    const { bytes, whole } = await download(url);
    expect([whole, bytes.length]).toEqual([true, content.length]);
    const wrong = [...bytes].filter((byte, index) => byte !== content.charCodeAt(index));
    expect([wrong.length, bytes[5]]).toEqual([1, content.charCodeAt(5) ^ 0xff]);
  });

  it("can cut the content, and look whole", async () => {
    const { services, url } = await saved();
    services.fault({ misbehaviour: { kind: "truncate", bytes: 100 } });
    expect(await download(url)).toEqual({
      status: 200,
      bytes: Buffer.from(content.slice(0, 100)),
      whole: true,
    });
  });

  it("can reset the connection in the middle of an answer", async () => {
    const { services, url } = await saved();
    services.fault({ misbehaviour: { kind: "reset", side: "response", afterBytes: 100 } });
    const { bytes, whole } = await download(url);
    expect(whole).toBe(false);
    expect(bytes.length).toBeLessThanOrEqual(100);
  });

  it("can reset the connection in the middle of an upload", async () => {
    const services = await start();
    const { call } = client(services);
    const created = await call("Cache", "CreateCacheEntry", { key: "k", version: "v" });
    services.fault({
      method: "PUT",
      misbehaviour: { kind: "reset", side: "request", afterBytes: 10 },
    });
    const url = created.body["signed_upload_url"] ?? "";
    await expect(fetch(url, { method: "PUT", body: content })).rejects.toThrow();
    const size_bytes = String(content.length);
    const body = { key: "k", version: "v", size_bytes };
    expect((await call("Cache", "FinalizeCacheEntryUpload", body)).body["ok"]).toBe(false);
  });

  it("can be silence, which ends with the server", async () => {
    const { services, url } = await saved();
    services.fault({ path: /blobs/, misbehaviour: { kind: "hang" } });
    const pending = download(url);
    await services.close();
    expect(await pending).toMatchObject({ status: 0, whole: false });
  });
});

describe("artifacts", () => {
  const ids = { workflow_run_backend_id: "run", workflow_job_run_backend_id: "job" };

  async function upload(services: Services, name: string, content: string): Promise<number> {
    const { call } = client(services);
    const created = await call("Artifact", "CreateArtifact", { ...ids, name, version: 7 });
    if (created.status !== 200) return created.status;
    await fetch(created.body["signed_upload_url"] ?? "", { method: "PUT", body: content });
    const hash = `sha256:${createHash("sha256").update(content).digest("hex")}`;
    const size = String(content.length);
    return (await call("Artifact", "FinalizeArtifact", { ...ids, name, size, hash })).status;
  }

  it("have names of their own in a run, until they are deleted", async () => {
    const services = await start();
    const { call } = client(services);
    expect(await upload(services, "a", "1")).toBe(200);
    expect(await upload(services, "a", "2")).toBe(409);
    await call("Artifact", "DeleteArtifact", { ...ids, name: "a" });
    expect(await upload(services, "a", "3")).toBe(200);
  });

  it("are listed once they are finished, with their digests", async () => {
    const services = await start();
    const { call } = client(services);
    await call("Artifact", "CreateArtifact", { ...ids, name: "open" });
    await upload(services, "a", "1");
    await upload(services, "b", "2");
    const all = await call("Artifact", "ListArtifacts", ids);
    expect(all.body["artifacts"]).toMatchObject([
      { name: "a", size: "1", digest: `sha256:${createHash("sha256").update("1").digest("hex")}` },
      { name: "b" },
    ]);
    const one = await call("Artifact", "ListArtifacts", { ...ids, name_filter: "b" });
    expect(one.body["artifacts"]).toHaveLength(1);
  });

  it("belong to the run of the token", async () => {
    const services = await start();
    await upload(services, "a", "1");
    const stranger = client(services, { runId: "other" });
    expect((await stranger.call("Artifact", "ListArtifacts", ids)).status).toBe(403);
  });

  test.each(["a/b", "a\\b", 'a"', "a:b", "a\nb"])("cannot be called %j", async (name) => {
    const { call } = client(await start());
    expect((await call("Artifact", "CreateArtifact", { ...ids, name })).status).toBe(400);
  });

  it("are refused when the content is not what was announced", async () => {
    const services = await start();
    const { call } = client(services);
    const created = await call("Artifact", "CreateArtifact", { ...ids, name: "a" });
    await fetch(created.body["signed_upload_url"] ?? "", { method: "PUT", body: "12345" });
    const end = (size: string, hash: string): Promise<{ status: number }> =>
      call("Artifact", "FinalizeArtifact", { ...ids, name: "a", size, hash });
    expect((await end("4", "")).status).toBe(400);
    expect((await end("5", "sha256:00")).status).toBe(400);
  });

  it("come with the type and the name they were stored under", async () => {
    const services = await start();
    await upload(services, "a b", "1");
    const { call } = client(services);
    const signed = await call("Artifact", "GetSignedArtifactURL", { ...ids, name: "a b" });
    const response = await fetch(signed.body["signed_url"] ?? "");
    expect(response.headers.get("content-type")).toBe("application/zip");
    expect(response.headers.get("content-disposition")).toContain("a%20b.zip");
  });
});

describe("identity tokens", () => {
  const grant = { runId: "r", jobId: "j", scopes: [] };

  it("are for jobs that may ask for them", async () => {
    const services = await start();
    const without = services.environment(grant);
    expect(Object.keys(without).filter((name) => name.includes("ID_TOKEN"))).toEqual([]);
    const url = `${services.origin}/oidc/token?api-version=2.0`;
    const authorization = `Bearer ${without["ACTIONS_RUNTIME_TOKEN"]}`;
    expect((await fetch(url, { headers: { authorization } })).status).toBe(401);
  });

  it("can be checked with the published keys", async () => {
    const services = await start();
    const env = services.environment({ ...grant, idToken: { sub: "repo:acme/orders:ref:x" } });
    const response = await fetch(`${env["ACTIONS_ID_TOKEN_REQUEST_URL"]}&audience=registry`, {
      headers: { authorization: `Bearer ${env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]}` },
    });
    const { value } = (await response.json()) as { value: string };
    const [head = "", body = "", signature = ""] = value.split(".");
    const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, string>;
    expect(claims).toMatchObject({ aud: "registry", sub: "repo:acme/orders:ref:x" });
    const metadata = await fetch(`${claims["iss"]}/.well-known/openid-configuration`);
    const { jwks_uri } = (await metadata.json()) as { jwks_uri: string };
    const { keys } = (await (await fetch(jwks_uri)).json()) as { keys: JsonWebKey[] };
    const key = createPublicKey({ key: keys[0] ?? {}, format: "jwk" });
    const signed = Buffer.from(`${head}.${body}`);
    expect(verify("sha256", signed, key, Buffer.from(signature, "base64url"))).toBe(true);
  });
});
