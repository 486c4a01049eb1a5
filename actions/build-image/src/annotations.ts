import type { Ports } from "@go-cicd/core/ports.ts";
import { childEnvironment } from "@go-cicd/core/process.ts";
import { timestamp } from "@go-cicd/oci/image.ts";
import { eventVersion } from "./event-tags.ts";

/** Texts by the place they go to. */
export interface Texts {
  labels: Record<string, string>;
  index: Record<string, string>;
  manifest: Record<string, string>;
}

/**
 * Reads the inputs `labels` and `annotations`. Levels are buildx's (`docker buildx build
 * --annotation`): `index:`, `manifest:`, `index,manifest:`; none means the manifest.
 * @param problems gets a line for each that is wrong
 */
export function readTexts(
  labels: readonly string[],
  annotations: readonly string[],
  problems: string[],
): Texts {
  const texts: Texts = { labels: {}, index: {}, manifest: {} };
  for (const line of labels) {
    const [name, value] = pair(line);
    if (name === "") problems.push(`labels: ${JSON.stringify(line)} is not name=value`);
    else texts.labels[name] = value;
  }
  for (const line of annotations) {
    const [levels, rest] =
      /^[\w,-]+:/.test(line) && !/^[^:]*=/.test(line)
        ? [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]
        : ["manifest", line];
    const [name, value] = pair(rest);
    const wanted = levels.split(",");
    if (name === "" || !wanted.every((level) => level === "index" || level === "manifest")) {
      problems.push(
        `annotations: ${JSON.stringify(line)} is not name=value, index:name=value or manifest:name=value`,
      );
      continue;
    }
    if (wanted.includes("index")) texts.index[name] = value;
    if (wanted.includes("manifest")) texts.manifest[name] = value;
  }
  return texts;
}

function pair(line: string): [string, string] {
  const equals = line.indexOf("=");
  return equals < 0 ? ["", ""] : [line.slice(0, equals).trim(), line.slice(equals + 1)];
}

/**
 * Annotations of the index that follow from the commit alone (image-spec annotations.md), so that
 * building the same commit again gives the same index.
 */
export async function commitAnnotations(
  ports: Ports,
  cwd: string,
): Promise<Record<string, string>> {
  const { sha, repository, serverUrl, ref } = ports.context;
  const created = sha === "" ? undefined : await commitTime(ports, cwd);
  const version = eventVersion(ref);
  return {
    ...(created === undefined ? {} : { "org.opencontainers.image.created": created }),
    ...(sha === "" ? {} : { "org.opencontainers.image.revision": sha }),
    ...(repository === ""
      ? {}
      : { "org.opencontainers.image.source": `${serverUrl}/${repository}` }),
    ...(version === undefined ? {} : { "org.opencontainers.image.version": version }),
  };
}

/** Date of the commit in UTC; undefined where git or its history is not there. */
async function commitTime(ports: Ports, cwd: string): Promise<string | undefined> {
  const exit = await ports.processes.run({
    file: "git",
    // In a container the work tree belongs to another user, and git would refuse it.
    args: [
      "-c",
      `safe.directory=${ports.context.workspace}`,
      "show",
      "-s",
      "--format=%ct",
      ports.context.sha,
      "--",
    ],
    cwd,
    env: childEnvironment(ports.env),
    signal: ports.signal,
  });
  const seconds = exit.kind === "exited" && exit.code === 0 ? exit.stdout.trim() : "";
  return /^\d+$/.test(seconds) ? timestamp(Number(seconds)) : undefined;
}
