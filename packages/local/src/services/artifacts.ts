import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { isCode, nextId, publish, readJson, replace } from "./disk.ts";
import type { Exchange } from "./exchange.ts";
import { authorize, field, twirpError, type Desk, type Route } from "./routes.ts";
import { signedUrl } from "./signed-urls.ts";

const BASE = "/twirp/github.actions.results.api.v1.ArtifactService/";

/** An artifact of a run; `finalized` ones can be listed and read. */
interface StoredArtifact {
  id: number;
  name: string;
  runId: string;
  jobId: string;
  blob: string;
  mimeType: string;
  size: number;
  digest: string;
  createdAt: string;
  finalized: boolean;
}

/** Artifacts v4: names are unique in a run, contents are sealed with a sha256. */
export function artifactRoutes(desk: Desk): Route[] {
  const store = new ArtifactStore(desk);
  const method = (
    name: string,
    answer: (exchange: Exchange, body: Readonly<Record<string, unknown>>) => Promise<void>,
  ): Route => ({
    method: "POST",
    path: new RegExp(`^${BASE}${name}$`),
    answer: async (exchange) => {
      const grant = authorize(desk, exchange);
      const body = await exchange.json();
      // The ids are the token's: a job speaks for no other run.
      if (field(body, "workflow_run_backend_id") !== grant.runId) {
        throw twirpError(403, "permission_denied", "the token belongs to another run");
      }
      await answer(exchange, body);
    },
  });
  return [
    method("CreateArtifact", async (exchange, body) => {
      const name = field(body, "name");
      if (/[":<>|*?\r\n\\/]/.test(name)) {
        throw twirpError(400, "invalid_argument", `the artifact name ${name} is not valid`);
      }
      const created = await store.create({
        name,
        runId: field(body, "workflow_run_backend_id"),
        jobId: field(body, "workflow_job_run_backend_id"),
        mimeType: mimeType(body),
      });
      if (created === undefined) {
        throw twirpError(
          409,
          "already_exists",
          "an artifact with this name already exists on the workflow run",
        );
      }
      const url = signedUrl(desk, created.blob, "w");
      await exchange.sendJson(200, { ok: true, signed_upload_url: url });
    }),

    method("FinalizeArtifact", async (exchange, body) => {
      const artifact = await store.get(runOf(body), field(body, "name"));
      if (artifact === undefined) throw notFound(field(body, "name"));
      const hash = body["hash"];
      const claimed = typeof hash === "string" ? hash : undefined;
      const problem = await store.finalize(artifact, Number(body["size"] ?? 0), claimed);
      if (problem !== undefined) throw twirpError(400, "invalid_argument", problem);
      await exchange.sendJson(200, { ok: true, artifact_id: String(artifact.id) });
    }),

    method("ListArtifacts", async (exchange, body) => {
      const all = desk.lies.has("forget-artifacts") ? [] : await store.list(runOf(body));
      const [name, id] = [body["name_filter"], body["id_filter"]];
      const found = all.filter(
        (each) =>
          (typeof name !== "string" || each.name === name) &&
          (typeof id !== "string" || String(each.id) === id),
      );
      await exchange.sendJson(200, {
        artifacts: found.map((each) => ({
          workflow_run_backend_id: each.runId,
          workflow_job_run_backend_id: each.jobId,
          database_id: String(each.id),
          name: each.name,
          size: String(each.size),
          created_at: each.createdAt,
          digest: desk.lies.has("wrong-digest") ? `sha256:${"0".repeat(64)}` : each.digest,
        })),
      });
    }),

    method("GetSignedArtifactURL", async (exchange, body) => {
      const artifact = await store.get(runOf(body), field(body, "name"));
      if (artifact?.finalized !== true) throw notFound(field(body, "name"));
      const file = artifact.mimeType === "application/zip" ? `${artifact.name}.zip` : artifact.name;
      const url = signedUrl(desk, artifact.blob, "r", {
        contentType: artifact.mimeType,
        contentDisposition: `attachment; filename="${encodeURIComponent(file)}"`,
      });
      await exchange.sendJson(200, { signed_url: url });
    }),

    method("DeleteArtifact", async (exchange, body) => {
      const artifact = await store.get(runOf(body), field(body, "name"));
      if (artifact === undefined) throw notFound(field(body, "name"));
      await store.remove(artifact);
      await exchange.sendJson(200, { ok: true, artifact_id: String(artifact.id) });
    }),
  ];
}

/** The index of artifacts: one file each, below a folder per run. */
export class ArtifactStore {
  readonly #desk: Pick<Desk, "folder" | "blobs">;

  constructor(desk: Pick<Desk, "folder" | "blobs">) {
    this.#desk = desk;
  }

  /** Undefined when the run has one of that name. */
  async create(
    facts: Pick<StoredArtifact, "name" | "runId" | "jobId" | "mimeType">,
  ): Promise<StoredArtifact | undefined> {
    const artifact: StoredArtifact = {
      ...facts,
      id: nextId(),
      blob: await this.#desk.blobs.open(),
      size: 0,
      digest: "",
      createdAt: new Date().toISOString(),
      finalized: false,
    };
    if (await publish(this.#path(facts.runId, facts.name), artifact)) return artifact;
    await this.#desk.blobs.close(artifact.blob);
    return undefined;
  }

  async get(runId: string, name: string): Promise<StoredArtifact | undefined> {
    return (await readJson(this.#path(runId, name))) as StoredArtifact | undefined;
  }

  /** Finished artifacts of a run, oldest first. */
  async list(runId: string): Promise<StoredArtifact[]> {
    const folder = this.#run(runId);
    const names = (await readdir(folder).catch(() => [])).filter((each) => each.endsWith(".json"));
    const all = await Promise.all(names.map((name) => readJson(join(folder, name))));
    return all
      .filter(
        (each): each is StoredArtifact => (each as StoredArtifact | undefined)?.finalized === true,
      )
      .sort((a, b) => a.id - b.id);
  }

  /** Seals an upload; the result says what is wrong with it. */
  async finalize(
    artifact: StoredArtifact,
    size: number,
    claimed: string | undefined,
  ): Promise<string | undefined> {
    const { blobs } = this.#desk;
    const stored = await blobs.size(artifact.blob);
    if (stored === undefined) return "nothing was uploaded";
    if (stored !== size) return `${size} bytes were announced, ${stored} were uploaded`;
    const hash = createHash("sha256");
    await pipeline(createReadStream(blobs.path(artifact.blob)), hash);
    const digest = `sha256:${hash.digest("hex")}`;
    if (claimed !== undefined && claimed !== digest) return `the content has ${digest}`;
    const sealed = { ...artifact, size, digest, finalized: true };
    await replace(this.#path(artifact.runId, artifact.name), sealed);
    await blobs.close(artifact.blob);
    return undefined;
  }

  async remove(artifact: StoredArtifact): Promise<void> {
    await rm(this.#path(artifact.runId, artifact.name), { force: true });
    await this.#desk.blobs.remove(artifact.blob);
  }

  /** Removes runs that are older than `ageMs`; the result names the blobs that stay. */
  async sweep(ageMs: number): Promise<Set<string>> {
    const kept = new Set<string>();
    const root = join(this.#desk.folder, "artifacts");
    for (const run of await readdir(root).catch(() => [])) {
      const folder = join(root, run);
      const old = ((await stat(folder).catch(() => undefined))?.mtimeMs ?? 0) < Date.now() - ageMs;
      for (const name of await readdir(folder).catch(() => [])) {
        const artifact = (await readJson(join(folder, name))) as StoredArtifact | undefined;
        if (artifact === undefined) continue;
        if (old) await this.#desk.blobs.remove(artifact.blob);
        else kept.add(artifact.blob);
      }
      if (old) await removeFolder(folder);
    }
    return kept;
  }

  #run(runId: string): string {
    return join(this.#desk.folder, "artifacts", hashed(runId));
  }

  #path(runId: string, name: string): string {
    return join(this.#run(runId), `${hashed(name)}.json`);
  }
}

async function removeFolder(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true });
  } catch (error) {
    if (!isCode(error, "ENOENT")) throw error;
  }
}

function runOf(body: Readonly<Record<string, unknown>>): string {
  return field(body, "workflow_run_backend_id");
}

/** The protobuf wrapper of a text comes as the bare text. */
function mimeType(body: Readonly<Record<string, unknown>>): string {
  const given = body["mime_type"];
  return typeof given === "string" && given !== "" ? given : "application/zip";
}

function notFound(name: string): Error {
  return twirpError(404, "not_found", `there is no artifact ${name} in this run`);
}

function hashed(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 40);
}
