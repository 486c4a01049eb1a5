// `npm run bench -- setup --repo DIR …`: a job with setup-go-cached beside setup-go, the best cache
// recipe and a machine that keeps everything, on a repository's own history. Same work, same runner
// side, same cache service behind the same line; losses are printed like gains.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, toolsFolder } from "../scripts/toolchain.mjs";
import { candidates } from "./setup/candidates.mjs";
import { edits, replayCommits } from "./setup/history.mjs";
import { cloneSource, git, layout, prepareGo, wipe } from "./setup/machine.mjs";
import { fetchModules } from "./setup/modules.mjs";
import { HELP, readOptions } from "./setup/options.mjs";
import { printReplay } from "./setup/replay-report.mjs";
import { replay } from "./setup/replay.mjs";
import { printScenario } from "./setup/scenario-report.mjs";
import { scenario, scenarioPlans } from "./setup/scenarios.mjs";
import { megabytes, seconds } from "./setup/statistics.mjs";

export async function run(argv) {
  const options = readOptions(argv);
  if (options.help) {
    console.log(HELP);
    return;
  }
  const work = options.work ?? mkdtempSync(join(tmpdir(), "bench-setup-"));
  mkdirSync(work, { recursive: true });
  try {
    await measure(options, work);
  } finally {
    if (options.work === undefined) await wipe(work);
  }
}

async function measure(options, work) {
  const started = performance.now();
  const say = (line) =>
    console.error(`${seconds(performance.now() - started).padStart(7)} ${line}`);
  const folders = layout(work, options.store);
  await wipe(folders.states);
  cloneSource(options.repo, folders);
  const bench = {
    options,
    folders,
    say,
    go: prepareGo(folders, options.go),
    modules: options.modules ?? join(toolsFolder(), "bench-modules"),
    commands:
      options.command === undefined
        ? { build: "go build ./...", test: "go test ./..." }
        : { test: options.command },
    states: new Map(),
    late: () => performance.now() - started > options.minutes * 60_000,
    progress: (what, sample) => say(progressLine(what, sample)),
  };
  bench.candidates = candidates(options, folders, root, say);
  const samples = [];
  const keep = () => {
    if (options.json !== undefined)
      writeFileSync(options.json, JSON.stringify({ options, samples }));
  };
  const head = git(["-C", folders.source, "rev-parse", `${options.until}^{commit}`]);
  console.log(
    `${options.repo} at ${head.slice(0, 12)}, Go ${bench.go.version}, line ${options.netText}, ` +
      `${Object.values(bench.commands).join(" && ")}\n`,
  );
  if (options.scenarios.includes("S8")) {
    const shas = replayCommits(folders, options);
    await fetchModules(folders, bench.modules, shas, bench.go, say);
    samples.push(...(await replay(bench, shas)));
    keep();
    printReplay(bench, samples);
  }
  if (options.scenarios.some((name) => name !== "S8")) {
    await fetchModules(folders, bench.modules, [head], bench.go, say);
    const commits = await edits(folders, head, bench.go, bench.modules);
    for (const plan of scenarioPlans(bench, commits)) {
      if (plan.skip === undefined) {
        const shas = [...plan.seeds, plan.job].map(({ sha }) => sha);
        await fetchModules(folders, bench.modules, shas, bench.go, say);
        samples.push(...(await scenario(bench, plan)));
        keep();
      }
      printScenario(bench, plan, samples);
    }
  }
  keep();
}

function progressLine(what, sample) {
  const { candidate, result, wallMs, setupMs, commandMs, postMs, down, up, tests } = sample;
  const parts = `set-up ${seconds(setupMs)}, commands ${seconds(commandMs)}, post ${seconds(postMs)}`;
  const traffic = `${megabytes(down)} MB down, ${megabytes(up)} MB up`;
  const line = `${what} ${candidate}: ${seconds(wallMs)} s (${parts}), ${traffic}, ${tests.cached.length} cached, ${tests.ran.length} ran`;
  if (result === "success") return line;
  return `${line}\n  the job's result is ${result}:\n    ${sample.problems.slice(-15).join("\n    ")}`;
}
