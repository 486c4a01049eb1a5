// `npm test`: sets itself up and runs every layer whose real parts it can get; one line for each
// part left out and why. With GO_CICD_REQUIRE_ALL=1 nothing may be left out: what is missing is
// installed first, and what cannot be had is an error. Words after `--` select: `npm test -- unit`.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { tmpdir } from "node:os";
import { ensureParts } from "./parts.mjs";
import { ensureNode24, root } from "./toolchain.mjs";

const requireAll = process.env.GO_CICD_REQUIRE_ALL === "1";
const LAYERS = ["unit", "contract", "bundle", "tools", "workflow"];
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => name !== "static" && !LAYERS.includes(name));
if (unknown.length > 0) {
  console.error(
    `no layer is called ${unknown.join(", ")}; there are: static, ${LAYERS.join(", ")}`,
  );
  process.exit(2);
}
const runs = (name) => wanted.length === 0 || wanted.includes(name);

if (!installed()) await must("npm", ["ci"], process.env);
const node = await ensureNode24((line) => console.log(line));
const { folders, missing } = await ensureParts({
  installPackages: requireAll,
  log: (line) => console.log(line),
});
for (const [name, why] of missing) console.log(`left out: what needs ${name} (${why})`);
if (requireAll && missing.size > 0) {
  console.error("GO_CICD_REQUIRE_ALL=1 lets nothing be left out.");
  process.exit(1);
}
const env = {
  ...process.env,
  PATH: [join(node, ".."), ...folders, process.env.PATH].join(delimiter),
  GO_CICD_NODE: node,
};

let failed = 0;
if (runs("static")) {
  for (const [title, args] of [
    ["types", [bin("typescript/bin/tsc")]],
    ["lint", [bin("eslint/bin/eslint.js"), "."]],
    ["format", [bin("prettier/bin/prettier.cjs"), "--check", "--log-level=warn", "."]],
    ["unused", [bin("knip/bin/knip.js"), "--no-progress"]],
    ["metadata", ["scripts/docs.mjs", "--check"]],
    ["dist", ["scripts/build.mjs", "--check"]],
  ]) {
    const code = await run(node, args, env);
    console.log(`static: ${title}: ${code === 0 ? "ok" : "FAILED"}`);
    if (code !== 0) failed++;
  }
}

let counts = { passed: 0, failed: 0, skipped: 0 };
const layers = LAYERS.filter(runs);
if (layers.length > 0) {
  const report = join(tmpdir(), `go-cicd-tests-${process.pid}.json`);
  const code = await run(
    node,
    [
      "--experimental-vm-modules",
      "--no-warnings",
      bin("jest/bin/jest.js"),
      "--selectProjects",
      ...layers,
      "--json",
      `--outputFile=${report}`,
    ],
    env,
    // Jest prints its JSON on standard output as well; the words for people are on the other one.
    ["inherit", "ignore", "inherit"],
  );
  if (existsSync(report)) {
    const result = JSON.parse(readFileSync(report, "utf8"));
    counts = {
      passed: result.numPassedTests,
      // A suite that cannot be loaded has no tests, and must not count as none failed.
      failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
      skipped: result.numPendingTests,
    };
    rmSync(report, { force: true });
  }
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
}
if (requireAll && counts.skipped > 0) {
  console.error(
    `${counts.skipped} tests were skipped; GO_CICD_REQUIRE_ALL=1 lets nothing be left out.`,
  );
  failed++;
}
console.log(`${counts.passed} passed, ${counts.failed + failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed + failed > 0 ? 1 : 0;

/** True when node_modules is what the lock file says. */
function installed() {
  const marker = join(root, "node_modules/.package-lock.json");
  if (!existsSync(marker)) return false;
  const packages = (path) => JSON.parse(readFileSync(path, "utf8")).packages;
  const have = packages(marker);
  return Object.entries(packages(join(root, "package-lock.json"))).every(
    ([name, { version, optional, link }]) =>
      name === "" ||
      optional ||
      link ||
      !name.startsWith("node_modules/") ||
      have[name]?.version === version,
  );
}

function bin(path) {
  return join(root, "node_modules", path);
}

function run(file, args, env, stdio = "inherit") {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: root, env, stdio });
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

async function must(file, args, env) {
  const code = await run(file, args, env);
  if (code !== 0) process.exit(code);
}
