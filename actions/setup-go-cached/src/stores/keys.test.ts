import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { buildKeys, moduleKeys, type BuildKeyParts } from "./keys.ts";

const PARTS: BuildKeyParts = {
  context: { os: "Linux", arch: "X64", workflow: "ci", job: "test", workspace: "/work/orders" },
  env: { ImageOS: "ubuntu24" },
  goVersion: "1.26.3",
  gomodcache: "/home/runner/go/pkg/mod",
  matrix: "null",
  setting: () => "",
};

const scope = (changes: Partial<BuildKeyParts>) => buildKeys({ ...PARTS, ...changes }).scope;

describe("the key of the build cache", () => {
  it("is readable, and is the same for the same job", () => {
    expect(scope({})).toMatch(
      /^go-cicd-build-v2-Linux-X64-ubuntu24-go1\.26\.3-[0-9a-f]{8}-[0-9a-f]{8}-test-[0-9a-f]{8}-single$/,
    );
    expect(scope({})).toBe(scope({}));
  });

  it.each([
    ["the OS", { context: { ...PARTS.context, os: "macOS" } }],
    ["the architecture", { context: { ...PARTS.context, arch: "ARM64" } }],
    ["the image", { env: { ImageOS: "ubuntu26" } }],
    ["the Go version", { goVersion: "1.26.4" }],
    ["the job", { context: { ...PARTS.context, job: "lint" } }],
    ["the workflow", { context: { ...PARTS.context, workflow: "nightly" } }],
    ["the workspace", { context: { ...PARTS.context, workspace: "/elsewhere" } }],
    ["the folder of the modules", { gomodcache: "/elsewhere" }],
    ["the matrix leg", { matrix: '{"os":"a"}' }],
    ["GOFLAGS", { setting: (name: string) => (name === "GOFLAGS" ? "-race" : "") }],
    ["CGO_ENABLED", { setting: (name: string) => (name === "CGO_ENABLED" ? "0" : "") }],
  ] as [string, Partial<BuildKeyParts>][])("depends on %s", (_, changes) => {
    expect(scope(changes)).not.toBe(scope({}));
  });

  it("does not depend on the order in which a matrix leg is written", () => {
    expect(scope({ matrix: '{"go":"1.26","os":"a"}' })).toBe(
      scope({ matrix: '{ "os": "a", "go": "1.26" }' }),
    );
  });

  it("falls back to other legs of the job, then to other jobs, then to other places", () => {
    const { fallbacks } = buildKeys(PARTS);
    const leg = scope({ matrix: '{"os":"a"}' });
    const other = scope({ context: { ...PARTS.context, job: "lint" } });
    const place = scope({ context: { ...PARTS.context, workspace: "/elsewhere" } });
    expect(fallbacks.map((prefix) => leg.startsWith(prefix))).toEqual([true, true, true]);
    expect(fallbacks.map((prefix) => other.startsWith(prefix))).toEqual([false, true, true]);
    expect(fallbacks.map((prefix) => place.startsWith(prefix))).toEqual([false, false, true]);
  });

  it("is a key the service takes, whatever names a workflow gives", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), fc.string({ maxLength: 400 }), (job, matrix) => {
        const key = scope({ context: { ...PARTS.context, job }, matrix });
        expect(key).toMatch(/^[A-Za-z0-9._-]{1,400}$/);
      }),
    );
  });
});

describe("the key of the modules", () => {
  it("depends on the set of sums and the OS alone", () => {
    const key = (lines: string[], os = "Linux") => moduleKeys({ os }, lines).scope;
    expect(key(["a", "b"])).toBe(key(["b", "a", "a"]));
    expect(key(["a", "b"])).not.toBe(key(["a", "c"]));
    expect(key(["a"])).not.toBe(key(["a"], "macOS"));
  });
});
