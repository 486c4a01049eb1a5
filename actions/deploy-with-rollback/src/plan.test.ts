import { describe, expect, test } from "@jest/globals";
import { readInputs } from "@go-cicd/core/inputs.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { inputs as spec } from "./inputs.ts";
import { deployPlan } from "./plan.ts";
import { isSuccess } from "./reason.ts";
import { looksSecret, redactor } from "./redact.ts";
import { identityOf, isReleaseId, releaseId, type HealthContract, type Launch } from "./release.ts";
import { chooseRelease } from "./rollback.ts";

const DIGEST = `sha256:${"0".repeat(64)}`;

function plan(given: Record<string, string>) {
  const values: Record<string, string> = {
    target: "local:deploy",
    image: `ghcr.io/acme/orders@${DIGEST}`,
    port: "8080",
    "health-path": "/healthz",
    ...given,
  };
  const inputs = readInputs(spec, {
    input: (name) => values[name] ?? "",
    config: () => undefined,
    mask: () => undefined,
  });
  return deployPlan(inputs, { ...fakePorts().context, workspace: "/work space" });
}

describe("the plan", () => {
  test("finds relative paths from the working directory, and the service's name by itself", () => {
    expect(plan({ "working-directory": "orders" })).toMatchObject({
      folder: "/work space/orders/deploy",
      service: "orders",
      kind: "deploy",
    });
    expect(plan({ target: "local:/srv/orders" })).toMatchObject({ folder: "/srv/orders" });
    expect(plan({ image: `oci-layout:out@${DIGEST}` }).image).toMatchObject({
      path: "/work space/out",
    });
  });

  test("takes a variable's value word for word", () => {
    expect(plan({ env: "A=b=c\nEMPTY=\nQUOTE='x'" }).env).toEqual({
      A: "b=c",
      EMPTY: "",
      QUOTE: "'x'",
    });
  });

  test.each([
    [{ target: "local:" }, "target must be"],
    [{ image: "" }, "image is required"],
    [{ port: "" }, "port is required"],
    [{ "health-path": "" }, "health-path is required"],
    [{ "health-path": "/a b" }, "no spaces"],
    [{ "health-path": "http://x/" }, "begin with /"],
    [{ "health-status": "299-200" }, "backwards"],
    [{ "health-interval": "0s" }, "health-interval must be more"],
    [{ "dead-man-timeout": "5s" }, "dead-man-timeout must be"],
    [{ env: "no-name=1" }, "line 1"],
    [{ image: `oci-layout:x` }, "has no digest"],
  ])("%j is said to be wrong", (given, words) => {
    expect(() => plan(given)).toThrow(words);
  });
});

describe("an identity", () => {
  const launch: Launch = { program: "/app", args: ["a"], env: { A: "1", B: "2" }, workdir: "/" };
  const health: HealthContract = { ...plan({}).health };
  const one = identityOf(launch, health, DIGEST);

  test("does not hang on the order of variables or on waits", () => {
    expect(identityOf({ ...launch, env: { B: "2", A: "1" } }, health, DIGEST)).toBe(one);
    expect(identityOf(launch, { ...health, waitMs: 1 }, DIGEST)).toBe(one);
  });

  test.each([
    identityOf({ ...launch, args: ["b"] }, health, DIGEST),
    identityOf({ ...launch, env: { A: "1" } }, health, DIGEST),
    identityOf(launch, { ...health, port: 1 }, DIGEST),
    identityOf(launch, { ...health, version: { path: "/v", text: "2" } }, DIGEST),
    identityOf(launch, health, DIGEST.replace("0", "1")),
  ])("changes with all else (%#)", (other) => {
    expect(other).not.toBe(one);
  });
});

test("a release's id sorts by time and is one for the agent", () => {
  const id = releaseId(Date.UTC(2026, 0, 2, 3, 4, 5, 678), DIGEST);
  expect(id).toBe("20260102T030405Z-000000000000");
  expect(isReleaseId(id)).toBe(true);
});

test("longer values are blanked before what they contain", () => {
  const redact = redactor({ A: "secret", B: "secret-and-more", C: "true" });
  expect(redact("secret-and-more secret true")).toBe("*** *** true");
});

test.each([
  ["DB_PASSWORD", true],
  ["API_TOKEN", true],
  ["LOG_LEVEL", false],
])("%s looks like a secret: %s", (name, secret) => {
  expect(looksSecret(name)).toBe(secret);
});

test.each([
  ["deploy", "rolled-back", false],
  ["deploy", "unchanged", true],
  ["rollback", "rolled-back", true],
  ["recover", "rollback-failed", false],
] as const)("mode %s is green when %s: %s", (kind, result, green) => {
  expect(isSuccess(kind, result)).toBe(green);
});

describe("the release to roll back to", () => {
  const known = [
    { id: "c", mark: "good", identity: "" },
    { id: "b", mark: "retired", identity: "" },
    { id: "a", mark: "good", identity: "" },
    { id: "x", mark: "bad", identity: "" },
  ] as const;
  test("is the latest verified one but the current", () => {
    expect(chooseRelease(known, "c", undefined)).toBe("a");
    expect(chooseRelease(known, "a", undefined)).toBe("c");
  });
  test("may be one that was retired, when it is named, never a bad one", () => {
    expect(chooseRelease(known, "c", "b")).toBe("b");
    expect(chooseRelease(known, "c", "x")).toMatchObject({ reason: "no-good-release" });
    expect(chooseRelease([], undefined, undefined)).toMatchObject({ result: "refused" });
  });
});
