// The command line of `npm run bench -- setup …`.
import { resolve } from "node:path";

export const SCENARIOS = ["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10"];

export const HELP = `npm run bench -- setup --repo DIR [options]

  --repo DIR           git folder of a Go module, bare or with a work tree (nothing is written to it)
  --commits N          commits of the replay (30); --tags takes consecutive tags in their place
  --all-commits        also commits that touch no Go file
  --until REF          newest commit of the replay (HEAD)
  --bundle DIR         checkout whose setup-go-cached is measured (this one); several by commas
  --peers DIR          folder with checkouts of the peers: setup-go, cache
  --net LATENCY/RATE   line to the cache and the modules, 20ms/150MB (there and back, per second)
  --scenario A,B       of ${SCENARIOS.join(", ")} (S8: the replay); all by default
  --rounds R           rounds of each scenario (3); the replay runs once
  --aged-every K       at each K-th commit of the replay also setup-go with a cache that is 1 and
                       20 commits old, each filled by a cold job (0: never)
  --command TEXT       what the job does ("go build ./..." and "go test ./...")
  --go VERSION         Go of the job (that of the machine); --other-go VERSION for S6
  --work DIR           where the machines are (a temporary folder, removed at the end)
  --store DIR          where the cache service keeps its entries (below --work)
  --modules DIR        modules as they come from a proxy, kept from run to run
  --minutes M          starts no job after so long (120)
  --json FILE          raw data
`;

/** @throws Error with everything that is wrong with the arguments */
export function readOptions(argv) {
  const flags = { "--tags": false, "--all-commits": false, "--help": false };
  const values = {};
  const problems = [];
  const known =
    /^--(repo|commits|until|bundle|peers|net|scenario|rounds|aged-every|command|go|other-go|work|store|modules|minutes|json)$/;
  for (let at = 0; at < argv.length; at++) {
    const name = argv[at];
    if (name in flags) flags[name] = true;
    else if (!known.test(name)) problems.push(`unknown argument ${name}`);
    else if (argv[at + 1] === undefined) problems.push(`${name} needs a value`);
    else values[name.slice(2)] = argv[++at];
  }
  const number = (name, otherwise) => {
    const value = Number(values[name] ?? otherwise);
    if (!Number.isFinite(value) || value < 0) problems.push(`--${name} is no number`);
    return value;
  };
  const path = (name) => (values[name] === undefined ? undefined : resolve(values[name]));
  const net = readLine(values.net ?? "20ms/150MB");
  if (net === undefined) problems.push("--net looks like 20ms/150MB");
  const scenarios = (values.scenario ?? SCENARIOS.join(",")).split(",");
  for (const name of scenarios) {
    if (!SCENARIOS.includes(name)) problems.push(`there is no scenario ${name}`);
  }
  if (values.repo === undefined && !flags["--help"]) problems.push("--repo is missing");
  const options = {
    help: flags["--help"],
    tags: flags["--tags"],
    allCommits: flags["--all-commits"],
    repo: path("repo"),
    commits: number("commits", 30),
    until: values.until ?? "HEAD",
    bundles: values.bundle?.split(",").map((each) => resolve(each)),
    peers: path("peers"),
    net,
    netText: values.net ?? "20ms/150MB",
    scenarios,
    rounds: number("rounds", 3),
    agedEvery: number("aged-every", 0),
    command: values.command,
    go: values.go,
    otherGo: values["other-go"],
    work: path("work"),
    store: path("store"),
    modules: path("modules"),
    minutes: number("minutes", 120),
    json: path("json"),
  };
  if (problems.length > 0) throw new Error(`${problems.join("\n")}\n\n${HELP}`);
  return options;
}

/** `20ms/150MB` → milliseconds there and back, bytes a second. */
function readLine(text) {
  const match = /^(\d+)ms\/(\d+)MB$/.exec(text);
  if (match === null) return undefined;
  return { roundTripMs: Number(match[1]), bytesPerSecond: Number(match[2]) * 1e6 };
}
