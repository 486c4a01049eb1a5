import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parsePairs } from "@go-cicd/local/contract/file-commands.ts";

/** How a stage's process ended and what it left. */
export interface StageEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  said: string;
  outputs: Record<string, string>;
  state: Record<string, string>;
}

const BUNDLE = resolve("dist/deploy-with-rollback/index.js");

/**
 * The door's committed bundle as a process that a test can kill at any moment: the runner's
 * variables, and nothing of this process but PATH.
 */
export class DeployStep {
  readonly folder: string;
  readonly #inputs: Readonly<Record<string, string>>;
  state: Record<string, string> = {};
  child: ChildProcess | undefined;

  /** @param folder holds RUNNER_TEMP and the file commands; made here */
  constructor(folder: string, inputs: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.#inputs = inputs;
    mkdirSync(join(folder, "temp"), { recursive: true });
    mkdirSync(join(folder, "workspace"), { recursive: true });
  }

  /** Starts main or post; resolves when the process has ended. */
  start(stage: "main" | "post"): Promise<StageEnd> {
    const files = Object.fromEntries(
      ["ENV", "PATH", "OUTPUT", "STATE", "STEP_SUMMARY"].map((name) => {
        const path = join(this.folder, `${stage}-${name}`);
        writeFileSync(path, "");
        return [`GITHUB_${name}`, path];
      }),
    );
    const prefixed = (prefix: string, values: Readonly<Record<string, string>>) =>
      Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]));
    const upper = Object.fromEntries(
      Object.entries(this.#inputs).map(([name, value]) => [name.toUpperCase(), value]),
    );
    const child = spawn(process.execPath, [BUNDLE], {
      cwd: join(this.folder, "workspace"),
      env: {
        PATH: process.env["PATH"],
        HOME: this.folder,
        GITHUB_ACTIONS: "true",
        GITHUB_WORKSPACE: join(this.folder, "workspace"),
        GITHUB_REPOSITORY: "acme/orders",
        GITHUB_SHA: "0123456789abcdef0123456789abcdef01234567",
        GITHUB_RUN_ID: "7",
        GITHUB_RUN_ATTEMPT: "1",
        RUNNER_TEMP: join(this.folder, "temp"),
        RUNNER_TRACKING_ID: "github_test",
        ...files,
        ...prefixed("INPUT_", upper),
        ...prefixed("STATE_", stage === "post" ? this.state : {}),
      },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
    }
    return new Promise((done, fail) => {
      child.on("error", fail);
      // Not `close`: what a killed step started may hold the pipes.
      child.on("exit", (code, signal) => {
        setTimeout(() => {
          const outputs = pairs(files["GITHUB_OUTPUT"]);
          if (stage === "main") this.state = pairs(files["GITHUB_STATE"]);
          done({ code, signal, said, outputs, state: this.state });
        }, 50);
      });
    });
  }

  /** SIGKILL for the step and everything below it, as when its machine's job is torn down. */
  killTree(): void {
    const root = this.child?.pid;
    if (root === undefined) return;
    // Again and again, since a process may fork while it is being looked for.
    for (let round = 0; round < 5; round++) {
      const tree = [root, ...descendants(root)];
      for (const pid of tree) kill(pid);
      if (descendants(root).length === 0) break;
    }
  }

  /** SIGKILL for the step's process alone. */
  killProcess(): void {
    if (this.child?.pid !== undefined) kill(this.child.pid);
  }
}

function pairs(path: string | undefined): Record<string, string> {
  const found: Record<string, string> = {};
  try {
    parsePairs(readFileSync(path ?? "", "utf8"), (name, value) => (found[name] = value));
  } catch {
    // A step that was killed may leave half a line; the runner fails it for that.
  }
  return found;
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** Children, their children, and so on (proc(5) stat, field 4). */
export function descendants(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (state !== "Z") parents.set(Number(name), Number(parent));
    } catch {
      // It has ended meanwhile.
    }
  }
  const found: number[] = [];
  const todo = [root];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    for (const [pid, parent] of parents) {
      if (parent !== next) continue;
      found.push(pid);
      todo.push(pid);
    }
  }
  return found;
}
