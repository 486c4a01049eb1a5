import { ActionError } from "@go-cicd/core/errors.ts";
import { isDigest, type Digest } from "./digest.ts";

/** Where an image lives in a registry. */
export interface Reference {
  /** Host with port where there is one, as users write it: `docker.io`, `localhost:5000`. */
  registry: string;
  /** Path below the registry, lower-case: `library/alpine`. */
  repository: string;
  tag: string | undefined;
  digest: Digest | undefined;
}

/** An image as the doors hand it on: in a registry, or in an OCI layout on this machine. */
export type ImageLocation =
  | { kind: "registry"; reference: Reference }
  | { kind: "layout"; path: string; digest: Digest | undefined };

const DOCKER_HUB = "docker.io";
const LAYOUT_PREFIX = "oci-layout:";

// distribution/reference regexp.go: the grammar of names.
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const HOST =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/;

/**
 * Reads an image reference as Docker does (distribution/reference normalize.go): `alpine` is
 * `docker.io/library/alpine`; the first part is a registry when it holds a dot or a colon or is
 * `localhost`. Unlike Docker's parser, capitals alone make no registry: they are a mistake in a name.
 * @throws ActionError `input`
 */
export function parseReference(text: string): Reference {
  const fail = (why: string, hint?: string): never => {
    throw new ActionError(
      "input",
      `${JSON.stringify(text)} is not an image reference: ${why}`,
      hint === undefined ? {} : { hint },
    );
  };
  const [beforeDigest = "", digest, ...more] = text.split("@");
  if (more.length > 0) fail("it has more than one @");
  if (digest !== undefined && !isDigest(digest)) {
    fail("what follows @ is not sha256: and 64 lower-case hexadecimal digits");
  }
  const { name, tag } = splitTag(beforeDigest);
  if (tag !== undefined && !isTag(tag)) fail(`${JSON.stringify(tag)} is not a tag`, TAG_HINT);
  const { registry, path } = splitRegistry(name);
  if (!HOST.test(registry)) fail(`${JSON.stringify(registry)} is not a registry host`);
  if (path === "") fail("the name is empty");
  if (path !== path.toLowerCase()) {
    fail("the name must be lower-case", `Write ${path.toLowerCase()}.`);
  }
  if (!path.split("/").every((component) => COMPONENT.test(component))) {
    fail(
      `${JSON.stringify(path)} is not a repository name`,
      "Parts between slashes are lower-case letters and digits, joined by single . _ __ or -.",
    );
  }
  // go-containerregistry and Docker agree on 255 characters of name.
  if (registry.length + 1 + path.length > 255) fail("the name has more than 255 characters");
  return { registry, repository: path, tag, digest: digest as Digest | undefined };
}

const TAG_HINT =
  "A tag has up to 128 letters, digits, underscores, dots and dashes, and starts with none of the last two.";

/** True for a tag of distribution-spec's grammar. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** Makes a tag of any text, such as a branch name: what is not allowed becomes a dash. */
export function tagFrom(text: string): string {
  return text
    .replace(/[^\w.-]+/g, "-")
    .replace(/^[.-]+/, "")
    .slice(0, 128);
}

/** Registry and repository, without tag and digest. */
export function nameOf({ registry, repository }: Reference): string {
  return `${registry}/${repository}`;
}

/** The reference in full; a digest pins, so it comes last. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${nameOf(reference)}${tag}${digest}`;
}

/**
 * Reads the doors' `image`: a reference, or `oci-layout:<absolute path>[@<digest>]`.
 * @throws ActionError `input`
 */
export function parseImageLocation(text: string): ImageLocation {
  if (!text.startsWith(LAYOUT_PREFIX)) {
    return { kind: "registry", reference: parseReference(text) };
  }
  const rest = text.slice(LAYOUT_PREFIX.length);
  // A path may hold an @, so the digest is what follows the last one, where that is a digest.
  const at = rest.lastIndexOf("@");
  const digest = at < 0 ? undefined : rest.slice(at + 1);
  const pinned = digest !== undefined && isDigest(digest);
  const path = pinned ? rest.slice(0, at) : rest;
  if (digest?.startsWith("sha256:") === true && !pinned) {
    throw new ActionError("input", `${JSON.stringify(text)} does not end in a sha256 digest`);
  }
  if (path === "") throw new ActionError("input", `${JSON.stringify(text)} names no folder`);
  return { kind: "layout", path, digest: pinned ? digest : undefined };
}

/** The doors' spelling of an image in an OCI layout. */
export function formatLayout(path: string, digest: Digest): string {
  return `${LAYOUT_PREFIX}${path}@${digest}`;
}

function splitTag(text: string): { name: string; tag: string | undefined } {
  const colon = text.lastIndexOf(":");
  // A colon before the last slash belongs to a port.
  if (colon < 0 || text.includes("/", colon)) return { name: text, tag: undefined };
  return { name: text.slice(0, colon), tag: text.slice(colon + 1) };
}

function splitRegistry(name: string): { registry: string; path: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === "localhost";
  const registry = isHost && slash > 0 ? first : DOCKER_HUB;
  const path = isHost && slash > 0 ? name.slice(slash + 1) : name;
  if (registry === DOCKER_HUB || registry === "index.docker.io") {
    return {
      registry: DOCKER_HUB,
      path: path.includes("/") || path === "" ? path : `library/${path}`,
    };
  }
  return { registry, path };
}
