import { ActionError } from "@go-cicd/core/errors.ts";
import type { HttpResponse } from "@go-cicd/core/http.ts";

/** One error of a registry (distribution-spec, "Error Codes"). */
interface Said {
  code: string;
  message: string;
}

/** The error for an answer that is none of the expected ones, with the registry's words and a remedy. */
export function registryError(
  response: Pick<HttpResponse, "status" | "body">,
  what: string,
  registry: string,
): ActionError {
  const said = readErrors(response.body);
  const words = said.map(({ code, message }) => (message === "" ? code : `${code}: ${message}`));
  const tail = words.length === 0 ? "" : `: ${words.join("; ")}`;
  const hint = remedy(response.status, said, registry);
  return new ActionError(
    "network",
    `${registry}: ${what} was answered with ${response.status}${tail}`,
    hint === undefined ? {} : { hint },
  );
}

/** Whether the registry names this error code. */
export function hasCode(body: Uint8Array, ...codes: string[]): boolean {
  return readErrors(body).some(({ code }) => codes.includes(code));
}

function readErrors(body: Uint8Array): Said[] {
  try {
    const json = JSON.parse(Buffer.from(body).toString()) as { errors?: unknown };
    if (!Array.isArray(json.errors)) return [];
    return (json.errors as unknown[]).slice(0, 3).map((entry) => {
      const { code, message } = (entry ?? {}) as Record<string, unknown>;
      return { code: plain(code), message: plain(message) };
    });
  } catch {
    return [];
  }
}

/** Words of a stranger: one line, without control characters, and short. */
function plain(value: unknown): string {
  // eslint-disable-next-line no-control-regex -- taking them out is what this is for
  return typeof value === "string" ? value.replace(/[\x00-\x1f\x7f]+/g, " ").slice(0, 300) : "";
}

function remedy(status: number, said: readonly Said[], registry: string): string | undefined {
  const codes = said.map(({ code }) => code);
  const words = said.map(({ message }) => message).join(" ");
  if (/immutable/i.test(words)) return "The tag is immutable in this registry: push another tag.";
  // docker/build-push-action#806, #463: one message, two causes.
  if (registry === "ghcr.io" && (status === 403 || codes.includes("DENIED"))) {
    return (
      "Give the job `permissions: packages: write`. If the package was created by hand, add this " +
      "repository to it under Package settings, Manage Actions access, with the role Write."
    );
  }
  if (status === 401)
    return "Give `username` and `password`, or log in to the registry in an earlier step.";
  if (status === 403) return "The user has no right to push to this repository of the registry.";
  if (status === 429 || codes.includes("TOOMANYREQUESTS")) {
    return registry === "docker.io"
      ? "Docker Hub limits requests: log in with `username` and `password`, or wait."
      : "The registry limits requests: run the step again later.";
  }
  if (codes.includes("NAME_UNKNOWN") || status === 404) {
    return "Check the image's name. Some registries (Amazon ECR) need the repository to be created first.";
  }
  if (status === 413)
    return "Something between here and the registry limits the size of a request.";
  if (codes.includes("UNSUPPORTED") && status === 405)
    return "The registry is read-only, or a mirror.";
  return undefined;
}
