// `npm start`: the main job, run from the committed bundles. No development dependency is
// installed: on Node 24 nothing at all, on an older Node one package, which is Node 24.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ensureNode24, root } from "./toolchain.mjs";

const bundle = join(root, "dist/local/index.js");
if (!existsSync(bundle)) {
  console.error(
    "dist/local is missing: check the repository out again, or npm ci && npm run build.",
  );
  process.exit(1);
}
try {
  const node = await ensureNode24((line) => console.error(line));
  const child = spawn(node, [bundle, ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, GO_CICD_ROOT: root },
  });
  // Ctrl-C reaches the child by the terminal as well; it takes signals close together as one.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal));
  }
  child.on("exit", (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 1;
  });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
