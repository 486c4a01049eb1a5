import { describe, expect, test } from "@jest/globals";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { digestOf, DigestStream, isDigest, VerifyStream } from "./digest.ts";

const EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

describe("digests", () => {
  test("are those of sha256sum", () => {
    expect(digestOf("")).toBe(EMPTY);
    expect(digestOf("abc")).toBe(
      "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });

  test.each(["sha256:abc", EMPTY.toUpperCase(), `sha512:${"0".repeat(64)}`, `${EMPTY}0`, ""])(
    "%j is none",
    (text) => {
      expect(isDigest(text)).toBe(false);
    },
  );

  test("a stream is hashed and counted on its way", async () => {
    const hashed = new DigestStream();
    const out = buffer(hashed);
    await pipeline(Readable.from([Buffer.from("a"), Buffer.from("bc")]), hashed);
    expect((await out).toString()).toBe("abc");
    expect(hashed.result()).toEqual({ digest: digestOf("abc"), size: 3 });
  });

  test.each([
    ["abx", "has digest"],
    ["ab", "has 2 bytes instead of 3"],
    ["abcd", "is longer than the 3 bytes"],
  ])("a stream of %j where abc was promised fails", async (text, message) => {
    const verified = new VerifyStream({ digest: digestOf("abc"), size: 3, what: "it" });
    verified.resume();
    await expect(pipeline(Readable.from([Buffer.from(text)]), verified)).rejects.toThrow(message);
  });
});
