import { expect, test } from "@jest/globals";
import { parseChallenges } from "./challenge.ts";

test.each([
  [
    'Bearer realm="https://auth.example.com/token",service="registry.example.com",scope="repository:a/b:pull,push"',
    [
      {
        scheme: "bearer",
        parameters: {
          realm: "https://auth.example.com/token",
          service: "registry.example.com",
          scope: "repository:a/b:pull,push",
        },
      },
    ],
  ],
  ['Basic realm="a \\"b\\""', [{ scheme: "basic", parameters: { realm: 'a "b"' } }]],
  [
    'Negotiate, BASIC Realm=x , Bearer realm="y", error="z"',
    [
      { scheme: "negotiate", parameters: {} },
      { scheme: "basic", parameters: { realm: "x" } },
      { scheme: "bearer", parameters: { realm: "y", error: "z" } },
    ],
  ],
  ["", []],
  ['"broken', []],
  ["Bearer =", [{ scheme: "bearer", parameters: {} }]],
])("%j", (header, challenges) => {
  expect(parseChallenges(header)).toEqual(challenges);
});
