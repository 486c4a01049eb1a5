// What the toolkit's real clients do with the services: `node toolkit-client.mjs <file>`. The file
// holds a JSON list of calls; each result is written back as JSON, an error as `{ error }`.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { DefaultArtifactClient } from "@actions/artifact";
import * as cache from "@actions/cache";
import * as core from "@actions/core";

const artifacts = new DefaultArtifactClient();
const workspace = process.env.GITHUB_WORKSPACE;
const calls = {
  save: async ({ paths, key }) => cache.saveCache(paths, key),
  restore: async ({ paths, key, restoreKeys }) =>
    (await cache.restoreCache(paths, key, restoreKeys)) ?? null,
  remove: async ({ path }) => rmSync(path, { recursive: true, force: true }),
  read: async ({ path }) => readFileSync(path, "utf8"),
  upload: async ({ name, files }) => {
    const absolute = files.map((file) => resolve(workspace, file));
    const { size, digest } = await artifacts.uploadArtifact(name, absolute, workspace);
    return { size, digest };
  },
  list: async () => (await artifacts.listArtifacts()).artifacts.map(({ name }) => name),
  download: async ({ name, path }) => {
    const { artifact } = await artifacts.getArtifact(name);
    const expectedHash = artifact.digest;
    const { digestMismatch } = await artifacts.downloadArtifact(artifact.id, {
      path,
      expectedHash,
    });
    return { digestMismatch };
  },
  identity: async ({ audience }) => {
    const [, claims] = (await core.getIDToken(audience)).split(".");
    return JSON.parse(Buffer.from(claims, "base64url").toString("utf8"));
  },
};

process.chdir(workspace);
const file = process.argv[2];
const results = [];
for (const { call, ...given } of JSON.parse(readFileSync(file, "utf8"))) {
  try {
    results.push((await calls[call](given)) ?? null);
  } catch (error) {
    results.push({ error: error.message });
  }
}
writeFileSync(file, JSON.stringify(results));
