import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { ActionError, isSystemError } from "@go-cicd/core/errors.ts";
import { childEnvironment, type Environment, type Processes } from "@go-cicd/core/process.ts";

/** How to prove who we are. */
export type Credentials =
  | { kind: "password"; username: string; password: string }
  /** Exchanged for access tokens (docker `identitytoken`, helper user `<token>`). */
  | { kind: "identity-token"; token: string };

/** Docker Hub's key in every Docker configuration. */
const HUB_KEY = "https://index.docker.io/v1/";

interface DockerConfig {
  auths?: Record<
    string,
    { auth?: string; username?: string; password?: string; identitytoken?: string }
  >;
  credHelpers?: Record<string, string>;
  credsStore?: string;
}

/** What is needed to look credentials up. */
export interface Lookup {
  env: Environment;
  processes: Processes;
  signal?: AbortSignal;
  /** Told every secret as soon as it is read. */
  mask: (secret: string) => void;
}

/**
 * Credentials for `registry` from `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`: the
 * registry's helper, `auths`, then the default store, as the Docker CLI orders them
 * (docker/cli config.go).
 * @throws ActionError `environment` when the file or a helper is broken
 */
export async function dockerCredentials(
  registry: string,
  lookup: Lookup,
): Promise<Credentials | undefined> {
  const { env } = lookup;
  const folder = env["DOCKER_CONFIG"] ?? join(env["HOME"] ?? homedir(), ".docker");
  const file = join(folder, "config.json");
  const config = await readConfig(file);
  if (config === undefined) return undefined;
  const keys =
    registry === "docker.io"
      ? [HUB_KEY, "index.docker.io", "docker.io"]
      : [registry, `https://${registry}`, `https://${registry}/`];
  for (const key of keys) {
    const helper = config.credHelpers?.[key];
    if (helper !== undefined) return askHelper(helper, key, lookup);
  }
  for (const key of keys) {
    const entry = config.auths?.[key];
    if (entry === undefined) continue;
    const found = fromEntry(entry, file, key, lookup.mask);
    if (found !== undefined) return found;
  }
  const store = config.credsStore;
  return store === undefined || store === ""
    ? undefined
    : askHelper(store, keys[0] ?? registry, lookup);
}

async function readConfig(file: string): Promise<DockerConfig | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    if (isSystemError(cause, "ENOENT", "ENOTDIR")) return undefined;
    throw new ActionError("environment", `${file} cannot be read`, { cause });
  }
  try {
    return JSON.parse(text) as DockerConfig;
  } catch {
    // The parser's message may quote the file, which holds passwords.
    throw new ActionError("environment", `${file} is not JSON`, {
      hint: "Log in again with `docker login`, or give `username` and `password`.",
    });
  }
}

function fromEntry(
  entry: NonNullable<DockerConfig["auths"]>[string],
  file: string,
  key: string,
  mask: (secret: string) => void,
): Credentials | undefined {
  if (entry.identitytoken !== undefined && entry.identitytoken !== "") {
    mask(entry.identitytoken);
    return { kind: "identity-token", token: entry.identitytoken };
  }
  if (entry.username !== undefined && entry.password !== undefined) {
    mask(entry.password);
    return { kind: "password", username: entry.username, password: entry.password };
  }
  // An entry without a secret says that a store holds it.
  if (entry.auth === undefined || entry.auth === "") return undefined;
  mask(entry.auth);
  const text = Buffer.from(entry.auth, "base64").toString();
  const colon = text.indexOf(":");
  if (colon < 0)
    throw new ActionError("environment", `${file}: auth of ${key} is not user:password`);
  const password = text.slice(colon + 1).replace(/\0+$/, "");
  mask(password);
  return { kind: "password", username: text.slice(0, colon), password };
}

/** docker-credential-helpers protocol: the server on stdin, `{Username, Secret}` on stdout. */
async function askHelper(
  helper: string,
  server: string,
  { env, processes, signal, mask }: Lookup,
): Promise<Credentials | undefined> {
  if (!/^[\w.-]+$/.test(helper)) {
    throw new ActionError(
      "environment",
      `The Docker configuration names the credential helper ${JSON.stringify(helper)}, which is no program name`,
    );
  }
  const file = `docker-credential-${helper}`;
  const exit = await processes.run({
    file,
    args: ["get"],
    cwd: env["HOME"] ?? homedir(),
    env: childEnvironment(env),
    stdin: server,
    timeoutMs: 60_000,
    ...(signal === undefined ? {} : { signal }),
  });
  if (exit.kind === "not-found") {
    throw new ActionError(
      "environment",
      `The Docker configuration names ${file}, which is not on PATH`,
    );
  }
  // Helpers say on stdout that they hold nothing for this server.
  if (/credentials not found/i.test(exit.stdout)) return undefined;
  if (exit.kind !== "exited" || exit.code !== 0) {
    throw new ActionError("environment", `${file} could not give credentials for ${server}`);
  }
  try {
    const { Username: username, Secret: password } = JSON.parse(exit.stdout) as Record<
      string,
      unknown
    >;
    if (typeof username === "string" && typeof password === "string") {
      mask(password);
      return username === "<token>"
        ? { kind: "identity-token", token: password }
        : { kind: "password", username, password };
    }
  } catch {
    // Said below, without the helper's words: they may hold the secret.
  }
  throw new ActionError(
    "environment",
    `${file} answered in a way that is not the helpers' protocol`,
  );
}
