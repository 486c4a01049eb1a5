import { ActionError, isSystemError } from "@go-cicd/core/errors.ts";

const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the quota is used up",
  ENOTDIR: "a part of the path is no folder",
  ENOENT: "it does not exist",
  EMFILE: "too many open files",
};

const TARGET = new Set(["ENOSPC", "EDQUOT", "EROFS"]);

/**
 * What this machine refused, as a message with a remedy: which one depends on whose folder it is.
 * Undefined for anything else, which is a defect of the project.
 * @param kept folder of the local runner
 * @param repo folder that `--repo` names
 */
export function systemProblem(
  error: unknown,
  kept: string,
  repo: string | undefined,
): ActionError | undefined {
  if (!isSystemError(error, ...Object.keys(WORDS)) || error.path === undefined) return undefined;
  // Of the two ends of a copy the disk that is full is the one that is written to.
  const { dest } = error as { dest?: unknown };
  const path = TARGET.has(error.code ?? "") && typeof dest === "string" ? dest : error.path;
  const read = repo !== undefined && isBelow(path, repo);
  if (!read && !isBelow(path, kept)) return undefined;
  return new ActionError(
    "environment",
    `${path} cannot be ${read ? "read" : "used"}: ${WORDS[error.code ?? ""] ?? ""}`,
    {
      hint: read
        ? "A copy of the repository is made first, so every file of it must be readable."
        : "Everything that is kept between runs lies there: mend it, or let XDG_CACHE_HOME name another folder.",
      cause: error,
    },
  );
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`) || path.startsWith(`${folder}\\`);
}
