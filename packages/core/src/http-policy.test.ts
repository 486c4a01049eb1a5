import { describe, expect, it } from "@jest/globals";
import { isTransient, MAX_WAIT_MS, redirected, retryDelay, shownUrl } from "./http-policy.ts";

const NOW = Date.UTC(2026, 0, 1);

describe("retryDelay", () => {
  it.each<[number, string | undefined, number, number]>([
    [1, undefined, 0, 500],
    [1, undefined, 1, 250],
    [2, undefined, 0, 1_000],
    [9, undefined, 0, 8_000],
    [1, "3", 0, 3_000],
    [1, " 0 ", 0, 0],
    [1, "86400", 0, MAX_WAIT_MS],
    [1, new Date(NOW + 5_000).toUTCString(), 0, 5_000],
    [1, new Date(NOW - 5_000).toUTCString(), 0, 0],
    [1, "soon", 0, 500],
    [1, "-5", 0, 500],
  ])("attempt %d, Retry-After %j, random %d: %d ms", (attempt, after, random, ms) => {
    expect(retryDelay(attempt, after, NOW, random)).toBe(ms);
  });
});

describe("isTransient", () => {
  it("is said of answers that may change by themselves", () => {
    const statuses = [200, 301, 400, 401, 403, 404, 408, 409, 429, 500, 501, 502, 503, 504];
    expect(statuses.filter(isTransient)).toEqual([408, 429, 500, 502, 503, 504]);
  });
});

describe("shownUrl", () => {
  it.each([
    ["https://user:pass@host:8443/a/b?sig=secret#x", "https://host:8443/a/b"],
    ["not a url ?secret", "a URL that cannot be read"],
  ])("of %j is %j", (url, shown) => {
    expect(shownUrl(url)).toBe(shown);
  });
});

describe("redirected", () => {
  const request = {
    method: "GET",
    url: "https://a.example/x",
    headers: { Authorization: "Bearer s", Cookie: "c", Accept: "*/*" },
  };

  it("keeps credentials on the same origin", () => {
    expect(redirected(request, 302, "/y")).toEqual({ ...request, url: "https://a.example/y" });
  });

  it.each(["https://b.example/y", "https://a.example:444/y", "//b.example/"])(
    "drops them on the way to %s",
    (location) => {
      expect(redirected(request, 307, location)?.headers).toEqual({ Accept: "*/*" });
    },
  );

  it("never goes from https to http, nor to other schemes", () => {
    expect(redirected(request, 302, "http://a.example/y")).toBeUndefined();
    expect(redirected(request, 302, "file:///etc/passwd")).toBeUndefined();
  });

  it("is undefined for other answers", () => {
    expect(redirected(request, 200, "/y")).toBeUndefined();
    expect(redirected(request, 304, "/y")).toBeUndefined();
    expect(redirected(request, 302, undefined)).toBeUndefined();
  });

  it.each([
    ["POST", 303, "GET"],
    ["PUT", 303, "GET"],
    ["HEAD", 303, "HEAD"],
    ["POST", 302, "GET"],
    ["PUT", 302, "PUT"],
    ["POST", 307, "POST"],
    ["POST", 308, "POST"],
  ])("turns %s after %d into %s", (method, status, next) => {
    const upload = { ...request, method, headers: { "Content-Type": "x" }, body: "b" };
    const after = redirected(upload, status, "/y");
    expect(after?.method).toBe(next);
    expect(after?.body).toBe(next === method && method !== "HEAD" ? "b" : after?.body);
    if (next === "GET") expect(after).toMatchObject({ headers: {}, body: undefined });
  });
});
