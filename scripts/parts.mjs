// The real programs that tests run against, how each is had, and where it is kept. Go and Python
// parts need no root and are built once per version into the tools folder; Debian parts are
// installed by the system's package manager, which only a run that may leave nothing out does.
import { execFile } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { toolsFolder } from "./toolchain.mjs";

const run = promisify(execFile);

/** Program → how it is had. */
export const PARTS = {
  go: { kind: "given", hint: "install Go 1.24 or newer" },
  git: { kind: "given", hint: "install git" },
  act: { kind: "go", module: "github.com/nektos/act", version: "v0.2.89" },
  actionlint: {
    kind: "go",
    module: "github.com/rhysd/actionlint/cmd/actionlint",
    version: "v1.7.12",
  },
  zizmor: { kind: "python", package: "zizmor", version: "1.32.0" },
  "docker-registry": { kind: "debian", package: "docker-registry" },
  openssl: { kind: "debian", package: "openssl" },
  skopeo: { kind: "debian", package: "skopeo" },
  umoci: { kind: "debian", package: "umoci" },
  "prometheus-pushgateway": { kind: "debian", package: "prometheus-pushgateway" },
  promtool: { kind: "debian", package: "prometheus" },
  chromium: { kind: "debian", package: "chromium" },
};

/**
 * Brings every part that can be brought and returns what is missing and why, and the folders to
 * put in front of PATH.
 */
export async function ensureParts({ installPackages, log }) {
  const folders = [];
  const missing = new Map();
  if (installPackages) await installDebian(log);
  for (const [name, part] of Object.entries(PARTS)) {
    try {
      if (part.kind === "go") folders.push(await ensureGo(name, part, log));
      else if (part.kind === "python") folders.push(await ensurePython(name, part, log));
      else if (which(name) === undefined)
        missing.set(name, part.hint ?? `apt-get install ${part.package}`);
    } catch (error) {
      missing.set(name, lastLine(error.stderr || error.message));
    }
  }
  return { folders, missing };
}

export function which(name) {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

async function installDebian(log) {
  const packages = Object.entries(PARTS)
    .filter(([name, part]) => part.kind === "debian" && which(name) === undefined)
    .map(([, part]) => part.package);
  if (packages.length === 0) return;
  log(`installing ${packages.join(", ")}`);
  const root = process.getuid?.() === 0;
  const apt = (args) =>
    run(root ? "apt-get" : "sudo", [...(root ? [] : ["-n", "apt-get"]), ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      maxBuffer: 64 * 1024 * 1024,
    });
  await apt(["update", "-q"]);
  await apt(["install", "-q", "-y", "--no-install-recommends", ...packages]);
}

async function ensureGo(name, part, log) {
  const folder = join(toolsFolder(), `${name}-${part.version}`);
  if (existsSync(join(folder, name))) return folder;
  if (which("go") === undefined) throw new Error("no go on PATH to build it with");
  log(`building ${name} ${part.version}`);
  await into(folder, (fresh) =>
    run("go", ["install", `${part.module}@${part.version}`], {
      cwd: fresh,
      env: { ...process.env, GOBIN: fresh, GOFLAGS: "", GOTOOLCHAIN: "auto", CGO_ENABLED: "0" },
      maxBuffer: 64 * 1024 * 1024,
    }),
  );
  return folder;
}

async function ensurePython(name, part, log) {
  const folder = join(toolsFolder(), `${name}-${part.version}`);
  const bin = join(folder, "venv", "bin");
  if (existsSync(join(folder, "complete"))) return bin;
  if (which("python3") === undefined) throw new Error("no python3 on PATH to install it with");
  log(`installing ${name} ${part.version}`);
  // A virtual environment holds its own path, so it is made in place and marked when complete.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await run("python3", ["-m", "venv", join(folder, "venv")]);
  await run(join(bin, "pip"), ["install", "-q", `${part.package}==${part.version}`]);
  writeFileSync(join(folder, "complete"), "");
  return bin;
}

/** Fills a fresh folder and renames it into place, so that a broken build leaves nothing behind. */
async function into(folder, fill) {
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  try {
    await fill(fresh);
    if (!existsSync(folder)) renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function lastLine(text) {
  return text.trim().split("\n").at(-1) ?? "";
}
