import type { Ports } from "@go-cicd/core/ports.ts";
import { settingReader } from "../go-settings.ts";
import { outsideCommand, withScratch } from "./go-command.ts";
import { goProgram, type LocalToolchain } from "./local.ts";

/** The machine's settings that decide from where a module comes, and whether it is verified. */
export interface Verification {
  goproxy: string;
  gosumdb: string;
}

/**
 * Reads the settings: from the go command when there is one, which also knows its distribution's
 * defaults, else from the environment and Go's own file.
 */
export async function readVerification(
  go: LocalToolchain | undefined,
  ports: Ports,
): Promise<Verification> {
  const setting = settingReader(ports.env);
  let goproxy = setting("GOPROXY");
  let gosumdb = setting("GOSUMDB");
  if (go !== undefined) {
    const exit = await withScratch(ports, (scratch) =>
      ports.processes.run({
        ...outsideCommand(goProgram(go.goroot), ["env", "GOPROXY", "GOSUMDB"], ports.env, scratch),
        signal: ports.signal,
      }),
    );
    if (exit.kind === "exited" && exit.code === 0) {
      [goproxy = "", gosumdb = ""] = exit.stdout.split(/\r?\n/);
    }
  }
  const [database = "", ...key] = gosumdb.split("+");
  if (key.length > 0) {
    ports.log.info(
      `GOSUMDB names a database of its own, ${database}: it is believed of a toolchain whose sum this action does not bring.`,
    );
  }
  for (const name of ["GONOSUMDB", "GOPRIVATE", "GONOPROXY", "GOINSECURE"]) {
    if (matchesToolchain(setting(name))) {
      ports.log.info(
        `${name}=${setting(name)} would exempt the toolchain from verification: it is verified all the same.`,
      );
    }
  }
  if (/(^|\s)--?insecure\b/.test(setting("GOFLAGS"))) {
    ports.log.info("GOFLAGS has -insecure: the toolchain is verified all the same.");
  }
  return { goproxy, gosumdb };
}

/** Whether patterns name golang.org/toolchain (golang.org/x/mod/module, MatchPrefixPatterns). */
export function matchesToolchain(patterns: string): boolean {
  return patterns.split(",").some((pattern) => {
    const parts = pattern.trim().replace(/\/$/, "").split("/");
    const path = ["golang.org", "toolchain"];
    return (
      pattern.trim() !== "" &&
      parts.length <= path.length &&
      parts.every((part, index) => glob(part).test(path[index] ?? ""))
    );
  });
}

function glob(pattern: string): RegExp {
  const text = pattern
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  try {
    return new RegExp(`^${text}$`);
  } catch {
    // A malformed pattern matches nothing, as in path.Match.
    return /^$/;
  }
}
