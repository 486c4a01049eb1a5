import { spawn } from "node:child_process";
import { join } from "node:path";
import { root } from "../scripts/toolchain.mjs";

/** Runs the main job and returns its wall time and its finished steps; throws when it was red. */
export async function npmStart(args, env) {
  const started = performance.now();
  const child = spawn(process.execPath, [join(root, "scripts/start.mjs"), "--json", ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part) => (text += part));
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const durationMs = performance.now() - started;
  const events = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const finished = events.filter(({ kind }) => kind === "step-finished");
  if (code !== 0) {
    const red = finished.filter(({ state }) => state === "failed");
    throw new Error(`npm start exited with ${code}: ${JSON.stringify(red, null, 1)}`);
  }
  return { durationMs, finished };
}
