import { ActionError } from "@go-cicd/core/errors.ts";
import { invalidInputs } from "@go-cicd/core/inputs.ts";
import {
  formatReference,
  isTag,
  nameOf,
  parseReference,
  type Reference,
} from "@go-cicd/oci/reference.ts";
import type { MainPackage } from "./main-packages.ts";

const DEFAULT_REGISTRY = "ghcr.io";

/** What the image's name is made of. */
export interface NameParts {
  imageName: string | undefined;
  registry: string | undefined;
  /** `owner/name`, or empty outside a repository. */
  repository: string;
  main: MainPackage;
  /** Several programs share the repository: each needs a name of its own. */
  oneOfSeveral: boolean;
}

/**
 * The image's own name: as given, or registry and repository, lower-case since registries know no
 * capitals (docker/build-push-action TROUBLESHOOTING.md), with the program's name below it when the
 * repository has several.
 * @throws ActionError `input`
 */
export function imageName(parts: NameParts): Reference {
  if (parts.imageName !== undefined) {
    const given = parseReference(parts.imageName);
    if (given.tag !== undefined || given.digest !== undefined) {
      throw invalidInputs([`image-name must have no tag and no digest: ${parts.imageName}`]);
    }
    return given;
  }
  const program = parts.main.name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  const repository = parts.repository.toLowerCase();
  const path =
    repository === "" ? [program] : [repository, ...(parts.oneOfSeveral ? [program] : [])];
  return parseReference([registryHost(parts.registry), ...path].join("/"));
}

/** @throws ActionError `input` when it is not a host */
export function registryHost(registry: string | undefined): string {
  if (registry === undefined) return DEFAULT_REGISTRY;
  // docker/login-action's README shows both spellings for Docker Hub.
  const host = registry.replace(/^https?:\/\//, "").replace(/\/(v[12]\/?)?$/, "");
  const plain = host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
  try {
    // A single word would be read as a repository of Docker Hub.
    if (parseReference(`${plain}/x`).registry === plain) return plain;
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
  }
  throw invalidInputs([
    `registry must be a host such as ghcr.io or localhost:5000, not ${JSON.stringify(registry)}`,
  ]);
}

/**
 * The references to push: full ones as they are, bare words as tags of the image's own name.
 * @throws ActionError `input` that names all that are wrong
 */
export function references(name: Reference, tags: readonly string[]): Reference[] {
  const problems: string[] = [];
  const found = tags.flatMap((tag): Reference[] => {
    if (isTag(tag)) return [{ ...name, tag }];
    try {
      const reference = parseReference(tag);
      if (reference.digest !== undefined) problems.push(`tags: ${tag} must have no digest`);
      return [{ ...reference, tag: reference.tag ?? "latest" }];
    } catch (error) {
      if (!(error instanceof ActionError)) throw error;
      problems.push(`tags: ${error.message}`);
      return [];
    }
  });
  if (problems.length > 0) throw invalidInputs(problems);
  const byText = new Map(found.map((reference) => [formatReference(reference), reference]));
  return [...byText.values()];
}

/** References by repository, so that each repository is pushed to once. */
export function byRepository(all: readonly Reference[]): Map<string, Reference[]> {
  const groups = new Map<string, Reference[]>();
  for (const reference of all) {
    const name = nameOf(reference);
    groups.set(name, [...(groups.get(name) ?? []), reference]);
  }
  return groups;
}
