// `npm run bench -- restore [--peers DIR] [--net 0ms/10000MB] [--megabytes 1100] [--entries 8500]`:
// one large build cache is brought back by setup-go-cached, by setup-go and by `tar` and `zstd` from a
// file. Claim: at most 250 MB of memory; wall and processor time are printed as they are.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../scripts/toolchain.mjs";
import { candidates } from "./setup/candidates.mjs";
import { measuredJob, startCache } from "./setup/job.mjs";
import { cloneSource, git, layout, prepareGo, wipe } from "./setup/machine.mjs";
import { readOptions } from "./setup/options.mjs";
import { goal, median, megabytes, spread, table } from "./setup/statistics.mjs";

const TAR = "tar and zstd from a file";

export async function run(argv) {
  const { own, rest } = ownArguments(argv, { "--megabytes": 1100, "--entries": 8500 });
  const net = rest.includes("--net") ? [] : ["--net", "0ms/10000MB"];
  const options = readOptions(["--repo", ".", ...net, ...rest]);
  const work = options.work ?? mkdtempSync(join(tmpdir(), "bench-restore-"));
  mkdirSync(work, { recursive: true });
  try {
    await measure(options, work, own);
  } finally {
    if (options.work === undefined) await wipe(work);
  }
}

async function measure(options, work, own) {
  const folders = layout(work, options.store);
  await wipe(folders.services);
  mkdirSync(folders.services);
  const go = prepareGo(folders, options.go);
  const sha = tinyRepository(folders, join(work, "tiny"));
  const bench = { options, folders, go, modules: join(work, "modules"), commands: {} };
  const fill = `"${process.execPath}" "${join(root, "bench/setup/synthetic-cache.mjs")}" "$HOME/.cache/go-build" ${own["--entries"]} ${own["--megabytes"]}`;
  const archive = join(folders.services, "cache.tar.zst");
  const tar = {
    fill: `${fill} && tar -cf - -C "$HOME" .cache/go-build | zstd -q -T0 --long=30 -f -o "${archive}"`,
    restore: `mkdir -p "$HOME" && zstd -q -d --long=30 -c "${archive}" | tar -xf - -C "$HOME"`,
  };
  const all = candidates(options, folders, root, (line) => console.error(line))
    .filter(({ name, persistent }) => !persistent && !name.includes("recipe"))
    .map((candidate) => ({ candidate, fill: { fill }, commands: {}, main: "setup" }));
  all.push({
    candidate: { name: TAR, persistent: false, steps: () => [] },
    fill: { fill: tar.fill },
    commands: { restore: tar.restore },
    main: "restore",
  });

  const caches = new Map();
  const samples = new Map(all.map(({ candidate }) => [candidate.name, []]));
  for (const { candidate, fill: commands } of all) {
    const cache = await startCache(bench, join(folders.services, candidate.name));
    caches.set(candidate.name, cache);
    const sample = await measuredJob(bench, candidate, cache, { sha, go, commands });
    console.error(`${candidate.name}: filled, ${megabytes(sample.up)} MB up, ${sample.result}`);
    if (sample.result !== "success") throw new Error(sample.problems.join("\n"));
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const { candidate, commands, main } of round % 2 === 0 ? all : [...all].reverse()) {
      const cache = caches.get(candidate.name);
      const sample = await measuredJob(bench, candidate, cache, { sha, go, commands });
      const stage = sample.stages.find(({ step }) => step === main);
      samples.get(candidate.name).push({ ...sample, ...stage });
      const line = `${stage.ms} ms, CPU ${stage.cpuMs} ms, ${sample.files} files`;
      console.error(`${round + 1}/${options.rounds} ${candidate.name}: ${line}`);
    }
  }
  for (const cache of caches.values()) await cache.close();
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify([...samples]));
  print(samples, own, options);
}

function print(samples, own, options) {
  console.log(
    `${own["--entries"]} entries, ${own["--megabytes"]} MB, line ${options.netText} (not for tar)\n`,
  );
  const base = median(samples.get(TAR).map(({ ms }) => ms));
  const rows = [...samples].map(([name, own]) => [
    name,
    spread(own.map(({ ms }) => ms / 1000)),
    (median(own.map(({ ms }) => ms)) / base).toFixed(2),
    spread(own.map(({ cpuMs }) => cpuMs / 1000)),
    megabytes(median(own.map(({ down }) => down))),
    median(own.map(({ files }) => files)),
    megabytes(Math.max(...own.map(({ peakBytes }) => peakBytes))),
  ]);
  console.log(
    table(["candidate", "wall s", "× tar", "CPU s", "MB down", "files", "peak MB"], rows),
  );
  const peak = Math.max(...[...samples.values()][0].map(({ peakBytes }) => peakBytes));
  console.log(`\n- ${goal("peak memory in MB", peak / 1e6, 250)}`);
}

/** Takes this benchmark's own numbers out of the arguments. */
function ownArguments(argv, own) {
  const rest = [...argv];
  const values = { ...own };
  for (const name of Object.keys(own)) {
    const at = rest.indexOf(name);
    if (at >= 0) values[name] = Number(rest.splice(at, 2)[1]);
  }
  return { own: values, rest };
}

/** A module without dependencies; the commit's id. */
function tinyRepository(folders, folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "go.mod"), "module example.com/acme/orders\n\ngo 1.24\n");
  writeFileSync(join(folder, "go.sum"), "");
  writeFileSync(join(folder, "orders.go"), "package orders\n");
  const at = (...args) =>
    git(["-C", folder, "-c", "user.name=bench", "-c", "user.email=b@example.com", ...args]);
  at("init", "-q", "-b", "main");
  at("add", "-A");
  at("commit", "-q", "--allow-empty", "-m", "orders");
  cloneSource(folder, folders);
  return at("rev-parse", "HEAD");
}
