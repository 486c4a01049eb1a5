import { createHash } from "node:crypto";
import { cpSync, mkdirSync } from "node:fs";
import { dirname, isAbsolute, join, relative } from "node:path";
import type { Artifact, Artifacts } from "../artifacts.ts";
import { tempFolder } from "./temp.ts";

/** Artifacts of one run, kept in a temporary folder. */
export interface MemoryArtifacts extends Artifacts {
  readonly all: Artifact[];
  /** Where an artifact's files are kept. @throws Error when there is none of that name. */
  folderOf(name: string): string;
  /** From now on every call says that the service is away. */
  unavailable: boolean;
  /** Downloads of these names report a digest that does not match. */
  readonly damaged: Set<string>;
}

export function memoryArtifacts(folder = tempFolder("go-cicd-artifacts-")): MemoryArtifacts {
  const away = { kind: "unavailable", detail: "the artifact service is away" } as const;
  const pathOf = (artifact: Artifact): string => join(folder, String(artifact.id));
  const artifacts: MemoryArtifacts = {
    all: [],
    unavailable: false,
    damaged: new Set(),
    folderOf: (name) => {
      const artifact = artifacts.all.find((candidate) => candidate.name === name);
      if (artifact === undefined) throw new Error(`no artifact ${name}`);
      return pathOf(artifact);
    },
    upload: (name, files, root) => {
      if (artifacts.unavailable) return Promise.resolve(away);
      if (/["<>|*?:\r\n\\/]/.test(name)) throw new Error(`not an artifact name: ${name}`);
      if (artifacts.all.some((other) => other.name === name)) {
        return Promise.resolve({ kind: "exists", name });
      }
      const id = artifacts.all.length + 1;
      const digest = `sha256:${createHash("sha256").update(`${id} ${name}`).digest("hex")}`;
      const artifact: Artifact = { id, name, size: files.length, digest };
      mkdirSync(pathOf(artifact), { recursive: true });
      for (const file of files) {
        const inside = relative(root, file);
        if (inside.startsWith("..") || isAbsolute(inside)) {
          throw new Error(`${file} is not below ${root}`);
        }
        const target = join(pathOf(artifact), inside);
        mkdirSync(dirname(target), { recursive: true });
        cpSync(file, target);
      }
      artifacts.all.push(artifact);
      return Promise.resolve({ kind: "uploaded", artifact });
    },
    list: (prefix) =>
      Promise.resolve(
        artifacts.unavailable
          ? away
          : {
              kind: "listed",
              artifacts: artifacts.all.filter(({ name }) => name.startsWith(prefix)).reverse(),
            },
      ),
    download: (artifact, target) => {
      if (artifacts.unavailable) return Promise.resolve(away);
      if (artifacts.damaged.has(artifact.name)) {
        return Promise.resolve({ kind: "mismatch", detail: `${artifact.name}: wrong digest` });
      }
      mkdirSync(target, { recursive: true });
      cpSync(pathOf(artifact), target, { recursive: true });
      return Promise.resolve({ kind: "downloaded", folder: target });
    },
  };
  return artifacts;
}
