// What the caches save: `npm start` for the first time and again, each round with caches of its
// own. Counters: packages whose test results were cached, bytes restored.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "./measure.mjs";
import { npmStart } from "./npm-start.mjs";

const ROUNDS = 3;

export async function run() {
  const times = { first: [], second: [] };
  const steps = { first: {}, second: {} };
  for (let round = 0; round < ROUNDS; round++) {
    const cache = mkdtempSync(join(tmpdir(), "second-run-"));
    try {
      for (const which of ["first", "second"]) {
        const { durationMs, finished } = await npmStart([], { XDG_CACHE_HOME: cache });
        times[which].push(durationMs);
        for (const { job, step, stage, durationMs: ms, result } of finished) {
          (steps[which][`${job}/${step}/${stage}`] ??= { ms: [], result: "" }).ms.push(ms);
          steps[which][`${job}/${step}/${stage}`].result = result;
        }
      }
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  }
  const ratio = median(times.first) / median(times.second);
  console.log(
    `first ${seconds(times.first)} s, second ${seconds(times.second)} s: ${ratio.toFixed(2)} times as fast\n`,
  );
  console.log(
    `| step | first | second | ratio | second run says |\n| --- | ---: | ---: | ---: | --- |`,
  );
  for (const [name, { ms }] of Object.entries(steps.first)) {
    const again = steps.second[name];
    if (again === undefined) continue;
    console.log(
      `| ${name} | ${seconds(ms)} s | ${seconds(again.ms)} s | ${(median(ms) / median(again.ms)).toFixed(2)} | ${again.result} |`,
    );
  }
}

function seconds(values) {
  return (median(values) / 1000).toFixed(1);
}
