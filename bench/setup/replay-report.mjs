// What a replay says: every candidate as a multiple of the floors, the goals, and where the time
// of setup-go-cached goes.
import { OURS, PERSISTENT, RECIPE, SETUP_GO } from "./candidates.mjs";
import { AGES } from "./replay.mjs";
import { goal, median, megabytes, seconds, spread, sum, table } from "./statistics.mjs";

export function printReplay(bench, all) {
  const samples = all.filter(({ scenario, index }) => scenario === "S8" && index > 0);
  const names = [...new Set(samples.map(({ candidate }) => candidate))];
  const of = (name) => samples.filter(({ candidate }) => candidate === name);
  const floor = new Map(of(PERSISTENT).map((sample) => [sample.index, sample]));
  const commits = new Set(samples.map(({ index }) => index)).size;
  console.log(`### S8: replay of ${commits} commits\n`);
  if (commits === 0) return;
  console.log(
    table(
      [
        "candidate",
        "wall s, median",
        "× persistent machine",
        "× that + bytes",
        "× its CPU",
        "total s",
        "MB down",
        "MB up",
        "requests",
        "module MB",
        "new outputs",
        "tests cached / ran",
        "peak MB",
      ],
      names.map((name) => {
        const own = of(name);
        const ratios = own.map((each) => each.wallMs / floor.get(each.index).wallMs);
        const second = own.map(
          (each) => each.wallMs / (floor.get(each.index).wallMs + each.floorMs),
        );
        return [
          name,
          seconds(median(own.map(({ wallMs }) => wallMs))),
          spread(ratios),
          spread(second),
          spread(own.map((each) => each.cpuMs / floor.get(each.index).cpuMs)),
          seconds(sum(own.map(({ wallMs }) => wallMs))),
          ...["down", "up"].map((key) => megabytes(sum(own.map((each) => each[key])))),
          sum(own.map(({ requests }) => requests)),
          megabytes(sum(own.map(({ moduleBytes }) => moduleBytes))),
          sum(own.map(({ newOutputs }) => newOutputs)),
          `${sum(own.map(({ tests }) => tests.cached.length))} / ${sum(own.map(({ tests }) => tests.ran.length))}`,
          megabytes(Math.max(...own.map(({ peakBytes }) => peakBytes))),
        ];
      }),
    ),
  );
  const broken = samples.filter(({ result }) => result !== "success");
  for (const { candidate, index, result } of broken)
    console.log(`\n${candidate}, commit ${index}: ${result}`);
  printStored(all, names);
  printGoals(bench, of, floor);
  printStages(of, names);
  printPhases(of(OURS));
}

/** Live bytes in the cache after some of the commits. */
function printStored(all, names) {
  const last = Math.max(...all.map(({ index }) => index ?? 0));
  const marks = [0, 1, 5, 10, 20, 30].filter((mark) => mark < last).concat(last);
  const rows = names
    .filter((name) => name !== PERSISTENT && !name.includes(","))
    .map((name) => [
      name,
      ...marks.map((mark) => {
        const found = all.find(
          (each) => each.scenario === "S8" && each.candidate === name && each.index === mark,
        );
        return found === undefined ? "" : `${megabytes(found.storedBytes)} in ${found.entries}`;
      }),
    ]);
  console.log(`\nMB stored after so many commits\n`);
  console.log(table(["candidate", ...marks.map(String)], rows));
}

function printGoals(bench, of, floor) {
  const ours = of(OURS);
  const byIndex = new Map(ours.map((sample) => [sample.index, sample]));
  const total = (name) => sum(of(name).map(({ wallMs }) => wallMs));
  const ratio = (value, other) => (other === 0 || value === 0 ? undefined : value / other);
  const against = (name) => {
    const ratios = of(name)
      .filter(({ index }) => byIndex.has(index))
      .map((each) => byIndex.get(each.index).wallMs / each.wallMs);
    return ratios.length === 0 ? undefined : median(ratios);
  };
  const fast = bench.options.net.bytesPerSecond >= 500e6;
  const stored = (name) => of(name).at(-1)?.storedBytes ?? 0;
  const added = (name) => sum(of(name).map(({ up }) => up));
  const lines = [
    goal("median, × persistent machine", against(PERSISTENT), fast ? 1.25 : 1.4),
    ...AGES.map((age) =>
      goal(
        `median, × setup-go with a cache ${age} old`,
        against(`${SETUP_GO}, ${age} old`),
        age === 1 ? 0.75 : 0.5,
      ),
    ),
    goal("total, × setup-go", ratio(total(OURS), total(SETUP_GO)), 0.45),
    goal("total, × recipe", ratio(total(OURS), total(RECIPE)), 0.85),
    goal("stored bytes, × recipe", ratio(stored(OURS), stored(RECIPE)), 0.25),
    goal("uploaded bytes, × recipe", ratio(added(OURS), added(RECIPE)), 0.25),
    goal("test results that hit, of those that could", hits(ours, floor), 0.95, true),
    goal("peak memory in MB", Math.max(...ours.map(({ peakBytes }) => peakBytes)) / 1e6, 250),
  ];
  console.log(`\n${lines.map((line) => `- ${line}`).join("\n")}`);
}

/** Of the packages whose results the persistent machine found, the part that was found here. */
function hits(ours, floor) {
  let could = 0;
  let did = 0;
  for (const { index, tests } of ours) {
    const cached = new Set(tests.cached);
    for (const name of floor.get(index).tests.cached) {
      could += 1;
      if (cached.has(name)) did += 1;
    }
  }
  return could === 0 ? undefined : did / could;
}

function printStages(of, names) {
  const rows = names.map((name) => {
    const middle = (key) => seconds(median(of(name).map((each) => each[key])));
    return [name, ...["setupMs", "commandMs", "postMs", "ownCpuMs"].map(middle)];
  });
  console.log(`\nMedians in seconds\n`);
  console.log(table(["candidate", "set-up", "commands", "post", "CPU of set-up and post"], rows));
}

/** Phases overlap: each tells when it began after the job did, and how long it took. */
function printPhases(ours) {
  const phases = new Map();
  for (const { timeline } of ours) {
    for (const { stage, phase, ms, at } of timeline) {
      const name = `${stage}: ${phase}`;
      if (!phases.has(name)) phases.set(name, { ms: [], at: [] });
      phases.get(name).ms.push(ms);
      phases.get(name).at.push(at);
    }
  }
  if (phases.size === 0) return;
  console.log(`\nWhere the time of ${OURS} goes (seconds)\n`);
  console.log(
    table(
      ["phase", "begins", "takes", "in so many jobs"],
      [...phases].map(([name, { ms, at }]) => [
        name,
        name.startsWith("main") ? (median(at) / 1000).toFixed(2) : "",
        spread(ms.map((each) => each / 1000)),
        ms.length,
      ]),
    ),
  );
}
