import type { Ports } from "@go-cicd/core/ports.ts";
import { expectSuccess, type Environment, type Exit } from "@go-cicd/core/process.ts";
import { outsideCommand } from "../toolchain/go-command.ts";
import { platformFor, programName } from "../toolchain/platform.ts";

/** This machine: what is built here is to run here. */
export const HOST = platformFor(undefined);

/** File name of a program on this machine. */
export function programFile(name: string): string {
  return programName(name, HOST);
}

/**
 * The go command for tools: outside of every module, with a build and a module cache of its own.
 * The user's caches stay what the user's job makes them: objects of a linter in GOCACHE would be
 * saved and restored by every build, and GOMODCACHE would get modules that no go.sum names.
 */
export class GoTool {
  readonly #go: string;
  readonly #scratch: string;
  readonly #ports: Pick<Ports, "env" | "processes">;
  readonly #signal: AbortSignal;

  constructor(
    go: string,
    scratch: string,
    ports: Pick<Ports, "env" | "processes">,
    signal: AbortSignal,
  ) {
    this.#go = go;
    this.#scratch = scratch;
    this.#ports = ports;
    this.#signal = signal;
  }

  /** @throws ActionError with the last lines of what go said. */
  async output(args: readonly string[], changes: Environment = {}): Promise<string> {
    const command = this.#command(args, changes);
    return expectSuccess(command, await this.#ports.processes.run(command));
  }

  /** For commands that say in their output what went wrong. */
  async exit(args: readonly string[], changes: Environment = {}): Promise<Exit> {
    return this.#ports.processes.run(this.#command(args, changes));
  }

  #command(args: readonly string[], changes: Environment) {
    const settings: Environment = {
      // Not only unset: `go env -w` may have written one, and -mod=vendor or -tags would break this.
      GOFLAGS: "-trimpath",
      // A program for another system could not be run; one for a newer processor, not everywhere.
      GOOS: HOST.goos,
      GOARCH: HOST.goarch,
      ...(HOST.goarch === "amd64" && { GOAMD64: "v1" }),
      GOBIN: undefined,
      ...changes,
    };
    const command = outsideCommand(this.#go, args, this.#ports.env, this.#scratch, settings);
    return { ...command, timeoutMs: 1_200_000, signal: this.#signal };
  }
}
