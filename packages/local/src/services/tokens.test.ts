import { describe, expect, it } from "@jest/globals";
import { Signer, type Grant } from "./tokens.ts";

const grant: Grant = {
  runId: "run-1",
  jobId: "job-1",
  repositoryId: "7",
  scopes: [
    { scope: "refs/pull/7/merge", read: true, write: true },
    { scope: "refs/heads/main", read: true, write: false },
    { scope: "refs/heads/only-write", read: false, write: true },
  ],
};

describe("a token", () => {
  it("carries its grant", () => {
    const signer = new Signer();
    expect(signer.grant(signer.token(grant))).toEqual(grant);
  });

  it("has the claims that clients read", () => {
    const [, body = ""] = new Signer().token(grant).split(".");
    const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, string>;
    expect(claims["scp"]).toBe("Actions.Results:run-1:job-1");
    expect(JSON.parse(claims["ac"] ?? "")).toEqual([
      { Scope: "refs/pull/7/merge", Permission: 3 },
      { Scope: "refs/heads/main", Permission: 1 },
      { Scope: "refs/heads/only-write", Permission: 2 },
    ]);
  });

  it("is refused when foreign, altered, expired or made for something else", () => {
    const signer = new Signer();
    const token = signer.token(grant);
    const [head, body, signature] = token.split(".");
    const other = Buffer.from('{"aud":"runtime","exp":9999999999}').toString("base64url");
    expect(new Signer().grant(token)).toBeUndefined();
    expect(signer.grant(`${head}.${other}.${signature}`)).toBeUndefined();
    expect(signer.grant(`${head}.${body}.`)).toBeUndefined();
    expect(signer.grant("")).toBeUndefined();
    expect(signer.grant(token, Date.now() + 7 * 3_600_000)).toBeUndefined();
    expect(signer.grant(signer.identityToken({ sub: "x" }))).toBeUndefined();
    expect(signer.claims(token)).toBeUndefined();
    expect(signer.claims(signer.identityToken({ sub: "x" }))).toEqual({ sub: "x" });
  });
});
