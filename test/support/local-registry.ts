import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** A real registry on the loopback. */
export interface LocalRegistry {
  /** `127.0.0.1:PORT` */
  host: string;
  close(): Promise<void>;
}

/** A port of 127.0.0.1 that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** Starts `docker-registry`, which must be at `file`, with its storage below `folder`. */
export async function startRegistry(file: string, folder: string): Promise<LocalRegistry> {
  mkdirSync(folder, { recursive: true });
  const host = `127.0.0.1:${await freePort()}`;
  const config = join(folder, "config.yml");
  writeFileSync(
    config,
    [
      "version: 0.1",
      "log: {accesslog: {disabled: true}, level: error}",
      `storage: {filesystem: {rootdirectory: ${JSON.stringify(join(folder, "data"))}}}`,
      `http: {addr: "${host}"}`,
      "",
    ].join("\n"),
  );
  const child = spawn(file, ["serve", config], { stdio: "ignore" });
  await answering(`http://${host}/v2/`, child);
  return {
    host,
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      await exited;
    },
  };
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`the registry ended with ${child.exitCode}`);
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // Not listening yet.
    }
    await pause(50);
  }
  child.kill("SIGKILL");
  throw new Error(`the registry does not answer at ${url}`);
}
