import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { posix, win32, type PlatformPath } from "node:path";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Environment } from "@go-cicd/core/process.ts";

/** Go's folders and settings as the go command would see them. */
export interface GoSettings {
  gocache: string;
  gomodcache: string;
  /** First folder of GOPATH; `go install` puts programs into its `bin`. */
  gopath: string;
  /** A setting's value from the environment, else from Go's own file; empty when unset. */
  value(name: string): string;
}

/**
 * Works out GOCACHE, GOMODCACHE and GOPATH without running go: a go command before the restore
 * would write into the folders that are to be restored (cmd/go/internal/cache/default.go,
 * cmd/go/internal/cfg/cfg.go).
 * @throws ActionError when GOCACHE is switched off or relative.
 */
export function goSettings(env: Environment, platform: string = process.platform): GoSettings {
  const paths = pathsOf(platform);
  const value = settingReader(env, platform);
  const gopath =
    value("GOPATH").split(paths.delimiter)[0] || paths.join(homeFolder(env, platform), "go");
  const gocache = value("GOCACHE") || paths.join(userCache(env, platform), "go-build");
  const gomodcache = value("GOMODCACHE") || paths.join(gopath, "pkg", "mod");
  for (const [name, folder] of Object.entries({ GOCACHE: gocache, GOMODCACHE: gomodcache })) {
    if (!paths.isAbsolute(folder)) {
      throw new ActionError(
        "environment",
        `${name} is ${JSON.stringify(folder)}, no absolute path`,
        {
          hint: `Unset ${name}, or set it to an absolute path. With \`cache: false\` nothing is kept.`,
        },
      );
    }
  }
  return { gocache, gomodcache, gopath, value };
}

/** Reads a setting from the environment, else from Go's own file; empty when unset. */
export function settingReader(
  env: Environment,
  platform: string = process.platform,
): (name: string) => string {
  const file = settingsFile(env, platform);
  return (name) => variable(env, name, platform) || file.get(name) || "";
}

function pathsOf(platform: string): PlatformPath {
  return platform === "win32" ? win32 : posix;
}

/** Names of variables have no case on Windows. */
function variable(env: Environment, name: string, platform: string): string {
  if (platform !== "win32") return env[name] ?? "";
  const upper = name.toUpperCase();
  const found = Object.keys(env).find((each) => each.toUpperCase() === upper);
  return found === undefined ? "" : (env[found] ?? "");
}

/** os.UserHomeDir */
function homeFolder(env: Environment, platform: string): string {
  return variable(env, platform === "win32" ? "USERPROFILE" : "HOME", platform) || homedir();
}

/** os.UserCacheDir */
export function userCache(env: Environment, platform: string): string {
  const home = homeFolder(env, platform);
  const paths = pathsOf(platform);
  if (platform === "win32") return variable(env, "LocalAppData", platform) || home;
  if (platform === "darwin") return paths.join(home, "Library", "Caches");
  return env["XDG_CACHE_HOME"] || paths.join(home, ".cache");
}

/** os.UserConfigDir */
function userConfig(env: Environment, platform: string): string {
  const home = homeFolder(env, platform);
  const paths = pathsOf(platform);
  if (platform === "win32") return variable(env, "AppData", platform) || home;
  if (platform === "darwin") return paths.join(home, "Library", "Application Support");
  return env["XDG_CONFIG_HOME"] || paths.join(home, ".config");
}

/** What `go env -w` wrote: lines of NAME=value. */
function settingsFile(env: Environment, platform: string): Map<string, string> {
  const paths = pathsOf(platform);
  const path =
    variable(env, "GOENV", platform) || paths.join(userConfig(env, platform), "go", "env");
  if (path === "off") return new Map();
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch {
    // Most machines have none.
    return new Map();
  }
  return new Map(
    content
      .split(/\r?\n/)
      .map((line) => /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line))
      .filter((match) => match !== null)
      .map(([, name = "", value = ""]) => [name, value]),
  );
}
