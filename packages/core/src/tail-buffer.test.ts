import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { tailBuffer } from "./tail-buffer.ts";

describe("tailBuffer", () => {
  it("keeps the last bytes, however they come", () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{0,20}$/)), fc.nat(30), (chunks, limit) => {
        const buffer = tailBuffer(limit);
        for (const chunk of chunks) buffer.add(Buffer.from(chunk));
        const all = chunks.join("");
        expect(buffer.text()).toBe(limit === 0 ? "" : all.slice(-limit));
      }),
    );
  });

  it("does not begin in the middle of a character", () => {
    const buffer = tailBuffer(5);
    buffer.add(Buffer.from("aa€€"));
    expect(buffer.text()).toBe("€");
  });

  it("leaves invalid bytes to the decoder", () => {
    const buffer = tailBuffer(10);
    buffer.add(Uint8Array.from([0x80, 0x61, 0xff]));
    expect(buffer.text()).toBe("\ufffda\ufffd");
  });
});
