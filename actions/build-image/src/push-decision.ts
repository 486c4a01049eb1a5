import { at, type JobContext } from "@go-cicd/core/context.ts";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { InputsOf } from "@go-cicd/core/inputs.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { type Credentials, dockerCredentials } from "@go-cicd/oci/credentials.ts";
import { endpointOf, isLoopback } from "@go-cicd/oci/endpoint.ts";
import { nameOf, type Reference } from "@go-cicd/oci/reference.ts";
import { registryHost } from "./image-name.ts";
import type { inputs as spec } from "./inputs.ts";

/** What is decided, and why not. */
export type PushDecision = { push: true } | { push: false; why: string };

type Inputs = Pick<InputsOf<typeof spec>, "push" | "registry" | "username" | "password">;

/**
 * Events on which `push: auto` may push: those that only somebody with write access can cause, on
 * code of the repository. `workflow_run` and `pull_request_target` can carry a stranger's code.
 */
const TRUSTED_EVENTS = [
  "push",
  "schedule",
  "release",
  "workflow_dispatch",
  "repository_dispatch",
  "create",
];

/** Whether this run pushes, and if not, why. */
export async function decidePush(
  inputs: Inputs,
  references: readonly Reference[],
  ports: Ports,
): Promise<PushDecision> {
  if (inputs.push === "false") return { push: false, why: "`push` is false" };
  if (inputs.push === "true") return { push: true };
  const { eventName } = ports.context;
  if (!TRUSTED_EVENTS.includes(eventName)) {
    const event = eventName === "" ? "an unknown event" : eventName;
    return { push: false, why: `\`push: auto\` does not push on ${event}` };
  }
  for (const reference of references) {
    const given =
      inputs.registry !== undefined && isLoopback(endpointOf(reference.registry).hostname);
    if (!given && (await credentialsFor(reference.registry, inputs, ports)) === undefined) {
      return { push: false, why: `there are no credentials for ${reference.registry}` };
    }
  }
  return { push: true };
}

/**
 * Given ones are for the one registry they were given for; all others come from the Docker
 * configuration.
 */
export async function credentialsFor(
  registry: string,
  inputs: Inputs,
  ports: Ports,
): Promise<Credentials | undefined> {
  const { password, username } = inputs;
  if (password !== undefined && registryHost(inputs.registry) === registry) {
    return { kind: "password", username: username ?? defaultUser(ports.context), password };
  }
  return dockerCredentials(registry, {
    env: ports.env,
    processes: ports.processes,
    signal: ports.signal,
    mask: (secret) => ports.log.mask(secret),
  });
}

/** GHCR takes any name beside a token. */
function defaultUser(context: JobContext): string {
  const sender = at(context.event, "sender", "login");
  return context.actor !== "" ? context.actor : typeof sender === "string" ? sender : "token";
}

/** @throws ActionError `input` when a reference would be pushed to two registries by one login */
export function checkLogin(inputs: Inputs, references: readonly Reference[]): void {
  if (inputs.password === undefined) return;
  const host = registryHost(inputs.registry);
  if (references.some(({ registry }) => registry === host)) return;
  throw new ActionError(
    "input",
    `username and password are for ${host}, but the image goes to ${references.map(nameOf).join(", ")}`,
    { hint: "Set `registry` to the registry that the credentials are for." },
  );
}
