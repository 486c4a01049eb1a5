import { renameSync } from "node:fs";
import { join } from "node:path";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { expectSuccess, type Exit } from "@go-cicd/core/process.ts";
import { expectSum } from "./archive.ts";
import { outsideCommand, withScratch } from "./go-command.ts";
import type { LocalToolchain } from "./local.ts";
import { goProgram } from "./local.ts";
import { DISK_FULL, diskFull } from "./machine-problem.ts";
import { makeRunnable, restoreNames } from "./module-tree.ts";
import { parseProxies } from "./goproxy.ts";
import type { Platform } from "./platform.ts";
import { knownSum, moduleVersion } from "./tree-sum.ts";
import type { Verification } from "./verification.ts";

/**
 * The go command fetches a toolchain as the module golang.org/toolchain, through the machine's own
 * proxy settings, and checks it against the checksum database (https://go.dev/doc/toolchain);
 * `<folder>/go` becomes its GOROOT. It works for any platform, since nothing of it is run.
 * @throws ActionError when the go command could not verify it, or did not get it.
 */
export async function fetchByGo(
  version: string,
  platform: Platform,
  go: LocalToolchain,
  { gosumdb, goproxy }: Verification,
  folder: string,
  ports: Ports,
): Promise<void> {
  if (gosumdb === "off") throw unverifiable("GOSUMDB is off");
  // The one setting for which go itself does without the checksum database (sumdb.go, useSumDB).
  if (/^file:\/\/[^,|]*$/.test(goproxy)) throw unverifiable("GOPROXY is a folder");
  if (parseProxies(goproxy)[0]?.url === "off") {
    throw new ActionError("environment", "GOPROXY is off");
  }
  await withScratch(ports, async (scratch) => {
    const module = `golang.org/toolchain@${moduleVersion(version, platform)}`;
    const command = {
      ...outsideCommand(
        goProgram(go.goroot),
        ["mod", "download", "-json", module],
        ports.env,
        scratch,
        {
          // Beside the place it will have, so that it can be moved there by its name alone.
          GOMODCACHE: join(folder, "mod"),
          GOFLAGS: "-modcacherw",
          // Settings that switch verification off are not for the toolchain.
          GONOSUMDB: "none",
          GOPRIVATE: "none",
          GONOPROXY: "none",
          GOINSECURE: "none",
          GIT_HTTP_USER_AGENT: undefined,
        },
      ),
      timeoutMs: 300_000,
      signal: ports.signal,
    };
    const exit = await ports.processes.run(command);
    const answer = readAnswer(exit);
    if (answer.Error !== undefined && exit.kind === "exited") throw refused(answer.Error, folder);
    expectSuccess(command, exit);
    if (answer.Dir === undefined || answer.Sum === undefined) {
      throw new ActionError("process", `go did not say where it put ${module}`);
    }
    // What the database says now must be what it said when the table was made.
    const known = knownSum(version, platform);
    if (known !== undefined) expectSum(module, answer.Sum, known);
    const goroot = join(folder, "go");
    renameSync(answer.Dir, goroot);
    restoreNames(goroot);
    makeRunnable(goroot);
  });
}

/** What `go mod download -json` says of a module. */
interface Answer {
  Error?: string;
  Dir?: string;
  Sum?: string;
}

function readAnswer({ stdout }: Exit): Answer {
  try {
    return JSON.parse(stdout) as Answer;
  } catch {
    // It ended before it said anything.
    return {};
  }
}

function refused(error: string, folder: string): ActionError {
  if (/checksum mismatch|SECURITY ERROR/.test(error)) {
    return new ActionError("integrity", error, { hint: "It is refused." });
  }
  if (DISK_FULL.test(error)) return diskFull(folder, new Error(error));
  return new ActionError("network", error.trim());
}

function unverifiable(why: string): ActionError {
  return new ActionError(
    "environment",
    `${why}: what the go command fetches could not be verified, so it is refused`,
  );
}
