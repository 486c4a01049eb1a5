// `npm run bench [-- name …]`: one benchmark per claim. Ratios and counters, never absolute times
// alone; losses are printed like gains. What begins with a dash, and all after it, is for the
// benchmark named before it.
const BENCHES = {
  "start-up": "./start-up.mjs",
  tarball: "./tarball.mjs",
  "second-run": "./second-run.mjs",
  overhead: "./overhead.mjs",
  setup: "./setup.mjs",
  restore: "./restore.mjs",
};
/** They need a repository to be given. */
const ON_DEMAND = new Set(["setup"]);

const given = process.argv.slice(2);
const dash = given.findIndex((argument) => argument.startsWith("-"));
const wanted = dash < 0 ? given : given.slice(0, dash);
const further = dash < 0 ? [] : given.slice(dash);
const names =
  wanted.length > 0 ? wanted : Object.keys(BENCHES).filter((name) => !ON_DEMAND.has(name));
for (const name of names) {
  const file = BENCHES[name];
  if (file === undefined) {
    console.error(`no benchmark is called ${name}; there are: ${Object.keys(BENCHES).join(", ")}`);
    process.exit(2);
  }
  console.log(`\n## ${name}\n`);
  const { run } = await import(file);
  await run(names.length === 1 ? further : []);
}
