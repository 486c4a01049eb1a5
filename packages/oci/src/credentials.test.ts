import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scriptedProcesses } from "@go-cicd/core/testing/processes.ts";
import { dockerCredentials } from "./credentials.ts";

let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "docker-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const auth = (text: string) => Buffer.from(text).toString("base64");
const secrets: string[] = [];

function lookup(config: unknown, registry: string, processes = scriptedProcesses()) {
  if (config !== undefined) {
    const text = typeof config === "string" ? config : JSON.stringify(config);
    writeFileSync(join(folder, "config.json"), text);
  }
  return dockerCredentials(registry, {
    env: { DOCKER_CONFIG: folder, HOME: folder, INPUT_PASSWORD: "not for helpers" },
    processes,
    mask: (secret) => secrets.push(secret),
  });
}

const helper = (stdout: string, code = 0) =>
  scriptedProcesses([{ match: ["docker-credential-ecr-login", "get"], exit: { stdout, code } }]);

describe("the Docker configuration", () => {
  test.each<[string, unknown, string, unknown]>([
    ["no file", undefined, "ghcr.io", undefined],
    ["another registry", { auths: { "ghcr.io": { auth: auth("u:p") } } }, "quay.io", undefined],
    [
      "user and password",
      { auths: { "ghcr.io": { auth: auth("u:p:q") } } },
      "ghcr.io",
      { kind: "password", username: "u", password: "p:q" },
    ],
    [
      "Docker Hub's old key",
      { auths: { "https://index.docker.io/v1/": { auth: auth("u:p") } } },
      "docker.io",
      { kind: "password", username: "u", password: "p" },
    ],
    [
      "an address with scheme",
      { auths: { "https://ghcr.io": { username: "u", password: "p" } } },
      "ghcr.io",
      { kind: "password", username: "u", password: "p" },
    ],
    [
      "an identity token",
      { auths: { "ghcr.io": { identitytoken: "t" } } },
      "ghcr.io",
      { kind: "identity-token", token: "t" },
    ],
    ["an entry whose secret is elsewhere", { auths: { "ghcr.io": {} } }, "ghcr.io", undefined],
  ])("with %s", async (_, config, registry, found) => {
    expect(await lookup(config, registry)).toEqual(found);
  });

  test("a helper is asked on its standard input, and its secret masked", async () => {
    const processes = helper('{"ServerURL":"x","Username":"AWS","Secret":"from-helper"}');
    const config = { credHelpers: { "ecr.example.com": "ecr-login" } };
    expect(await lookup(config, "ecr.example.com", processes)).toEqual({
      kind: "password",
      username: "AWS",
      password: "from-helper",
    });
    expect(processes.commands[0]).toMatchObject({ args: ["get"], stdin: "ecr.example.com" });
    expect(processes.commands[0]?.env["INPUT_PASSWORD"]).toBeUndefined();
    expect(secrets).toContain("from-helper");
  });

  test("the default store comes last, and may hold nothing", async () => {
    const config = { auths: { "ghcr.io": {} }, credsStore: "ecr-login" };
    const none = helper("credentials not found in native keychain\n", 1);
    expect(await lookup(config, "ghcr.io", none)).toBeUndefined();
    const token = helper('{"Username":"<token>","Secret":"t"}');
    expect(await lookup(config, "ghcr.io", token)).toEqual({ kind: "identity-token", token: "t" });
  });

  test.each<[string, unknown, ReturnType<typeof scriptedProcesses> | undefined]>([
    ["text", '{"auths": {"ghcr.io": {"auth": "c2VjcmV0', undefined],
    ["a helper with a path", { credHelpers: { "ghcr.io": "../../x" } }, undefined],
    ["a helper that fails", { credHelpers: { "ghcr.io": "ecr-login" } }, helper("secret-x", 1)],
    ["a helper that babbles", { credHelpers: { "ghcr.io": "ecr-login" } }, helper("secret-x")],
    ["an auth without colon", { auths: { "ghcr.io": { auth: auth("secret-x") } } }, undefined],
  ])("with %s is an error that shows nothing of it", async (_, config, processes) => {
    const error = await lookup(config, "ghcr.io", processes).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "environment" });
    expect(String(error)).not.toMatch(/c2VjcmV0|secret-x/);
  });
});
