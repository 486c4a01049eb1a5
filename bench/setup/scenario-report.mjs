// One table per scenario, with the answer that a scenario asks for.
import { PERSISTENT } from "./candidates.mjs";
import { median, megabytes, seconds, spread, table } from "./statistics.mjs";

export function printScenario(bench, plan, all) {
  if (plan.skip !== undefined) {
    console.log(`\n### ${plan.name}: left out, ${plan.skip}`);
    return;
  }
  console.log(`\n### ${plan.name}: ${plan.title}\n`);
  const samples = all.filter(({ scenario }) => scenario === plan.name);
  const of = (name) => samples.filter(({ candidate }) => candidate === name);
  const floor = of(PERSISTENT).map(({ wallMs }) => wallMs);
  const rows = bench.candidates
    .map(({ name }) => [name, of(name)])
    .filter(([, own]) => own.length > 0)
    .map(([name, own]) => {
      const middle = (key) => median(own.map((each) => each[key]));
      const walls = own.map(({ wallMs }) => wallMs);
      const multiple = floor.length === 0 ? "" : (median(walls) / median(floor)).toFixed(2);
      return [
        name,
        spread(
          walls.map((ms) => ms / 1000),
          1,
        ),
        multiple,
        ...["setupMs", "commandMs", "postMs", "cpuMs"].map((key) => seconds(middle(key))),
        ...["down", "up", "moduleBytes"].map((key) => megabytes(middle(key))),
        middle("requests"),
        middle("files"),
        middle("newOutputs"),
        `${median(own.map(({ tests }) => tests.cached.length))} / ${median(own.map(({ tests }) => tests.ran.length))}`,
        megabytes(Math.max(...own.map(({ peakBytes }) => peakBytes))),
      ];
    });
  console.log(
    table(
      [
        "candidate",
        "wall s",
        "× persistent",
        "set-up",
        "commands",
        "post",
        "CPU",
        "MB down",
        "MB up",
        "module MB",
        "requests",
        "files",
        "new outputs",
        "cached / ran",
        "peak MB",
      ],
      rows,
    ),
  );
  for (const { candidate, result } of samples) {
    if (result !== "success") console.log(`\n${candidate}: the job's result is ${result}`);
  }
  if (plan.mustRun !== undefined) printMustRun(plan, samples);
}

/** A result of before the edit would be a wrong one. */
function printMustRun({ mustRun }, samples) {
  console.log("");
  for (const name of new Set(samples.map(({ candidate }) => candidate))) {
    const own = samples.filter(({ candidate }) => candidate === name);
    const has = (list) => list.some((each) => each.endsWith(`/${mustRun}`));
    const stale = own.filter(({ tests }) => has(tests.cached)).length;
    const fresh = own.filter(({ tests }) => has(tests.ran)).length;
    const verdict =
      stale > 0 ? `STALE RESULT in ${stale}` : fresh === own.length ? "ok" : "no result";
    console.log(
      `- ${name}: the edited file's test ran in ${fresh} of ${own.length} rounds: ${verdict}`,
    );
  }
}
