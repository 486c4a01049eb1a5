import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Artifact, Artifacts } from "../artifacts.ts";
import { tempFolder } from "../testing/temp.ts";
import { runArtifacts } from "./artifacts.ts";

// Real processes and servers on a busy machine take their time; what hangs is still found.
jest.setTimeout(60_000);

/** As much of the artifact service (v4) as one client needs; see the service's own tests for all. */
class Service {
  readonly server: Server;
  readonly blobs = new Map<string, Buffer>();
  readonly hashes = new Map<string, string>();
  readonly #blocks = new Map<string, Buffer>();
  /** Changes the bytes of every download. */
  lying = false;
  /** Takes requests and never answers. */
  hanging = false;

  constructor() {
    this.server = createServer((request, response) => {
      void this.#answer(request, response);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    if (this.hanging) return;
    const url = new URL(request.url ?? "", this.url);
    const name = url.searchParams.get("name") ?? "";
    if (request.method === "PUT") {
      const id = url.searchParams.get("blockid");
      if (id !== null) this.#blocks.set(id, body);
      else {
        const ids = [...body.toString().matchAll(/<Latest>(.*?)<\/Latest>/g)].map(
          ([, b = ""]) => b,
        );
        this.blobs.set(name, Buffer.concat(ids.map((b) => this.#blocks.get(b) ?? Buffer.alloc(0))));
      }
      response.writeHead(201, { etag: '"1"', "x-ms-request-id": "1", "x-ms-version": "1" }).end();
      return;
    }
    if (request.method === "GET") {
      const blob = Buffer.from(this.blobs.get(name) ?? "");
      // A byte of the archive's comment-free end: it still unpacks.
      if (this.lying) blob[10] = (blob[10] ?? 0) ^ 1;
      response.writeHead(200, { "content-type": "application/zip" }).end(blob);
      return;
    }
    const message = JSON.parse(body.toString()) as Record<string, string>;
    const wanted = message["name"] ?? "";
    const json = (status: number, value: object): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    };
    switch (url.pathname.split("/").at(-1)) {
      case "CreateArtifact":
        if (this.blobs.has(wanted))
          json(409, {
            code: "already_exists",
            msg: "an artifact with this name already exists on the workflow run",
          });
        else
          json(200, {
            ok: true,
            signed_upload_url: `${this.url}/account/container/blob?name=${wanted}`,
          });
        return;
      case "FinalizeArtifact":
        this.hashes.set(wanted, message["hash"] ?? "");
        json(200, { ok: true, artifact_id: String(this.#names().indexOf(wanted) + 1) });
        return;
      case "ListArtifacts":
        json(200, {
          artifacts: this.#names().map((known, index) => ({
            workflow_run_backend_id: "run",
            workflow_job_run_backend_id: "job",
            database_id: String(index + 1),
            name: known,
            size: String(this.blobs.get(known)?.length),
            digest: this.hashes.get(known),
          })),
        });
        return;
      case "GetSignedArtifactURL":
        json(200, { signed_url: `${this.url}/account/container/blob?name=${wanted}` });
        return;
      default:
        json(404, { code: "not_found", msg: url.pathname });
    }
  }

  #names(): string[] {
    return [...this.blobs.keys()];
  }
}

const saved = { ...process.env };
const service = new Service();
let artifacts: Artifacts;

beforeAll(async () => {
  await new Promise<void>((done) => service.server.listen(0, "127.0.0.1", done));
  const scope = Buffer.from(JSON.stringify({ scp: "Actions.Results:run:job" })).toString(
    "base64url",
  );
  process.env["ACTIONS_RUNTIME_TOKEN"] = `e30.${scope}.x`;
  process.env["ACTIONS_RESULTS_URL"] = `${service.url}/`;
  delete process.env["GITHUB_SERVER_URL"];
  // The client tells its story on standard output.
  jest.spyOn(process.stdout, "write").mockImplementation(() => true);
  artifacts = runArtifacts(process.env);
});

afterEach(() => {
  service.lying = false;
  service.hanging = false;
});

afterAll(async () => {
  jest.restoreAllMocks();
  process.env = saved;
  service.server.closeAllConnections();
  await new Promise((done) => service.server.close(done));
});

async function upload(
  name: string,
  texts: Record<string, string>,
): ReturnType<Artifacts["upload"]> {
  const root = tempFolder();
  const files = Object.entries(texts).map(([path, text]) => {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
    return join(root, path);
  });
  return artifacts.upload(name, files, root);
}

async function only(prefix: string): Promise<Artifact> {
  const list = await artifacts.list(prefix);
  const [artifact] = list.kind === "listed" ? list.artifacts : [];
  if (artifact === undefined) throw new Error("not listed");
  return artifact;
}

describe("runArtifacts", () => {
  it("brings files back as they were, below the folder asked for", async () => {
    const uploaded = await upload("plan-1", { "a.txt": "one", "deep/b.txt": "two" });
    expect(uploaded).toMatchObject({ kind: "uploaded", artifact: { name: "plan-1" } });
    const artifact = await only("plan-");
    expect(artifact.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    const folder = join(tempFolder(), "new", "folder");
    expect(await artifacts.download(artifact, folder)).toEqual({ kind: "downloaded", folder });
    expect(readFileSync(join(folder, "a.txt"), "utf8")).toBe("one");
    expect(readFileSync(join(folder, "deep/b.txt"), "utf8")).toBe("two");
    expect(readdirSync(join(folder, ".."))).toEqual(["folder"]);
  });

  it("lists what begins with the prefix, newest first", async () => {
    await upload("results-a", { x: "1" });
    await upload("results-b", { x: "2" });
    const list = await artifacts.list("results-");
    expect(list.kind === "listed" && list.artifacts.map(({ name }) => name)).toEqual([
      "results-b",
      "results-a",
    ]);
  });

  it("says that a name is taken", async () => {
    await upload("twice", { x: "1" });
    expect(await upload("twice", { x: "2" })).toEqual({ kind: "exists", name: "twice" });
  });

  it("lands nothing whose digest is not what the service says", async () => {
    await upload("altered", { x: "1" });
    service.lying = true;
    const folder = join(tempFolder(), "target");
    expect(await artifacts.download(await only("altered"), folder)).toMatchObject({
      kind: "mismatch",
    });
    expect(existsSync(folder)).toBe(false);
  });

  it("waits once for a service that hangs, and asks it no more", async () => {
    await upload("before", { x: "1" });
    const known = await only("before");
    service.hanging = true;
    let givenUp = 0;
    const bounded = runArtifacts(process.env, { callMs: 500, onGivenUp: () => givenUp++ });
    const away = {
      kind: "unavailable",
      detail: "the artifact service did not answer within 0.5 s",
    };
    expect(await bounded.list("")).toEqual(away);
    service.hanging = false;
    expect(await bounded.upload("after", [], "/")).toEqual(away);
    expect(await bounded.download(known, join(tempFolder(), "x"))).toEqual(away);
    expect(givenUp).toBe(1);
    // Its own, so that nothing of the call is left behind.
    service.server.closeAllConnections();
  });

  it.each(["ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL"])(
    "is unavailable without %s, and says so",
    async (name) => {
      const away = runArtifacts({ ...process.env, [name]: "" });
      const answer = { kind: "unavailable", detail: expect.stringContaining(name) };
      expect(await away.list("")).toEqual(answer);
      expect(await away.upload("a", [], "/")).toEqual(answer);
      expect(
        await away.download({ id: 1, name: "a", size: 1, digest: undefined }, "/nowhere"),
      ).toEqual(answer);
    },
  );
});
