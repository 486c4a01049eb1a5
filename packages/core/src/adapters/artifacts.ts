import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { Artifact as ListedArtifact, DefaultArtifactClient } from "@actions/artifact";
import type { Artifact, Artifacts } from "../artifacts.ts";
import { messageOf } from "../errors.ts";
import type { Environment } from "../process.ts";

/** What is handed over is small; a service that needs longer for it is as good as away. */
const CALL_MS = 60_000;

interface Waiting {
  /** Milliseconds for one call with all its repetitions. */
  callMs?: number;
  /** Called when a call is given up: its connections may keep the process alive. */
  onGivenUp?: () => void;
}

/**
 * Artifacts of this run through `@actions/artifact`, which is loaded at the first call (it is the
 * heaviest part of a bundle). Without the service's variables every call says `unavailable`, and so
 * does every call after one that was not answered: the client itself would wait for a quarter of an
 * hour, five times three minutes.
 */
export function runArtifacts(
  env: Environment,
  { callMs = CALL_MS, onGivenUp = () => undefined }: Waiting = {},
): Artifacts {
  let loading: Promise<DefaultArtifactClient> | undefined;
  const client = (): Promise<DefaultArtifactClient> => {
    loading ??= import("@go-cicd/core/adapters/toolkit.ts")
      .then(({ loadArtifact }) => loadArtifact())
      .then(({ DefaultArtifactClient: Client }) => new Client());
    return loading;
  };
  const missing = ["ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL"].filter(
    (name) => (env[name] ?? "") === "",
  );
  let away: { kind: "unavailable"; detail: string } | undefined =
    missing.length === 0
      ? undefined
      : {
          kind: "unavailable",
          detail: `there is no artifact service here: ${missing.join(" and ")} not set`,
        };
  /** The answer of one call, in time. */
  const answered = async <T>(call: () => Promise<T>): Promise<T> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const detail = `the artifact service did not answer within ${callMs / 1000} s`;
        away = { kind: "unavailable", detail };
        onGivenUp();
        reject(new Error(detail));
      }, callMs);
    });
    const work = call();
    // What was given up may fail later, when nobody listens any more.
    work.catch(() => undefined);
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  };
  const failed = (error: unknown): { kind: "unavailable"; detail: string } => ({
    kind: "unavailable",
    detail: messageOf(error),
  });

  return {
    upload: async (name, files, root) => {
      if (away !== undefined) return away;
      try {
        const {
          id,
          size = 0,
          digest,
        } = await answered(async () => (await client()).uploadArtifact(name, [...files], root));
        if (id === undefined) return failed(`${name}: the service gave no id`);
        return { kind: "uploaded", artifact: { id, name, size, digest: sha256(digest) } };
      } catch (error) {
        return isConflict(error) ? { kind: "exists", name } : failed(error);
      }
    },
    list: async (prefix) => {
      if (away !== undefined) return away;
      try {
        const { artifacts } = await answered(async () =>
          (await client()).listArtifacts({ latest: true }),
        );
        return {
          kind: "listed",
          artifacts: artifacts
            .filter(({ name }) => name.startsWith(prefix))
            .sort((one, other) => other.id - one.id)
            .map(known),
        };
      } catch (error) {
        return failed(error);
      }
    },
    download: async (artifact, folder) => {
      if (away !== undefined) return away;
      // The client unpacks before it compares: nothing may land that is not what it should be.
      mkdirSync(dirname(folder), { recursive: true });
      const staging = mkdtempSync(`${folder}.part-`);
      try {
        const { digestMismatch } = await answered(async () =>
          (await client()).downloadArtifact(artifact.id, {
            path: staging,
            ...(artifact.digest !== undefined && { expectedHash: artifact.digest }),
          }),
        );
        if (digestMismatch === true) {
          return { kind: "mismatch", detail: `${artifact.name} does not have its digest` };
        }
        cpSync(staging, folder, { recursive: true });
        return { kind: "downloaded", folder };
      } catch (error) {
        return failed(error);
      } finally {
        rmSync(staging, { recursive: true, force: true });
      }
    },
  };
}

function known({ id, name, size, digest }: ListedArtifact): Artifact {
  return { id, name, size, digest: sha256(digest) };
}

function sha256(digest: string | undefined): string | undefined {
  if (digest === undefined || digest === "") return undefined;
  return digest.startsWith("sha256:") ? digest : `sha256:${digest}`;
}

/** The service answers 409 to a name that exists; the client only hands on the words. */
function isConflict(error: unknown): boolean {
  return /\(409\)|already.exists/i.test(messageOf(error));
}
