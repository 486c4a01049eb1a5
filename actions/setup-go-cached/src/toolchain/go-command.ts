import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Ports } from "@go-cicd/core/ports.ts";
import { childEnvironment, type Command, type Environment } from "@go-cicd/core/process.ts";
import { removeTree } from "../tree.ts";

/**
 * A go command that runs outside of every module, with caches of its own: before the restore
 * nothing may run inside the user's module or write into his caches (setup-go #403, #498: files
 * that a go command put there make a restore collide), and no `toolchain` line may switch it.
 */
export function outsideCommand(
  go: string,
  args: readonly string[],
  env: Environment,
  scratch: string,
  changes: Environment = {},
): Command {
  return {
    file: go,
    args,
    cwd: scratch,
    env: childEnvironment(env, {
      GOTOOLCHAIN: "local",
      GOROOT: undefined,
      GOFLAGS: undefined,
      GOWORK: "off",
      GO111MODULE: "on",
      GOCACHE: join(scratch, "build"),
      GOMODCACHE: join(scratch, "mod"),
      GOPATH: join(scratch, "path"),
      ...changes,
    }),
    timeoutMs: 120_000,
  };
}

/** Runs `work` with an empty folder that is removed afterwards. */
export async function withScratch<T>(
  ports: Pick<Ports, "context">,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const { temp } = ports.context;
  const folder = mkdtempSync(join(temp === "" ? tmpdir() : temp, "go-cicd-go-"));
  try {
    return await work(folder);
  } finally {
    removeTree(folder);
  }
}
