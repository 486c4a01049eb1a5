import { ActionError } from "@go-cicd/core/errors.ts";
import type { Http, HttpResponse } from "@go-cicd/core/http.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";
import { isLoopback } from "./endpoint.ts";

/** Error and token bodies are small; go-containerregistry caps both at 64 KiB. */
export const MAX_ANSWER_BYTES = 64 * 1024;

/** Where and as whom. */
export interface AuthorizationOptions {
  http: Http;
  /** Scheme and host of the registry's API: `https://ghcr.io`. */
  endpoint: URL;
  credentials: Credentials | undefined;
  mask: (secret: string) => void;
  signal?: AbortSignal;
}

/**
 * Answers a registry's challenges (distribution token specification, docs/spec/auth/token.md) and
 * keeps the answer for the requests that follow.
 */
export class Authorization {
  readonly #options: AuthorizationOptions;
  #header: string | undefined;
  #scopes: string[] = [];
  #pending: Promise<void> | undefined;

  constructor(options: AuthorizationOptions, scopes: readonly string[]) {
    this.#options = options;
    this.#scopes = [...scopes];
  }

  /** Value of the `Authorization` header, once a challenge has been answered. */
  get header(): string | undefined {
    return this.#header;
  }

  /**
   * Answers the challenge of a 401. Several requests that fail together ask for one token.
   * @param used the header that was refused
   * @returns whether there is now another header to try
   */
  async answer(wwwAuthenticate: string | undefined, used: string | undefined): Promise<boolean> {
    // Another request has answered meanwhile.
    if (this.#header !== used) return true;
    this.#pending ??= this.#answer(wwwAuthenticate ?? "").finally(
      () => (this.#pending = undefined),
    );
    await this.#pending;
    return this.#header !== undefined && this.#header !== used;
  }

  async #answer(header: string): Promise<void> {
    const challenges = parseChallenges(header);
    const challenge = challenges.find(({ scheme }) => scheme === "bearer" || scheme === "basic");
    const { credentials, mask } = this.#options;
    if (challenge === undefined) return;
    if (challenge.scheme === "bearer") {
      const token = await this.#token(challenge);
      mask(token);
      this.#header = `Bearer ${token}`;
    } else if (credentials?.kind === "password") {
      this.#header = basic(credentials);
    }
  }

  async #token({ parameters }: Challenge): Promise<string> {
    const realm = this.#realm(parameters["realm"]);
    // Our own scopes first, with push before pull: some registries look only at the first
    // (go-containerregistry bearer.go).
    const asked = (parameters["scope"] ?? "").split(" ").filter((scope) => scope !== "");
    this.#scopes = [...new Set([...this.#scopes, ...asked])];
    const { service } = parameters;
    const { credentials } = this.#options;
    if (credentials?.kind === "identity-token") {
      const answer = await this.#exchange(realm, service, credentials.token);
      // Registries without the OAuth2 endpoint answer 404 (docker/cli does the same).
      if (answer.status !== 404) return this.#read(answer, realm);
    }
    const url = new URL(realm);
    if (service !== undefined) url.searchParams.set("service", service);
    for (const scope of this.#scopes) url.searchParams.append("scope", scope);
    const answer = await this.#options.http.request({
      method: "GET",
      url: url.href,
      headers: credentials?.kind === "password" ? { authorization: basic(credentials) } : {},
      maxBodyBytes: MAX_ANSWER_BYTES,
      ...this.#signal(),
    });
    return this.#read(answer, realm);
  }

  #exchange(realm: URL, service: string | undefined, token: string): Promise<HttpResponse> {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: token,
      client_id: "go-cicd",
      scope: this.#scopes.join(" "),
      ...(service === undefined ? {} : { service }),
    });
    return this.#options.http.request({
      method: "POST",
      url: realm.href,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: form.toString(),
      maxBodyBytes: MAX_ANSWER_BYTES,
      ...this.#signal(),
    });
  }

  #read({ status, body }: HttpResponse, realm: URL): string {
    const host = this.#options.endpoint.host;
    if (status === 401 || status === 403) {
      throw new ActionError(
        "network",
        `${host} refused the login (${realm.host} answered ${status})`,
        {
          hint:
            this.#options.credentials === undefined
              ? "Give `username` and `password`, or log in to the registry in an earlier step."
              : "Check username and password: the token may have expired, or lack the right to this repository.",
        },
      );
    }
    if (status === 200) {
      try {
        const { token, access_token: access } = JSON.parse(body.toString()) as Record<
          string,
          unknown
        >;
        const found = typeof token === "string" && token !== "" ? token : access;
        if (typeof found === "string" && found !== "") return found;
      } catch {
        // Said below; the body may hold a token, so it is not shown.
      }
    }
    throw new ActionError("network", `${realm.host} gave no token for ${host} (status ${status})`);
  }

  /**
   * A realm is written by the registry, and credentials are sent to it: only https, or a loopback
   * address for a registry on loopback; no address of a private network unless the registry is
   * there itself (go-containerregistry#2258).
   */
  #realm(text: string | undefined): URL {
    const { endpoint } = this.#options;
    const realm = URL.parse(text ?? "", endpoint.href);
    const refuse = (why: string): never => {
      throw new ActionError(
        "network",
        `${endpoint.host} asks for a login at a place that ${why}: ${realm?.host ?? ""}`,
      );
    };
    if (realm === null || text === undefined) return refuse("is no URL");
    if (realm.hostname === endpoint.hostname && realm.protocol === endpoint.protocol) return realm;
    if (isLoopback(realm.hostname)) {
      return isLoopback(endpoint.hostname) ? realm : refuse("is this machine");
    }
    if (realm.protocol !== "https:") refuse("is not encrypted");
    if (isPrivate(realm.hostname)) refuse("is in a private network");
    return realm;
  }

  #signal(): { signal?: AbortSignal } {
    const { signal } = this.#options;
    return signal === undefined ? {} : { signal };
  }
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Literal addresses of private and link-local networks (RFC 1918, 3927, 4193, 4291). */
function isPrivate(hostname: string): boolean {
  return (
    /^(10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|0\.)/.test(hostname) ||
    /^\[(f[cd]|fe[89ab]|::)/i.test(hostname)
  );
}
