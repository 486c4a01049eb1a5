// What a door costs before it does anything: its bundle reads its inputs, finds one wrong and says
// so, against a bundle of @actions/core alone that reads one input and says the same.
// Claim: at most 1.15 times.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../scripts/toolchain.mjs";
import { interleaved, report } from "./measure.mjs";

const DOORS = {
  "setup-go-cached": { "GO-VERSION": "not a version" },
  "go-matrix-test": { MODE: "none" },
  "build-image": { PUSH: "perhaps" },
  "deploy-with-rollback": { MODE: "none" },
  "annotate-deploy": { MODE: "none" },
};
const LIMIT = 1.15;
const ROUNDS = 25;

export async function run() {
  const folder = mkdtempSync(join(tmpdir(), "start-up-"));
  try {
    const core = await coreAlone();
    const bundle = join(folder, "core.mjs");
    writeFileSync(bundle, core);
    const doors = Object.entries(DOORS).map(([name, inputs]) => [
      name,
      () => start(join(root, "dist", name, "index.js"), inputs, folder),
    ]);
    const times = await interleaved(
      Object.fromEntries([
        ["@actions/core alone", () => start(bundle, { MODE: "none" }, folder)],
        ...doors,
      ]),
      ROUNDS,
    );
    report(times, LIMIT);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function coreAlone() {
  // Inside the work tree, so that the package is found.
  const source = mkdtempSync(join(root, "node_modules", ".start-up-"));
  const entry = join(source, "main.ts");
  writeFileSync(join(source, "package.json"), '{"type":"module"}');
  writeFileSync(
    entry,
    'import * as core from "@actions/core";\nif (core.getInput("mode") !== "plan") core.setFailed("mode must be plan");\n',
  );
  try {
    const ncc = createRequire(import.meta.url)("@vercel/ncc");
    const { code } = await ncc(entry, {
      cache: false,
      minify: false,
      transpileOnly: true,
      quiet: true,
    });
    return code;
  } finally {
    rmSync(source, { recursive: true, force: true });
  }
}

function start(file, inputs, folder) {
  const temp = join(folder, "temp");
  mkdirSync(temp, { recursive: true });
  const env = {
    PATH: process.env.PATH,
    RUNNER_TEMP: temp,
    GITHUB_WORKSPACE: folder,
    GITHUB_ACTIONS: "true",
    ...Object.fromEntries(Object.entries(inputs).map(([name, text]) => [`INPUT_${name}`, text])),
  };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file], { cwd: folder, env, stdio: "ignore" });
    child.on("error", reject);
    child.on("exit", (code) =>
      code === 1 ? resolve() : reject(new Error(`${file} exited with ${code} instead of refusing`)),
    );
  });
}
