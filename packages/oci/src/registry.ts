import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Clock } from "@go-cicd/core/clock.ts";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Http, HttpRequest, HttpResponse, HttpStream } from "@go-cicd/core/http.ts";
import { isTransient, retryDelay } from "@go-cicd/core/http-policy.ts";
import { Authorization, MAX_ANSWER_BYTES } from "./authorization.ts";
import type { Credentials } from "./credentials.ts";
import { digestOf, isDigest, type Digest, VerifyStream, verifyBytes } from "./digest.ts";
import { endpointOf, isLoopback } from "./endpoint.ts";
import { ACCEPT_MANIFESTS, isIndexType, isManifestType } from "./media-types.ts";
import { hasCode, registryError } from "./registry-error.ts";
import type { ImageSource } from "./source.ts";
import { type Descriptor, MAX_MANIFEST_BYTES } from "./spec.ts";

/** What a client of one repository needs. */
export interface RepositoryOptions {
  /** As in a reference: `ghcr.io`, `localhost:5000`. */
  registry: string;
  repository: string;
  access: "pull" | "push";
  /** Another repository of the registry that blobs may be mounted from. */
  mountFrom?: string | undefined;
  http: Http;
  clock: Clock;
  credentials: Credentials | undefined;
  mask: (secret: string) => void;
  signal?: AbortSignal;
}

/** What came of offering a blob. */
export type BlobResult = "exists" | "mounted" | "uploaded";

type Mount = { kind: "mounted" } | { kind: "upload"; url: string } | { kind: "refused" };

/** Times an upload is begun anew; each of them is a request that the port itself does not repeat. */
const UPLOAD_ATTEMPTS = 4;

/**
 * One repository of a registry (OCI distribution-spec v1.1). Reads are verified; what is pushed is
 * addressed by digest, so repeating any request is safe.
 */
export class Repository implements ImageSource {
  readonly name: string;
  /** HTTP requests sent, authentication included; the port's own repetitions are not seen here. */
  requests = 0;
  readonly #options: RepositoryOptions;
  readonly #endpoint: URL;
  readonly #http: Http;
  readonly #authorization: Authorization;

  constructor(options: RepositoryOptions) {
    this.#options = options;
    this.name = `${options.registry}/${options.repository}`;
    this.#endpoint = endpointOf(options.registry);
    this.#http = {
      request: (request) => (this.requests++, options.http.request(request)),
      stream: (request) => (this.requests++, options.http.stream(request)),
    };
    const { repository, access, mountFrom, credentials, mask, signal } = options;
    this.#authorization = new Authorization(
      {
        http: this.#http,
        endpoint: this.#endpoint,
        credentials,
        mask,
        ...(signal === undefined ? {} : { signal }),
      },
      [
        `repository:${repository}:${access === "push" ? "push,pull" : "pull"}`,
        ...(mountFrom === undefined ? [] : [`repository:${mountFrom}:pull`]),
      ],
    );
  }

  /**
   * The descriptor that a tag or digest stands for, or undefined when there is none. A registry that
   * forbids the question (Artifactory answers 403 where there is nothing) has not said that there is.
   */
  async resolve(tagOrDigest: string): Promise<Descriptor | undefined> {
    const response = await this.#request({
      method: "HEAD",
      url: this.#url(`manifests/${tagOrDigest}`),
      headers: { accept: ACCEPT_MANIFESTS },
    });
    if (response.status === 404 || response.status === 403) return undefined;
    if (response.status !== 200) throw this.#error(response, `looking for ${tagOrDigest}`);
    const digest = response.headers["docker-content-digest"];
    const size = Number(response.headers["content-length"]);
    const mediaType = response.headers["content-type"]?.split(";")[0]?.trim() ?? "";
    // HEAD may leave both out (distribution-spec says SHOULD): then the bytes themselves are asked.
    if (digest === undefined || !isDigest(digest) || !Number.isSafeInteger(size) || size <= 0) {
      return this.#fetched(tagOrDigest);
    }
    if (isDigest(tagOrDigest) && digest !== tagOrDigest) {
      throw new ActionError(
        "integrity",
        `${this.name} answers ${digest} when asked for ${tagOrDigest}`,
      );
    }
    return { mediaType, digest, size };
  }

  async #fetched(tagOrDigest: string): Promise<Descriptor | undefined> {
    const response = await this.#request({
      method: "GET",
      url: this.#url(`manifests/${tagOrDigest}`),
      headers: { accept: ACCEPT_MANIFESTS },
      maxBodyBytes: MAX_MANIFEST_BYTES,
    });
    if (response.status === 404 || response.status === 403) return undefined;
    if (response.status !== 200) throw this.#error(response, `reading ${tagOrDigest}`);
    const digest = digestOf(response.body);
    if (isDigest(tagOrDigest)) {
      verifyBytes(response.body, { digest: tagOrDigest, what: `${this.name}@${tagOrDigest}` });
    }
    const mediaType = response.headers["content-type"]?.split(";")[0]?.trim() ?? "";
    return { mediaType, digest, size: response.body.length };
  }

  /** Verified bytes of a manifest or of a small blob. */
  async read(descriptor: Descriptor): Promise<Buffer> {
    const manifest = isIndexType(descriptor.mediaType) || isManifestType(descriptor.mediaType);
    const response = await this.#request({
      method: "GET",
      url: this.#url(`${manifest ? "manifests" : "blobs"}/${descriptor.digest}`),
      headers: manifest ? { accept: ACCEPT_MANIFESTS } : {},
    });
    if (response.status !== 200) throw this.#error(response, `reading ${descriptor.digest}`);
    verifyBytes(response.body, this.#expected(descriptor));
    return response.body;
  }

  /** A blob as it comes, often from another host that the registry names; checked at its end. */
  async stream(descriptor: Descriptor): Promise<Readable> {
    const response = await this.#authorized((headers) =>
      this.#http.stream({
        method: "GET",
        url: this.#url(`blobs/${descriptor.digest}`),
        headers,
        ...this.#signal(),
      }),
    );
    if (response.status !== 200) {
      response.stream.on("error", () => undefined).destroy();
      throw this.#error(
        { status: response.status, body: Buffer.alloc(0) },
        `reading ${descriptor.digest}`,
      );
    }
    const verified = new VerifyStream(this.#expected(descriptor));
    pipeline(response.stream, verified).catch(() => undefined);
    return verified;
  }

  /**
   * Makes sure that the repository holds the blob at `file`: asks, mounts, else uploads it in one
   * piece (POST, then PUT: one request fewer than with PATCH, and GHCR caps chunks at 4 MiB but not
   * whole uploads, ocx#237). A broken upload is begun anew, since a registry may have kept a part.
   */
  async pushBlob(descriptor: Descriptor, file: string): Promise<BlobResult> {
    if (await this.#hasBlob(descriptor)) return "exists";
    const { mountFrom } = this.#options;
    let location: string | undefined;
    if (mountFrom !== undefined) {
      const mount = await this.#mount(descriptor, mountFrom);
      if (mount.kind === "mounted") return "mounted";
      if (mount.kind === "upload") location = mount.url;
    }
    for (let attempt = 1; ; attempt += 1) {
      location ??= await this.#begin(descriptor);
      const answer = await this.#upload(descriptor, file, location);
      if (answer === undefined) return "uploaded";
      if (attempt >= UPLOAD_ATTEMPTS || !answer.again) throw answer.error;
      location = undefined;
      const { clock, signal } = this.#options;
      await clock.sleep(retryDelay(attempt, answer.retryAfter, clock.now(), Math.random()), signal);
      // The answer may have been lost after the registry had kept the blob.
      if (await this.#hasBlob(descriptor)) return "uploaded";
    }
  }

  async #hasBlob({ digest }: Descriptor): Promise<boolean> {
    const response = await this.#request({ method: "HEAD", url: this.#url(`blobs/${digest}`) });
    if (response.status === 200) return true;
    // 403 says nothing about the blob; whether we may push is said by the upload.
    if (response.status === 404 || response.status === 403) return false;
    throw this.#error(response, `looking for blob ${digest}`);
  }

  /**
   * Never `mount` without `from`: Quay fails on it. A mount that fails is no error
   * (go-containerregistry#1404, #1679); 202 means that the registry wants the bytes after all.
   */
  async #mount({ digest }: Descriptor, from: string): Promise<Mount> {
    const url = new URL(this.#url("blobs/uploads/"));
    url.searchParams.set("mount", digest);
    url.searchParams.set("from", from);
    const response = await this.#post(url.href);
    if (response.status === 201) return { kind: "mounted" };
    const { location } = response.headers;
    if (response.status !== 202 || location === undefined) return { kind: "refused" };
    return { kind: "upload", url: this.#uploadUrl(location, url, digest) };
  }

  /** @returns where to put the blob */
  async #begin({ digest }: Descriptor): Promise<string> {
    const url = new URL(this.#url("blobs/uploads/"));
    const response = await this.#post(url.href);
    const { location } = response.headers;
    if (response.status !== 202 || location === undefined) {
      throw this.#error(response, `starting the upload of ${digest}`);
    }
    return this.#uploadUrl(location, url, digest);
  }

  #post(url: string): Promise<HttpResponse> {
    return this.#request({ method: "POST", url, headers: { "content-length": "0" } });
  }

  /** `Location` may be relative, may carry a query of its own, and may name another host. */
  #uploadUrl(location: string, base: URL, digest: Digest): string {
    const url = URL.parse(location, base.href);
    const safe =
      url !== null &&
      (url.protocol === "https:" ||
        (url.protocol === "http:" && isLoopback(url.hostname) && isLoopback(base.hostname)));
    if (!safe) {
      throw new ActionError(
        "network",
        `${this.#options.registry} wants the upload at a place that is not encrypted`,
      );
    }
    url.searchParams.append("digest", digest);
    return url.href;
  }

  async #upload(
    { digest, size }: Descriptor,
    file: string,
    url: string,
  ): Promise<{ error: ActionError; again: boolean; retryAfter?: string | undefined } | undefined> {
    const request: HttpRequest = {
      method: "PUT",
      url,
      headers: {
        "content-type": "application/octet-stream",
        "content-length": String(size),
      },
      body: () => createReadStream(file, { highWaterMark: 1 << 18 }),
      // Slower than 50 kB/s is no upload.
      timeoutMs: 60_000 + Math.ceil(size / 50),
      attempts: 1,
    };
    let response: HttpResponse;
    try {
      response = await this.#request(request, new URL(url).host === this.#endpoint.host);
    } catch (error) {
      if (!(error instanceof ActionError) || error.code !== "network") throw error;
      return { error, again: true };
    }
    if (response.status === 201 || response.status === 204) {
      const found = response.headers["docker-content-digest"];
      if (found === undefined || found === digest) return undefined;
      return {
        error: new ActionError("integrity", `${this.name} kept ${digest} as ${found}`),
        again: false,
      };
    }
    const again =
      isTransient(response.status) ||
      // The session is gone or holds a part of an earlier attempt.
      [404, 416].includes(response.status) ||
      hasCode(
        response.body,
        "BLOB_UPLOAD_INVALID",
        "BLOB_UPLOAD_UNKNOWN",
        "DIGEST_INVALID",
        "SIZE_INVALID",
        "UNKNOWN",
      );
    return {
      error: this.#error(response, `uploading ${digest}`),
      again,
      retryAfter: response.headers["retry-after"],
    };
  }

  /** Puts a manifest or index under a digest or a tag; its blobs must be there. */
  async pushManifest(bytes: Uint8Array, mediaType: string, tagOrDigest: string): Promise<void> {
    const response = await this.#request({
      method: "PUT",
      url: this.#url(`manifests/${tagOrDigest}`),
      headers: { "content-type": mediaType },
      body: bytes,
    });
    if (response.status !== 201) throw this.#error(response, `pushing the manifest ${tagOrDigest}`);
    const found = response.headers["docker-content-digest"];
    if (found !== undefined && found !== digestOf(bytes)) {
      throw new ActionError("integrity", `${this.name} kept ${digestOf(bytes)} as ${found}`);
    }
  }

  /** Tags of the repository in the registry's order, at most `limit`. */
  async tags(limit = 1000): Promise<string[]> {
    const response = await this.#request({ method: "GET", url: this.#url(`tags/list?n=${limit}`) });
    if (response.status === 404) return [];
    if (response.status !== 200) throw this.#error(response, "listing tags");
    const { tags } = JSON.parse(response.body.toString()) as { tags?: unknown };
    return Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [];
  }

  #url(path: string): string {
    return new URL(`/v2/${this.#options.repository}/${path}`, this.#endpoint).href;
  }

  #expected({ digest, size }: Descriptor) {
    return { digest, size, what: `${this.name}@${digest}` };
  }

  #error(response: Pick<HttpResponse, "status" | "body">, what: string): ActionError {
    return registryError(response, what, this.#options.registry);
  }

  #request(request: HttpRequest, ours = true): Promise<HttpResponse> {
    const send = (headers: Readonly<Record<string, string>>): Promise<HttpResponse> =>
      this.#http.request({
        maxBodyBytes: MAX_ANSWER_BYTES + MAX_MANIFEST_BYTES,
        ...request,
        headers: { ...request.headers, ...headers },
        ...this.#signal(),
      });
    // A token is for the registry alone: an upload that it sends to a storage host goes without.
    return ours ? this.#authorized(send) : send({});
  }

  async #authorized<R extends HttpResponse | HttpStream>(
    send: (headers: Readonly<Record<string, string>>) => Promise<R>,
  ): Promise<R> {
    for (let attempt = 1; ; attempt += 1) {
      const used = this.#authorization.header;
      const response = await send(used === undefined ? {} : { authorization: used });
      if (response.status !== 401 || attempt > 2) return response;
      // The first 401 asks who we are, a later one means that the token has expired.
      const retry = await this.#authorization.answer(response.headers["www-authenticate"], used);
      if (!retry) return response;
      if ("stream" in response) response.stream.on("error", () => undefined).destroy();
    }
  }

  #signal(): { signal?: AbortSignal } {
    const { signal } = this.#options;
    return signal === undefined ? {} : { signal };
  }
}
