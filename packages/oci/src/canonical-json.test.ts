import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { canonicalJson, type Json } from "./canonical-json.ts";

test("members are sorted, undefined ones left out, nothing is added", () => {
  expect(canonicalJson({ b: [1, { d: null, c: "é\n" }], a: undefined, Z: true })).toBe(
    '{"Z":true,"b":[1,{"c":"é\\n","d":null}]}',
  );
});

test("any JSON value comes back as it was", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const plain: unknown = JSON.parse(JSON.stringify(value));
      expect(JSON.parse(canonicalJson(value as Json))).toEqual(plain);
    }),
  );
});
