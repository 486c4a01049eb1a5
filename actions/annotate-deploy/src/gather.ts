import { readdirSync } from "node:fs";
import { join } from "node:path";
import { isSystemError } from "@go-cicd/core/errors.ts";
import { JOB_FOLDER } from "@go-cicd/core/names.ts";
import type { Ports } from "@go-cicd/core/ports.ts";

/** Files found in artifacts, and what could not be had, in full sentences. */
export interface Gathered {
  files: string[];
  problems: string[];
  /** The service did not answer at all. */
  away: boolean;
}

/** Downloads side by side: enough to hide the way, few enough for any service. */
const AT_ONCE = 6;

/**
 * Downloads this run's artifacts whose name starts with `prefix`.
 * @param wanted the name of a file, or `*.ext`; looked for in all folders of an artifact
 */
export async function gatherArtifacts(
  prefix: string,
  wanted: string,
  { artifacts, context }: Pick<Ports, "artifacts" | "context">,
): Promise<Gathered> {
  const listed = await artifacts.list(prefix);
  if (listed.kind === "unavailable") {
    return {
      files: [],
      problems: [`Artifacts ${prefix}* are not to be had: ${listed.detail}.`],
      away: true,
    };
  }
  const files: string[] = [];
  const problems: string[] = [];
  for (let start = 0; start < listed.artifacts.length; start += AT_ONCE) {
    const batch = listed.artifacts.slice(start, start + AT_ONCE);
    const folders = batch.map(({ id }) => join(context.temp, JOB_FOLDER, "gathered", String(id)));
    const downloads = await Promise.all(
      batch.map((artifact, index) => artifacts.download(artifact, folders[index] ?? "")),
    );
    downloads.forEach((got, index) => {
      const name = batch[index]?.name ?? "";
      if (got.kind !== "downloaded") {
        problems.push(`Artifact ${name} could not be taken: ${got.detail}.`);
        return;
      }
      const found = filesBelow(got.folder, wanted);
      if (found.length === 0) problems.push(`Artifact ${name} holds no ${wanted}.`);
      files.push(...found);
    });
  }
  return { files, problems, away: false };
}

/** Paths of files with that name (or `*.ext`) below `folder`; none when it does not exist. */
export function filesBelow(folder: string, wanted: string): string[] {
  const suffix = wanted.startsWith("*") ? wanted.slice(1) : undefined;
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(
        (entry) =>
          // A link could lead anywhere on this machine.
          entry.isFile() &&
          (suffix === undefined ? entry.name === wanted : entry.name.endsWith(suffix)),
      )
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}
