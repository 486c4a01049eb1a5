import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { httpClient } from "@go-cicd/core/adapters/http.ts";
import { testClock } from "@go-cicd/core/testing/clock.ts";
import type { Digest } from "./digest.ts";
import { writeImage, writeIndex } from "./image.ts";
import { writeLayer } from "./layer.ts";
import { type Layout, LayoutWriter, openLayout } from "./layout.ts";
import { pushImage } from "./push.ts";
import { Repository, type RepositoryOptions } from "./registry.ts";
import { selectPlatform } from "./source.ts";
import type { Descriptor } from "./spec.ts";
import {
  type Fault,
  refuse,
  testRegistry,
  type TestRegistry,
  type TestRegistryOptions,
} from "./testing/registry.ts";

let folder = "";
let layout: Layout;
let root: Descriptor;
let file: (digest: Digest) => string;
const open: AsyncDisposable[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "push-"));
  const writer = await LayoutWriter.create(folder);
  const base = await writeLayer(writer, [{ type: "folder", name: "tmp", mode: 0o1777 }]);
  const images = [];
  for (const architecture of ["amd64", "arm64"]) {
    const content = Buffer.alloc(300_000, architecture);
    const layer = await writeLayer(writer, [{ type: "file", name: "app", mode: 0o755, content }]);
    images.push(
      await writeImage(writer, {
        platform: { os: "linux", architecture },
        container: { Entrypoint: ["/app"] },
        layers: [
          { ...base, what: "base" },
          { ...layer, what: "binary" },
        ],
        createdSeconds: 0,
        annotations: {},
      }),
    );
  }
  root = await writeIndex(
    writer,
    images.map((one) => one.descriptor),
    {},
  );
  await writer.finish(root, "v1");
  layout = await openLayout(folder);
  file = (digest) => writer.blob(digest);
});

afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function registry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const made = await testRegistry(options);
  open.push(made);
  return made;
}

const clock = testClock();
const LOGIN = { username: "octocat", password: "hunter2" };
const masked: string[] = [];

function repository({ host }: TestRegistry, options: Partial<RepositoryOptions> = {}): Repository {
  return new Repository({
    registry: host,
    repository: "acme/orders",
    access: "push",
    http: httpClient(clock),
    clock,
    credentials: { kind: "password", ...LOGIN },
    mask: (secret) => masked.push(secret),
    ...options,
  });
}

const push = (to: Repository, tags = ["v1", "latest"]) => pushImage(layout, root, file, to, tags);

/** A fault that strikes the `nth` time a request looks like this. */
function once(line: RegExp, strike: Fault): Fault {
  let done = false;
  return (seen, response, raw) => {
    if (done || !line.test(`${seen.method} ${seen.path}`)) return false;
    done = true;
    return strike(seen, response, raw);
  };
}

async function pulled(from: TestRegistry, tag: string): Promise<string> {
  const source = repository(from, { access: "pull" });
  const descriptor = await source.resolve(tag);
  if (descriptor === undefined) return "nothing";
  const image = await selectPlatform(source, descriptor, { os: "linux", architecture: "arm64" });
  for (const layer of image.manifest.layers) await buffer(await source.stream(layer));
  return descriptor.digest;
}

describe("pushing an image", () => {
  test("sends each blob once, manifests after blobs, tags last", async () => {
    const server = await registry();
    const result = await push(repository(server));
    expect(await pulled(server, "v1")).toBe(root.digest);
    expect(await pulled(server, "latest")).toBe(root.digest);
    expect(result.reusedBytes).toBe(0);
    const lines = server.lines();
    const puts = lines.filter((line) => line.startsWith("PUT"));
    expect(puts.slice(0, 5).every((line) => line.includes("/blobs/uploads/"))).toBe(true);
    expect(puts.slice(5, 7).every((line) => line.includes("/manifests/sha256:"))).toBe(true);
    expect(puts.slice(7)).toEqual([
      "PUT /v2/acme/orders/manifests/v1",
      "PUT /v2/acme/orders/manifests/latest",
    ]);
  });

  test("again needs one question and one for each tag", async () => {
    const server = await registry();
    await push(repository(server));
    server.requests.length = 0;
    const result = await push(repository(server));
    expect(result.uploadedBytes).toBe(0);
    expect(result.reusedBytes).toBeGreaterThan(0);
    expect(server.lines().map((line) => line.split(" ")[0])).toEqual(["HEAD", "HEAD", "HEAD"]);
  });

  test("into a second repository mounts what the first has", async () => {
    const server = await registry({ auth: { kind: "token", ...LOGIN } });
    await push(repository(server));
    const second = repository(server, { repository: "acme/other", mountFrom: "acme/orders" });
    const result = await push(second);
    expect(result.uploadedBytes).toBe(0);
    expect(server.tags.get("acme/other:v1")).toBe(root.digest);
  });

  test("uploads where a mount is answered with 202", async () => {
    const server = await registry();
    const second = repository(server, { mountFrom: "acme/nothing" });
    const { uploadedBytes } = await push(second);
    expect(uploadedBytes).toBeGreaterThan(0);
    expect(await pulled(server, "v1")).toBe(root.digest);
    const posts = server.lines().filter((line) => line.startsWith("POST"));
    expect(posts).toHaveLength(5);
  });

  test.each(["absolute", "relative", "query"] as const)("takes a %s Location", async (location) => {
    const server = await registry({ location });
    await push(repository(server));
    expect(await pulled(server, "v1")).toBe(root.digest);
  });

  test.each([
    ["token", { kind: "token", ...LOGIN }],
    ["password", { kind: "basic", ...LOGIN }],
  ] as const)("logs in by %s", async (_, auth) => {
    const server = await registry({ auth });
    await push(repository(server));
    expect(await pulled(server, "v1")).toBe(root.digest);
  });

  test("asks for one token with push before pull, and masks it", async () => {
    const server = await registry({ auth: { kind: "token", ...LOGIN } });
    await push(repository(server));
    const asked = server.requests.filter(({ path }) => path === "/token");
    expect(asked).toHaveLength(1);
    expect(asked[0]?.query.getAll("scope")[0]).toBe("repository:acme/orders:push,pull");
    expect([...server.tokens.keys()].every((token) => masked.includes(token))).toBe(true);
  });

  test("gets a new token when the old one expires on the way", async () => {
    const server = await registry({ auth: { kind: "token", ...LOGIN, uses: 9 } });
    await push(repository(server));
    expect(await pulled(server, "v1")).toBe(root.digest);
    expect(server.tokens.size).toBeGreaterThan(2);
  });

  test("says what to do when the login is refused, and shows no password", async () => {
    const server = await registry({ auth: { kind: "token", ...LOGIN } });
    const wrong = { kind: "password", username: "octocat", password: "wrong-one" } as const;
    const error = await push(repository(server, { credentials: wrong })).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "network", message: /refused the login/ });
    expect(JSON.stringify(error)).not.toContain("wrong-one");
    expect(server.tags.size).toBe(0);
  });

  test("without credentials says that they are missing", async () => {
    const server = await registry({ auth: { kind: "basic", ...LOGIN } });
    await expect(push(repository(server, { credentials: undefined }))).rejects.toMatchObject({
      hint: "Give `username` and `password`, or log in to the registry in an earlier step.",
    });
  });
});

describe("a registry that fails on the way", () => {
  const PUT_BLOB = /^PUT .*\/blobs\/uploads\//;
  test.each<[string, RegExp, Fault]>([
    ["resets the connection in an upload", PUT_BLOB, (_, response) => (response.destroy(), true)],
    [
      "resets it in the middle of the bytes",
      PUT_BLOB,
      (_, response, raw) => (raw.once("data", () => response.destroy()), true),
    ],
    [
      "answers an upload with 502",
      PUT_BLOB,
      (_, r, raw) => (raw.resume(), refuse(r, 502, "X"), true),
    ],
    [
      "answers an upload with 429",
      PUT_BLOB,
      (_, r, raw) => (
        raw.resume(),
        refuse(r, 429, "TOOMANYREQUESTS", { "retry-after": "7" }),
        true
      ),
    ],
    [
      "forgets an upload",
      PUT_BLOB,
      (_, r, raw) => (raw.resume(), refuse(r, 404, "BLOB_UPLOAD_UNKNOWN"), true),
    ],
    [
      "takes the bytes for others",
      PUT_BLOB,
      (_, r, raw) => (raw.resume(), refuse(r, 400, "DIGEST_INVALID"), true),
    ],
    [
      "answers a manifest with 503",
      /^PUT .*\/manifests\/v1/,
      (_, r) => (refuse(r, 503, "X"), true),
    ],
    ["answers a question with 500", /^HEAD .*\/blobs\//, (_, r) => (refuse(r, 500, "X"), true)],
    [
      "forbids to look for manifests",
      /^HEAD .*\/manifests\//,
      (_, r) => (refuse(r, 403, "DENIED"), true),
    ],
    ["forbids to look for a blob", /^HEAD .*\/blobs\//, (_, r) => (refuse(r, 403, "DENIED"), true)],
  ])("once, and %s: the image is whole", async (_, line, strike) => {
    let struck = false;
    const fault = once(line, (...all) => ((struck = true), strike(...all)));
    const server = await registry({ fault });
    await push(repository(server));
    expect(struck).toBe(true);
    expect(await pulled(server, "v1")).toBe(root.digest);
    expect(await pulled(server, "latest")).toBe(root.digest);
  });

  test("Retry-After of an upload is waited for", async () => {
    const own = testClock();
    const fault = once(PUT_BLOB, (_, r, raw) => {
      raw.resume();
      refuse(r, 429, "TOOMANYREQUESTS", { "retry-after": "7" });
      return true;
    });
    const server = await registry({ fault });
    await push(repository(server, { clock: own }));
    expect(own.sleeps).toEqual([7000]);
  });

  test("an answer that was lost after the blob was kept is not paid for twice", async () => {
    let puts = 0;
    const server = await registry({
      fault: ({ method, path }, response) => {
        if (method !== "PUT" || !path.includes("/blobs/uploads/")) return false;
        puts += 1;
        if (puts === 1) {
          // Kept as usual; only the answer goes astray.
          response.writeHead = () => response;
          response.end = () => response.destroy();
        }
        return false;
      },
    });
    await push(repository(server));
    expect(puts).toBe(5);
    expect(await pulled(server, "v1")).toBe(root.digest);
  });

  test.each<[string, RegExp, Fault]>([
    ["uploads", PUT_BLOB, (_, r, raw) => (raw.resume(), refuse(r, 503, "UNAVAILABLE"), true)],
    [
      "manifests",
      /^PUT .*\/manifests\/sha256/,
      (_, r) => (refuse(r, 400, "MANIFEST_INVALID"), true),
    ],
    ["starts", /^POST /, (_, r) => (refuse(r, 403, "DENIED"), true)],
  ])("always, for %s: red, and no tag", async (_, line, strike) => {
    const fault: Fault = (seen, response, raw) =>
      line.test(`${seen.method} ${seen.path}`) && strike(seen, response, raw);
    const server = await registry({ fault });
    await expect(push(repository(server))).rejects.toMatchObject({ code: "network" });
    expect(server.tags.size).toBe(0);
  });

  test("an upload that it sends to another host gets no token", async () => {
    const got: (string | undefined)[] = [];
    const bytes: number[] = [];
    const storage = createServer((raw, response) => {
      got.push(raw.headers.authorization);
      void buffer(raw).then((body) => {
        bytes.push(body.length);
        response.writeHead(201).end();
      });
    });
    await new Promise<void>((done) => storage.listen(0, "127.0.0.1", done));
    open.push({ [Symbol.asyncDispose]: () => new Promise((done) => storage.close(() => done())) });
    const elsewhere = `http://127.0.0.1:${(storage.address() as AddressInfo).port}/put?sig=1`;
    const server = await registry({
      auth: { kind: "token", ...LOGIN },
      fault: ({ method, headers }, response) => {
        if (method !== "POST" || headers.authorization === undefined) return false;
        response.writeHead(202, { location: elsewhere }).end();
        return true;
      },
    });
    const [layer] = (await selectPlatform(layout, root, { os: "linux", architecture: "amd64" }))
      .manifest.layers;
    if (layer === undefined) throw new Error("the image has layers");
    expect(await repository(server).pushBlob(layer, file(layer.digest))).toBe("uploaded");
    expect(got).toEqual([undefined]);
    expect(bytes).toEqual([layer.size]);
  });

  test("a Location without encryption is refused", async () => {
    const server = await registry({
      fault: ({ method }, response) => {
        if (method !== "POST") return false;
        response.writeHead(202, { location: "http://storage.example.com/put" }).end();
        return true;
      },
    });
    await expect(push(repository(server))).rejects.toThrow("not encrypted");
  });

  test.each([
    ["http://auth.example.com/token", "not encrypted"],
    ["https://10.0.0.7/token", "private network"],
    ["https://169.254.169.254/token", "private network"],
    ["https://[fd00::1]/token", "private network"],
  ])("credentials are not sent to %s", async (realm, why) => {
    const server = await registry({
      fault: (_, response) => {
        refuse(response, 401, "UNAUTHORIZED", { "www-authenticate": `Bearer realm="${realm}"` });
        return true;
      },
    });
    await expect(push(repository(server))).rejects.toThrow(why);
  });

  test.each([
    ["tag", /\/manifests\/v1$/],
    ["blob", /\/blobs\/uploads\//],
  ])("a %s that it keeps as something else is an error", async (_, place) => {
    const server = await registry({
      fault: ({ method, path }, response, raw) => {
        if (method !== "PUT" || !place.test(path)) return false;
        raw.resume();
        response.writeHead(201, { "docker-content-digest": `sha256:${"0".repeat(64)}` }).end();
        return true;
      },
    });
    await expect(push(repository(server))).rejects.toMatchObject({ code: "integrity" });
  });
});

describe("pulling", () => {
  test.each<[string, RegExp]>([
    ["manifest", /^GET .*\/manifests\//],
    ["blob", /^GET .*\/blobs\//],
  ])("a %s that was altered is refused", async (_, line) => {
    let lie = false;
    const server = await registry({
      fault: ({ method, path }, response) => {
        if (!lie || !line.test(`${method} ${path}`)) return false;
        // Still good JSON with the same meaning: nothing but its digest gives it away.
        const whole = server.blobs.get(path.split("/").at(-1) ?? "") ?? Buffer.alloc(0);
        response
          .writeHead(200, { "content-type": "application/octet-stream" })
          .end(Buffer.concat([whole, Buffer.from(" ")]));
        return true;
      },
    });
    await push(repository(server));
    expect(await pulled(server, "v1")).toBe(root.digest);
    lie = true;
    await expect(pulled(server, "v1")).rejects.toMatchObject({ code: "integrity" });
  });

  test("what is not there is undefined", async () => {
    const server = await registry();
    expect(await repository(server).resolve("v9")).toBeUndefined();
    expect(await repository(server).tags()).toEqual([]);
    await push(repository(server));
    expect(await repository(server).tags()).toEqual(["latest", "v1"]);
  });

  test("a HEAD without digest makes it ask for the bytes", async () => {
    const server = await registry({
      fault: ({ method, path }, response) => {
        if (method !== "HEAD" || !path.endsWith("/manifests/v1")) return false;
        response.writeHead(200).end();
        return true;
      },
    });
    await push(repository(server));
    expect(await repository(server).resolve("v1")).toEqual(root);
  });

  test("a blob is followed to the host that keeps it, without the token", async () => {
    const got: (string | undefined)[] = [];
    const storage = createServer((raw, response) => {
      got.push(raw.headers.authorization);
      response.end(server.blobs.get(raw.url?.slice(1) ?? ""));
    });
    await new Promise<void>((done) => storage.listen(0, "127.0.0.1", done));
    open.push({
      [Symbol.asyncDispose]: () => {
        storage.closeAllConnections();
        return new Promise((done) => storage.close(() => done()));
      },
    });
    const elsewhere = `http://127.0.0.1:${(storage.address() as AddressInfo).port}`;
    const server = await registry({
      auth: { kind: "basic", ...LOGIN },
      fault: ({ method, path, headers }, response) => {
        if (method !== "GET" || !path.includes("/blobs/") || headers.authorization === undefined) {
          return false;
        }
        const location = `${elsewhere}/${path.split("/").at(-1) ?? ""}`;
        response.writeHead(307, { location, "content-length": "0" }).end();
        return true;
      },
    });
    await push(repository(server));
    expect(await pulled(server, "v1")).toBe(root.digest);
    expect(got.length).toBeGreaterThan(0);
    expect(got.every((header) => header === undefined)).toBe(true);
  });
});
