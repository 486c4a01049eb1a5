// Runs a command line under Node 24, the runtime of the actions, whatever Node started it:
// `node scripts/node24.mjs script.mjs args…`.
import { spawn } from "node:child_process";
import { ensureNode24 } from "./toolchain.mjs";

const node = await ensureNode24();
const child = spawn(node, process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  if (signal !== null) process.kill(process.pid, signal);
  else process.exitCode = code ?? 1;
});
