import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PHASES, type Phase } from "../journal.ts";
import { manifestOf } from "../manifest.ts";
import { releaseFiles, type HealthContract } from "../release.ts";

/** The agent as it is shipped. */
export const SCRIPT = readFileSync(new URL("../agent.sh", import.meta.url), "utf8");

interface ReleaseOptions {
  /** What the service answers on its health check. */
  status?: number;
  env?: Record<string, string>;
  version?: HealthContract["version"];
}

/** A folder with an agent in it that a test speaks to word by word, and releases to give it. */
export class AgentTarget {
  readonly folder: string;
  readonly port: number;
  /** Where the agent looks for programs. */
  searchPath = process.env["PATH"];

  constructor(folder: string, port: number) {
    this.folder = folder;
    this.port = port;
    this.install(SCRIPT);
    this.agent("hello");
  }

  /** Puts a script in the agent's place. */
  install(script: string): void {
    mkdirSync(join(this.folder, ".deploy"), { recursive: true });
    writeFileSync(this.path("agent.sh"), script);
  }

  /** Path of a file of the agent's. */
  path(name: string): string {
    return join(this.folder, ".deploy", name);
  }

  agent(command: string, ...args: string[]): string {
    return execFileSync("sh", [this.path("agent.sh"), command, this.folder, ...args], {
      encoding: "utf8",
      env: { ...process.env, PATH: this.searchPath },
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();
  }

  /** The same when it refuses. */
  refusal(command: string, ...args: string[]): string {
    try {
      return `did not refuse: ${this.agent(command, ...args)}`;
    } catch (error) {
      return (error as { stdout: string }).stdout.trim();
    }
  }

  lock(token: string, pid = process.pid, silence = 600): string {
    return this.agent("lock", token, String(pid), String(silence), "test");
  }

  /** Path of a release's own folder, or of what is in it. */
  release(id: string, ...parts: string[]): string {
    return join(this.folder, "releases", id, ...parts);
  }

  /** A release folder as the engine copies it; its service copies $COPY_AT_END on SIGTERM. */
  async copy(id: string, { status = 200, env = {}, version }: ReleaseOptions = {}): Promise<void> {
    const root = this.release(id, "root");
    mkdirSync(root, { recursive: true });
    const program = `#!${process.execPath}
const { COPY_AT_END } = process.env;
if (COPY_AT_END) process.on("SIGTERM", () => {
  require("node:fs").copyFileSync(COPY_AT_END, COPY_AT_END + ".at-end");
  process.exit();
});
require("node:http").createServer((q, s) => {
  if (q.url === "/hang") return;
  if (q.url === "/endless") return void setInterval(() => s.write("x".repeat(65536)), 1);
  s.statusCode = q.url === "/500" ? 500 : ${status};
  s.end(${JSON.stringify(id)});
})
  .listen(Number(process.env.PORT), "127.0.0.1");
`;
    writeFileSync(join(root, "service"), program);
    chmodSync(join(root, "service"), 0o755);
    const { port } = this;
    const files = releaseFiles(
      root,
      { program: "/service", args: [], env: { PORT: String(port), ...env }, workdir: "/" },
      {
        port,
        path: "/",
        statuses: ["200"],
        waitMs: 10_000,
        tryMs: 1000,
        intervalMs: 50,
        stopMs: 1000,
        successes: 1,
        version,
      },
      await manifestOf(root),
      "sha256:0",
    );
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(this.release(id, name), content);
    }
  }

  /** What a deploy says to the agent, up to and with one phase. */
  async goTo(phase: Phase, token: string, id: string, options: ReleaseOptions = {}): Promise<void> {
    const effects: Record<Phase, () => void | Promise<void>> = {
      begin: () => void this.agent("begin", token, "deploy", id),
      copied: async () => {
        await this.copy(id, options);
        this.agent("admit", token, id);
      },
      switch: () => void this.agent("switch", token, id),
      stop: () => void this.agent("stop-old", token),
      start: () => void this.agent("start", token, id),
      commit: () => void this.agent("commit", token, id),
    };
    for (const each of PHASES.slice(0, PHASES.indexOf(phase) + 1)) await effects[each]();
  }

  /** A whole deploy. */
  async deployed(id: string, options: ReleaseOptions = {}): Promise<void> {
    this.lock(`first-${id}`);
    await this.goTo("commit", `first-${id}`, id, options);
    this.agent("unlock", `first-${id}`);
  }
}
