// S1–S7, S9, S10: one state of the caches, one job, several rounds in turn.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { bump, READER } from "./history.mjs";
import { measuredJob, startCache } from "./job.mjs";
import { copyTree, git, prepareGo, wipe } from "./machine.mjs";

/**
 * What is to be measured: jobs that fill the caches, then the job.
 * @returns {{ name: string, title: string, seeds: object[], job: object }[]} with `skip` in place
 *   of jobs where a scenario cannot be had
 */
export function scenarioPlans(bench, commits) {
  const { folders, go, options } = bench;
  const at = (sha, more = {}) => ({ sha, go, ...more });
  const base = at(commits.base);
  const plans = [
    { name: "S1", title: "cold", seeds: [], job: base },
    { name: "S2", title: "the same commit", seeds: [base], job: base },
    {
      name: "S3",
      title: `an edit of ${commits.leafPackage}`,
      seeds: [base],
      job: at(commits.leaf),
    },
    {
      name: "S4",
      title: `an edit of ${commits.rootPackage}`,
      seeds: [base],
      job: at(commits.root),
    },
  ];
  const bumped = bump(folders, options.until);
  plans.push(
    bumped === undefined
      ? { name: "S5", skip: "the modules never changed" }
      : {
          name: "S5",
          title: "other versions of modules",
          seeds: [at(bumped.before)],
          job: at(bumped.after),
        },
  );
  if (options.scenarios.includes("S6")) plans.push(otherGo(bench, commits));
  const vet = { vet: "go vet ./..." };
  plans.push({
    name: "S7",
    title: "test beside a lint job that ended first",
    seeds: [
      at(commits.base, { id: "lint", commands: vet }),
      at(commits.base, { blind: true }),
      at(commits.leaf, { id: "lint", commands: vet }),
    ],
    job: at(commits.leaf),
  });
  plans.push({
    name: "S9",
    title: "modules are there before",
    seeds: [base],
    job: at(commits.base, { prepare: (machine) => someModules(bench, commits.base, machine) }),
  });
  plans.push({
    name: "S10",
    title: "an edit of a test's file at the same size",
    seeds: [base],
    job: at(commits.sameSize),
    mustRun: READER,
  });
  return plans.filter(({ name }) => options.scenarios.includes(name));
}

function otherGo(bench, commits) {
  const [line, patch] = [bench.go.version.replace(/\.\d+$/, ""), bench.go.version.split(".")[2]];
  const version = bench.options.otherGo ?? `${line}.${Number(patch) - 1}`;
  try {
    const before = prepareGo(bench.folders, version);
    return {
      name: "S6",
      title: `Go ${version} before`,
      seeds: [{ sha: commits.base, go: before }],
      job: { sha: commits.base, go: bench.go },
    };
  } catch (error) {
    return { name: "S6", skip: `Go ${version} cannot be had: ${error.message.split("\n")[0]}` };
  }
}

/** Some modules of the commit, read-only, as a step before would leave them. */
async function someModules({ folders, go }, sha, { caches, env, home }) {
  const list = git(["-C", folders.source, "show", `${sha}:go.mod`]);
  const wanted = [...list.matchAll(/^(?:require )?\s*([\w.-]+\.\w+\/\S+) (v\S+)/gm)]
    .slice(0, 5)
    .map(([, path, version]) => `${path}@${version}`);
  if (wanted.length === 0) return;
  await promisify(execFile)(join(go.bin, "go"), ["mod", "download", ...wanted], {
    cwd: folders.work,
    env: {
      HOME: home,
      PATH: process.env.PATH,
      GOMODCACHE: caches.modules,
      GOPROXY: env.GOPROXY,
      GOTOOLCHAIN: "local",
      GONOSUMDB: "*",
    },
  });
}

/** Runs a scenario; seeds are shared with those that begin alike. */
export async function scenario(bench, plan) {
  const samples = [];
  for (const candidate of bench.candidates) {
    if (!bench.late()) samples.push(...(await seed(bench, candidate, plan.seeds)));
  }
  for (let round = 0; round < bench.options.rounds && !bench.late(); round++) {
    const order = round % 2 === 0 ? bench.candidates : [...bench.candidates].reverse();
    for (const candidate of order) {
      if (bench.late()) break;
      const state = statePath(bench, candidate, plan.seeds);
      if (plan.seeds.length > 0 && !existsSync(state)) continue;
      const sample = await fromState(bench, candidate, state, plan.job);
      samples.push({ scenario: plan.name, round, ...sample });
      bench.progress(`${plan.name} ${round + 1}/${bench.options.rounds}`, sample);
    }
  }
  return samples;
}

function statePath({ folders, states }, candidate, seeds) {
  const id = JSON.stringify([
    candidate.name,
    ...seeds.map(({ sha, id, go }) => [sha, id, go.version]),
  ]);
  if (!states.has(id)) states.set(id, states.size);
  return join(folders.states, String(states.get(id)));
}

/** Fills a candidate's caches as the seeds say, once. */
async function seed(bench, candidate, seeds) {
  const state = statePath(bench, candidate, seeds);
  if (seeds.length === 0 || existsSync(state)) return [];
  const before = seeds.slice(0, -1);
  const samples = await seed(bench, candidate, before);
  const from = statePath(bench, candidate, before);
  const sample = await fromState(bench, candidate, from, seeds.at(-1), state);
  bench.progress("fill", sample);
  return [...samples, { scenario: "seed", ...sample }];
}

/** A job on a copy of a state, which may be kept. */
async function fromState(bench, candidate, state, job, keep) {
  const { folders } = bench;
  const services = join(folders.services, "scenario");
  await wipe(services, folders.persistent.home, folders.persistent.workspace);
  if (existsSync(state)) {
    await copyTree(join(state, "services"), services);
    if (candidate.persistent) {
      await copyTree(join(state, "home"), folders.persistent.home);
      await copyTree(join(state, "workspace"), folders.persistent.workspace);
    }
  }
  const cache = await startCache(bench, services);
  try {
    const sample = await measuredJob(bench, candidate, cache, job);
    if (keep !== undefined) {
      await copyTree(services, join(keep, "services"));
      if (candidate.persistent) {
        await copyTree(folders.persistent.home, join(keep, "home"));
        await copyTree(folders.persistent.workspace, join(keep, "workspace"));
      }
    }
    return sample;
  } finally {
    await cache.close();
  }
}
