import { describe, expect, it, test } from "@jest/globals";
import fc from "fast-check";
import { Masker } from "./mask.ts";

const SECRET = `p@ss'w"rd<&>42`;

describe("a secret", () => {
  test.each([
    ["itself", SECRET],
    ["base64", Buffer.from(SECRET).toString("base64")],
    ["base64 after one byte", Buffer.from(SECRET.slice(1)).toString("base64")],
    ["base64 after two bytes", Buffer.from(SECRET.slice(2)).toString("base64")],
    ["JSON", JSON.stringify(SECRET).slice(1, -1)],
    ["URI", "p%40ss%27w%22rd%3C%26%3E42"],
    ["XML", "p@ss&apos;w&quot;rd&lt;&amp;&gt;42"],
    ["expression", `p@ss''w"rd<&>42`],
    ["command line", `p@ss'w\\"rd<&>42`],
  ])("is masked as %s", (_, form) => {
    expect(new Masker([SECRET]).mask(`[${form}]`)).toBe("[***]");
  });

  it("is masked inside base64 of user and password", () => {
    // The leading `user:` shifts the password by five bytes, two after a whole group of three.
    const header = Buffer.from("user:0123456789abcdef01").toString("base64");
    const masked = new Masker(["0123456789abcdef01"]).mask(header);
    expect(masked).toContain("***");
    expect(masked).not.toContain(Buffer.from("123456789abcdef01").toString("base64"));
  });

  it("is masked line by line", () => {
    const masker = new Masker(["-----BEGIN\n  line-two  \nEND-----"]);
    expect(masker.mask("a line-two b")).toBe("a *** b");
    expect(masker.mask("-----BEGIN")).toBe("***");
  });

  it("is masked without its quotes", () => {
    expect(new Masker(['"quoted-value"']).mask("quoted-value")).toBe("***");
  });

  it("is masked in the parts around an ampersand, if they are long enough", () => {
    const masker = new Masker(["part-one&part-two", "ab&cd"]);
    expect(masker.mask("part-one& and part-two")).toBe("*** and ***");
    expect(masker.mask("ab cd")).toBe("ab cd");
  });
});

describe("the masker", () => {
  it("makes one mask of secrets that overlap or touch", () => {
    expect(new Masker(["abcd", "cdef"]).mask("xabcdefx")).toBe("x***x");
    expect(new Masker(["abcd", "wxyz"]).mask("abcdwxyz!")).toBe("***!");
  });

  it("never masks blank values", () => {
    expect(new Masker(["", " ", "\n"]).mask("a b")).toBe("a b");
  });

  it("leaves no secret behind, whatever stands around it", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4 }), fc.string(), fc.string(), (secret, a, b) => {
        fc.pre(secret.trim() !== "" && !/[*]/.test(secret));
        const masker = new Masker([secret]);
        expect(masker.holdsSecret(a + secret + b)).toBe(true);
        expect(masker.mask(a + secret + b)).not.toContain(secret);
      }),
    );
  });
});
