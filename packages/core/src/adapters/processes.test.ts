import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it, jest } from "@jest/globals";
import type { Command, Exit } from "../process.ts";
import { tempFolder } from "../testing/temp.ts";
import { realProcesses } from "./processes.ts";

// Real processes and servers on a busy machine take their time; what hangs is still found.
jest.setTimeout(60_000);

const processes = realProcesses();
const run = (wanted: Command): Promise<Exit> => processes.run(wanted);

function command(file: string, args: readonly string[], more: Partial<Command> = {}): Command {
  return { file, args, cwd: tempFolder(), env: { PATH: process.env["PATH"] }, ...more };
}
const shell = (script: string, more?: Partial<Command>): Promise<Exit> =>
  run(command("sh", ["-c", script], more));
const node = (script: string, more?: Partial<Command>): Promise<Exit> =>
  run(command(process.execPath, ["-e", script], more));

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie that nobody reaped is not alive.
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !condition(); turn += 1) await wait(20);
  if (!condition()) throw new Error("did not happen");
}

async function pidIn(path: string): Promise<number> {
  await until(() => existsSync(path) && readFileSync(path, "utf8").endsWith("\n"));
  return Number(readFileSync(path, "utf8"));
}

describe("realProcesses", () => {
  it("gives output, code and arguments as they are", async () => {
    const exit = await run(
      command("sh", ["-c", 'printf "%s|" "$@"; echo err >&2; exit 3', "sh", "a b", "$(x)", "*"]),
    );
    expect(exit).toMatchObject({ kind: "exited", code: 3, stdout: "a b|$(x)|*|", stderr: "err\n" });
  });

  it("gives the child exactly its environment and folder", async () => {
    const cwd = tempFolder();
    const exit = await run({
      file: "/usr/bin/env",
      args: [],
      cwd,
      env: { ONLY: "this", NOT: undefined },
    });
    expect(exit.stdout).toBe("ONLY=this\n");
    expect((await shell("pwd", { cwd })).stdout).toBe(`${cwd}\n`);
  });

  it("looks a program up on the PATH it gives the child", async () => {
    const bin = tempFolder();
    symlinkSync("/bin/echo", join(bin, "only-here"));
    const env = { PATH: bin };
    expect((await run(command("only-here", ["found"], { env }))).stdout).toBe("found\n");
    expect(await run(command("only-here", []))).toMatchObject({ kind: "not-found" });
  });

  it("says that a program is not there, and throws when the folder is not", async () => {
    expect(await run(command("no-such-program", []))).toMatchObject({ kind: "not-found" });
    await expect(run(command("sh", ["-c", "true"], { cwd: "/no/such/folder" }))).rejects.toThrow(
      /\/no\/such\/folder/,
    );
  });

  it("throws what keeps a program from starting", async () => {
    await expect(run(command(tempFolder(), []))).rejects.toThrow(/EACCES/);
  });

  it("writes standard input, and bears a child that does not read it", async () => {
    expect((await shell("cat", { stdin: "a\nb" })).stdout).toBe("a\nb");
    expect((await shell("cat")).stdout).toBe("");
    const exit = await shell("exec 0<&-; exit 0", { stdin: Buffer.alloc(4_000_000) });
    expect(exit).toMatchObject({ kind: "exited", code: 0 });
  });

  it("streams while it runs", async () => {
    const flag = join(tempFolder(), "seen");
    const exit = await shell(`echo go; while [ ! -e ${flag} ]; do sleep 0.02; done; echo done`, {
      onStdout: (chunk) => {
        if (Buffer.from(chunk).toString().startsWith("go"))
          void node(`require("fs").writeFileSync(${JSON.stringify(flag)}, "")`);
      },
    });
    expect(exit.stdout).toBe("go\ndone\n");
  });

  it("keeps the tail of 300 MB in bounded memory", async () => {
    let bytes = 0;
    let most = 0;
    const before = process.memoryUsage.rss();
    const exit = await node(
      `const line = "0123456789".repeat(100) + "\\n";
       let left = 300_000;
       const more = () => { while (left-- > 0) if (!process.stdout.write(line)) return process.stdout.once("drain", more); process.stdout.write("the end") };
       more();`,
      {
        keepBytes: 1_000,
        onStdout: (chunk) => {
          bytes += chunk.length;
          most = Math.max(most, process.memoryUsage.rss());
        },
      },
    );
    expect(bytes).toBe(300_300_000 + "the end".length);
    expect(exit.stdout).toHaveLength(1_000);
    expect(exit.stdout).toMatch(/9\nthe end$/);
    expect(most - before).toBeLessThan(150_000_000);
  });

  it("keeps nothing when asked to", async () => {
    expect((await shell("echo a; echo b >&2", { keepBytes: 0 })).stdout).toBe("");
  });

  it("decodes invalid UTF-8 without failing, and hands on the bytes as they are", async () => {
    const chunks: Uint8Array[] = [];
    const exit = await shell("printf 'a\\377\\376b'", { onStdout: (chunk) => chunks.push(chunk) });
    expect(exit.stdout).toBe("a\ufffd\ufffdb");
    expect(Buffer.concat(chunks)).toEqual(Buffer.from([0x61, 0xff, 0xfe, 0x62]));
  });

  it("reports a signal from outside", async () => {
    expect(await shell("kill -9 $$")).toMatchObject({ kind: "signalled", signal: "SIGKILL" });
  });

  it("ends the whole group at the deadline", async () => {
    const pidFile = join(tempFolder(), "pid");
    const exit = await shell(`sleep 300 & echo $! > ${pidFile}; wait`, { timeoutMs: 300 });
    expect(exit).toMatchObject({ kind: "timed-out", afterMs: 300 });
    const pid = await pidIn(pidFile);
    await until(() => !alive(pid));
  });

  it("kills what ignores the stop signal, grandchildren as well", async () => {
    const pidFile = join(tempFolder(), "pid");
    const exit = await shell(
      `trap "" TERM; sh -c 'trap "" TERM; echo $$ > ${pidFile}; while :; do sleep 1; done' & while :; do sleep 1; done`,
      { timeoutMs: 400, graceMs: 200 },
    );
    expect(exit.kind).toBe("timed-out");
    const pid = await pidIn(pidFile);
    await until(() => !alive(pid));
  });

  it("sends the stop signal it was asked for, and lets the program end in order", async () => {
    const abort = new AbortController();
    const exit = await shell(
      'trap "echo asked; exit 0" INT; echo ready; while :; do sleep 0.05; done',
      {
        stopSignal: "SIGINT",
        signal: abort.signal,
        onStdout: () => {
          abort.abort();
        },
      },
    );
    expect(exit).toMatchObject({ kind: "cancelled", stdout: "ready\nasked\n" });
  });

  it("starts nothing when it is cancelled already", async () => {
    const marker = join(tempFolder(), "started");
    const exit = await shell(`touch ${marker}`, { signal: AbortSignal.abort() });
    expect(exit.kind).toBe("cancelled");
    expect(existsSync(marker)).toBe(false);
  });

  it("does not wait for a grandchild that holds the pipe", async () => {
    const pidFile = join(tempFolder(), "pid");
    const exit = await shell(`sleep 300 & echo $! > ${pidFile}; echo done`);
    expect(exit).toMatchObject({ kind: "exited", code: 0, stdout: "done\n" });
    // It was started on purpose, so it lives; the test ends it.
    const pid = await pidIn(pidFile);
    expect(alive(pid)).toBe(true);
    process.kill(pid);
  });

  it("ends the process and throws when a listener throws", async () => {
    await expect(
      shell("echo x; sleep 300", {
        onStdout: () => {
          throw new Error("listener");
        },
      }),
    ).rejects.toThrow("listener");
  });

  it("leaves no group behind when this process ends in a hurry", async () => {
    const pidFile = join(tempFolder(), "pid");
    const module = new URL("./processes.ts", import.meta.url).href;
    await run(
      command(process.execPath, [
        "--input-type=module",
        "-e",
        `import { realProcesses } from ${JSON.stringify(module)};
         import { existsSync } from "node:fs";
         void realProcesses().run({ file: "sh", args: ["-c", "trap '' TERM; echo $$ > ${pidFile}; sleep 300; true"], cwd: "/", env: process.env });
         const timer = setInterval(() => { if (existsSync(${JSON.stringify(pidFile)})) process.exit(1); }, 20);`,
      ]),
    );
    const pid = await pidIn(pidFile);
    await until(() => !alive(pid));
  });
});
