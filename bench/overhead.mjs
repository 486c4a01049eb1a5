// What the suite costs over the bare commands: a first `npm start` against a shell script that does
// the same work with the same waits, both with caches of their own. Claim: at most 1.3 times.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../scripts/toolchain.mjs";
import { interleaved, report } from "./measure.mjs";
import { npmStart } from "./npm-start.mjs";

const LIMIT = 1.3;
const ROUNDS = 3;

export async function run() {
  const times = await interleaved(
    {
      "the commands themselves": () => inFolder(sameCommands),
      "npm start": () =>
        inFolder(async (folder) => {
          const { durationMs } = await npmStart([], { XDG_CACHE_HOME: folder });
          return durationMs;
        }),
    },
    ROUNDS,
  );
  report(times, LIMIT);
}

async function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), "overhead-"));
  try {
    return await work(folder);
  } finally {
    // The module cache is read-only.
    execFileSync("chmod", ["-R", "u+w", folder]);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function sameCommands(folder) {
  const port = await freePort();
  mkdirSync(join(folder, "one"));
  mkdirSync(join(folder, "two"));
  const started = performance.now();
  execFileSync(
    "sh",
    [join(root, "bench/same-commands.sh"), join(root, "examples/orders"), folder, String(port)],
    {
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  return performance.now() - started;
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
