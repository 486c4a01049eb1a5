import { describe, expect, test } from "@jest/globals";
import {
  formatLayout,
  formatReference,
  isTag,
  parseImageLocation,
  parseReference,
  tagFrom,
} from "./reference.ts";
import { digestOf } from "./digest.ts";

const D = digestOf("x");

describe("image references", () => {
  test.each([
    ["alpine", "docker.io/library/alpine"],
    ["alpine:3.22", "docker.io/library/alpine:3.22"],
    ["index.docker.io/alpine", "docker.io/library/alpine"],
    ["acme/orders", "docker.io/acme/orders"],
    ["ghcr.io/acme/orders:v1", "ghcr.io/acme/orders:v1"],
    ["localhost/orders", "localhost/orders"],
    ["localhost:5000/orders", "localhost:5000/orders"],
    ["127.0.0.1:5000/a/b/c:t", "127.0.0.1:5000/a/b/c:t"],
    ["[::1]:5000/orders", "[::1]:5000/orders"],
    ["Example.com/orders", "Example.com/orders"],
    [`ghcr.io/acme/orders@${D}`, `ghcr.io/acme/orders@${D}`],
    [`ghcr.io/acme/orders:v1@${D}`, `ghcr.io/acme/orders:v1@${D}`],
    ["a/b__c/d--e.f_g", "docker.io/a/b__c/d--e.f_g"],
  ])("%s is %s", (text, full) => {
    expect(formatReference(parseReference(text))).toBe(full);
  });

  test.each([
    ["", "the name is empty"],
    ["ghcr.io/", "the name is empty"],
    ["ghcr.io/Acme/orders", "lower-case"],
    ["Acme/orders", "lower-case"],
    ["acme/-orders", "not a repository name"],
    ["acme//orders", "not a repository name"],
    ["acme/../orders", "not a repository name"],
    ["acme/orders:", "not a tag"],
    ["acme/orders:.x", "not a tag"],
    ["acme/orders:a b", "not a tag"],
    ["acme/orders\n", "not a repository name"],
    ["--push", "not a repository name"],
    [`acme/orders@${D}@${D}`, "more than one @"],
    ["acme/orders@sha256:12", "what follows @"],
    ["acme/orders@sha512:12", "what follows @"],
    ["gh cr.io/acme/orders", "not a registry host"],
    ["user:pw@ghcr.io/acme/orders", "what follows @"],
    [`acme/${"x".repeat(260)}`, "more than 255"],
  ])("%j is refused: %s", (text, why) => {
    expect(() => parseReference(text)).toThrow(why);
  });

  test("a tag is made of any branch name", () => {
    for (const name of ["feature/x", "-dash", "ä ö", "a".repeat(300), "v1+meta", "..", "\n"]) {
      const tag = tagFrom(name);
      expect(tag === "" || isTag(tag)).toBe(true);
    }
    expect(tagFrom("feature/x")).toBe("feature-x");
  });

  test("an OCI layout keeps its path, also one with an @", () => {
    for (const path of ["/tmp/image", "/home/a@b/image"]) {
      expect(parseImageLocation(formatLayout(path, D))).toEqual({
        kind: "layout",
        path,
        digest: D,
      });
      expect(parseImageLocation(`oci-layout:${path}`)).toEqual({
        kind: "layout",
        path,
        digest: undefined,
      });
    }
    expect(() => parseImageLocation("oci-layout:/tmp/x@sha256:12")).toThrow("sha256 digest");
    expect(() => parseImageLocation("oci-layout:")).toThrow("names no folder");
    expect(parseImageLocation("alpine").kind).toBe("registry");
  });
});
