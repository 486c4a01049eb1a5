import { generateKeyPairSync, randomUUID, sign, type KeyObject } from "node:crypto";
import { Refusal, type Exchange } from "./exchange.ts";
import type { Desk, Route } from "./routes.ts";
import { encode } from "./tokens.ts";

const KEY_ID = "local";

/** The identity provider: tokens for jobs that may ask, and what a verifier needs to check them. */
export function oidcRoutes(desk: Desk): Route[] {
  // Making a key takes a tenth of a second: only for those who ask.
  let keys: { privateKey: KeyObject; publicKey: KeyObject } | undefined;
  const pair = (): { privateKey: KeyObject; publicKey: KeyObject } =>
    (keys ??= generateKeyPairSync("rsa", { modulusLength: 2048 }));
  const issuer = (): string => `${desk.origin()}/oidc`;

  const mint = async (exchange: Exchange): Promise<void> => {
    const claims = identity(desk, exchange);
    const now = Math.floor(Date.now() / 1000);
    const wanted = exchange.url.searchParams.get("audience");
    const repository =
      typeof claims["repository"] === "string" ? claims["repository"] : "acme/orders";
    const payload = {
      iss: issuer(),
      aud: wanted ?? `https://github.com/${repository.split("/")[0] ?? ""}`,
      iat: now,
      nbf: now - 300,
      exp: now + 300,
      jti: randomUUID(),
      ...claims,
      ...(desk.lies.has("wrong-audience") ? { aud: "somebody-else" } : {}),
    };
    const head = encode({ alg: "RS256", typ: "JWT", kid: KEY_ID });
    const signed = `${head}.${encode(payload)}`;
    const signature = sign("sha256", Buffer.from(signed), pair().privateKey).toString("base64url");
    await exchange.sendJson(200, { value: `${signed}.${signature}`, count: 1 });
  };

  return [
    { method: "GET", path: /^\/oidc\/token$/, answer: mint },
    {
      method: "GET",
      path: /^\/oidc\/\.well-known\/openid-configuration$/,
      answer: (exchange) =>
        exchange.sendJson(200, {
          issuer: issuer(),
          jwks_uri: `${issuer()}/jwks`,
          id_token_signing_alg_values_supported: ["RS256"],
        }),
    },
    {
      method: "GET",
      path: /^\/oidc\/jwks$/,
      answer: (exchange) => {
        const key = pair().publicKey.export({ format: "jwk" });
        return exchange.sendJson(200, {
          keys: [{ ...key, kid: KEY_ID, use: "sig", alg: "RS256" }],
        });
      },
    },
  ];
}

/** What ACTIONS_ID_TOKEN_REQUEST_URL holds: clients append `&audience=`. */
export function identityUrl(desk: Desk): string {
  return `${desk.origin()}/oidc/token?api-version=2.0`;
}

function identity(desk: Desk, exchange: Exchange): Record<string, unknown> {
  try {
    const claims = desk.signer.claims(exchange.bearer());
    if (claims !== undefined) return claims;
  } catch {
    // A token that is no token at all.
  }
  throw new Refusal(401, { message: "the token may not ask for identity tokens" });
}
