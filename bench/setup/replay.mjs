// S8: the last commits of a repository, one job each, as pushes to the default branch.
import { join } from "node:path";
import { SETUP_GO } from "./candidates.mjs";
import { measuredJob, startCache } from "./job.mjs";
import { wipe } from "./machine.mjs";

/** Ages, in commits, of the caches that setup-go is also measured with. */
export const AGES = [1, 20];

/** Samples of all candidates, commit by commit, in turn (A B … B A); the first commit fills. */
export async function replay(bench, shas) {
  const { folders, candidates, say, late } = bench;
  await wipe(folders.persistent.home, folders.persistent.workspace);
  const caches = {};
  for (const { name } of candidates) {
    const folder = join(folders.services, `replay ${name}`);
    await wipe(folder);
    caches[name] = await startCache(bench, folder);
  }
  const samples = [];
  const persistent = candidates.find((each) => each.persistent);
  const others = candidates.filter((each) => each !== persistent);
  /** Commits whose jobs succeed; a red one would fill one candidate's cache and not another's. */
  const green = [];
  try {
    for (const sha of shas) {
      if (late()) {
        say(`the time is over: the replay ends after ${green.length} of ${shas.length} commits`);
        break;
      }
      const index = green.length;
      const run = async (candidate) => {
        const job = { sha, go: bench.go };
        const sample = await measuredJob(bench, candidate, caches[candidate.name], job);
        bench.progress(`replay ${index}/${shas.length - 1}`, sample);
        return { scenario: "S8", index, ...sample };
      };
      const floor = await run(persistent);
      if (floor.result !== "success") {
        say(`commit ${sha.slice(0, 9)} is left out: its job fails`);
        continue;
      }
      samples.push(floor);
      green.push(sha);
      for (const candidate of index % 2 === 0 ? others : [...others].reverse()) {
        samples.push(await run(candidate));
      }
      samples.push(...(await aged(bench, green, index)));
    }
  } finally {
    for (const cache of Object.values(caches)) await cache.close();
  }
  return samples;
}

/** setup-go on this commit with what a cold job saved some commits ago. */
async function aged(bench, shas, index) {
  const every = bench.options.agedEvery;
  const setupGo = bench.candidates.find(({ name }) => name === SETUP_GO);
  if (setupGo === undefined || every === 0 || index === 0 || index % every !== 0) return [];
  const samples = [];
  for (const age of AGES.filter((each) => each <= index)) {
    if (bench.late()) break;
    const folder = join(bench.folders.services, "aged");
    await wipe(folder);
    const cache = await startCache(bench, folder);
    const name = `${SETUP_GO}, ${age} old`;
    try {
      for (const sha of [shas[index - age], shas[index]]) {
        const sample = await measuredJob(bench, setupGo, cache, { sha, go: bench.go });
        const seed = sha !== shas[index];
        samples.push({ scenario: seed ? "aged seed" : "S8", index, ...sample, candidate: name });
        bench.progress(`${name} ${index}${seed ? " (fills)" : ""}`, sample);
      }
    } finally {
      await cache.close();
    }
  }
  return samples;
}
