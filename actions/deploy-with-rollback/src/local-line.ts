import { constants } from "node:fs";
import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isSystemError, messageOf } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { AgentLine } from "./agent-host.ts";
import { HostRefusal } from "./host.ts";
import type { ReleaseFiles } from "./release.ts";

/** The agent's text; the bundle carries it as a file of its own. */
const AGENT = new URL("./agent.sh", import.meta.url);

/** This machine as the host: the agent is a child process, the copy a copy of files. */
export function localLine(folder: string, ports: Pick<Ports, "processes" | "env">): AgentLine {
  const deploy = join(folder, ".deploy");
  const agent = join(deploy, "agent.sh");
  const { PATH, HOME, LANG } = ports.env;
  return {
    name: folder,
    folder,
    install: async () => {
      try {
        await mkdir(deploy, { recursive: true, mode: 0o700 });
        // A command of an older agent that still runs goes on reading the file it was started from.
        const fresh = `${agent}.${process.pid}`;
        await writeFile(fresh, await readFile(AGENT), { mode: 0o600 });
        await rename(fresh, agent);
      } catch (error) {
        throw unwritable(folder, error);
      }
    },
    run: async (command, args) => {
      const exit = await ports.processes.run({
        file: "sh",
        args: [agent, command, folder, ...args],
        cwd: "/",
        // The job's variables are none of the host's business, and may hold secrets.
        env: { PATH, HOME, LANG },
      });
      switch (exit.kind) {
        case "exited":
          return {
            stdout: exit.code === 0 ? exit.stdout : exit.stdout + exit.stderr,
            code: exit.code,
          };
        case "not-found":
          throw new HostRefusal("tool", "sh is not on PATH");
        case "signalled":
          throw new HostRefusal("broken", `the agent's ${command} was ended by ${exit.signal}`);
        case "timed-out":
        case "cancelled":
          throw new HostRefusal("broken", `the agent's ${command} was cancelled`);
      }
    },
    copy: (release, root, files) => copyRelease(join(folder, "releases", release), root, files),
  };
}

async function copyRelease(target: string, root: string, files: ReleaseFiles): Promise<void> {
  try {
    await mkdir(target, { mode: 0o700 });
    await cp(root, join(target, "root"), {
      recursive: true,
      verbatimSymlinks: true,
      errorOnExist: true,
      force: false,
      mode: constants.COPYFILE_EXCL,
    });
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(target, name), content, { mode: 0o600, flag: "wx" });
    }
  } catch (error) {
    if (isSystemError(error, "ENOSPC", "EDQUOT")) {
      // What does not fit is of no use; the way back needs the room.
      await rm(target, { recursive: true, force: true });
    }
    throw unwritable(target, error);
  }
}

function unwritable(folder: string, error: unknown): unknown {
  if (error instanceof HostRefusal) return error;
  const known = ["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "ENOSPC", "EDQUOT", "ENOENT"];
  if (!isSystemError(error, ...known)) return error;
  return new HostRefusal("unwritable", `${folder} cannot be written: ${messageOf(error)}`);
}
