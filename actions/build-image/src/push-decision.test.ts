import { describe, expect, test } from "@jest/globals";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { parseReference } from "@go-cicd/oci/reference.ts";
import { checkLogin, credentialsFor, decidePush } from "./push-decision.ts";

const none = {
  push: "auto",
  registry: undefined,
  username: undefined,
  password: undefined,
} as const;
const ghcr = [parseReference("ghcr.io/acme/orders:v1")];
const here = [parseReference("127.0.0.1:5000/acme/orders:v1")];

describe("whether to push", () => {
  test.each(["push", "release", "schedule", "workflow_dispatch"])(
    "%s pushes when there is a login",
    async (eventName) => {
      const ports = fakePorts({ context: { eventName } });
      const inputs = { ...none, password: "p" };
      expect(await decidePush(inputs, ghcr, ports)).toEqual({ push: true });
    },
  );

  test.each([
    "pull_request",
    "pull_request_target",
    "workflow_run",
    "issue_comment",
    "merge_group",
    "",
  ])("%j never pushes by itself", async (eventName) => {
    const ports = fakePorts({ context: { eventName } });
    expect(await decidePush({ ...none, password: "p" }, ghcr, ports)).toMatchObject({
      push: false,
    });
    expect(await decidePush({ ...none, push: "true" }, ghcr, ports)).toEqual({ push: true });
  });

  test("without a login there is nothing to push with", async () => {
    expect(await decidePush(none, ghcr, fakePorts())).toEqual({
      push: false,
      why: "there are no credentials for ghcr.io",
    });
  });

  test("a registry on this machine needs no login, but must be named", async () => {
    const ports = fakePorts();
    expect(await decidePush({ ...none, registry: "127.0.0.1:5000" }, here, ports)).toEqual({
      push: true,
    });
    expect(await decidePush(none, here, ports)).toMatchObject({ push: false });
  });

  test("false is false", async () => {
    const inputs = { ...none, push: "false", password: "p" } as const;
    expect(await decidePush(inputs, ghcr, fakePorts())).toMatchObject({ push: false });
  });
});

describe("credentials", () => {
  test("that were given go to their registry alone", async () => {
    const ports = fakePorts({ context: { actor: "octocat" } });
    const inputs = { ...none, password: "p" };
    expect(await credentialsFor("ghcr.io", inputs, ports)).toEqual({
      kind: "password",
      username: "octocat",
      password: "p",
    });
    expect(await credentialsFor("quay.io", inputs, ports)).toBeUndefined();
  });

  test("come from the Docker configuration otherwise, and are masked", async () => {
    const ports = fakePorts();
    const folder = join(ports.env["HOME"] ?? "", ".docker");
    mkdirSync(folder);
    const auth = Buffer.from("u:from-docker").toString("base64");
    writeFileSync(join(folder, "config.json"), JSON.stringify({ auths: { "quay.io": { auth } } }));
    expect(await credentialsFor("quay.io", none, ports)).toMatchObject({ password: "from-docker" });
    expect(await decidePush(none, [parseReference("quay.io/a/b:v1")], ports)).toEqual({
      push: true,
    });
    expect(ports.log.masked).toContain("from-docker");
  });

  test("for a registry that gets nothing are a mistake", () => {
    expect(() => checkLogin({ ...none, password: "p" }, here)).toThrow("are for ghcr.io");
    checkLogin({ ...none, password: "p", registry: "127.0.0.1:5000" }, here);
  });
});
