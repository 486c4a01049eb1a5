// The agent where the machine fails: a full disk, files that come and go, a power cut, a reboot.
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { AgentTarget, SCRIPT } from "./testing/agent-target.ts";
import { ask, freePort, statusOf, stopTarget } from "./testing/target.ts";

// A real sh and real processes on a machine that may be busy.
jest.setTimeout(120_000);

let at: AgentTarget;
const undo: (() => void)[] = [];

beforeEach(async () => {
  at = new AgentTarget(join(tempFolder(), "target"), await freePort());
});
afterEach(() => {
  stopTarget(at.folder);
  for (const each of undo.splice(0)) each();
});

const served = async (): Promise<string | undefined> => (await ask(at.port, "/"))?.body;

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let turn = 0; turn < 600; turn++) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`it never came: ${what}`);
}

// A small disk of one's own takes root: elsewhere this is seen to be left out.
const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

asRoot("a disk that is full", () => {
  let disk: string;

  beforeEach(async () => {
    disk = tempFolder();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], { stdio: "ignore" });
    undo.push(() => void execFileSync("umount", ["-l", disk]));
    at = new AgentTarget(join(disk, "target"), await freePort());
  });

  /** Takes every byte that is left. */
  function fill(): void {
    const path = join(disk, "filler");
    writeFileSync(path, "");
    for (const size of [65_536, 4_096, 512, 1]) {
      try {
        for (;;) appendFileSync(path, Buffer.alloc(size));
      } catch {
        // Full for a piece of this size.
      }
    }
  }

  test.each(["copied", "switch", "stop", "start"] as const)(
    "after %s does not keep the last good release from coming back",
    async (phase) => {
      await at.deployed("old");
      at.lock("t");
      await at.goTo(phase, "t", "new", { status: 500 });
      fill();
      expect(at.agent("heal", "t", "test")).toBe("restored old");
      expect(await served()).toBe("old");
      expect(statusOf(at.folder)).toMatchObject({ current: "old", journal: "-" });
      expect(at.agent("unlock", "t")).toBe("unlocked");
    },
  );

  test("without room set aside it would: this test can fail", async () => {
    at.install(SCRIPT.replace(/^reserve\(\) \{$/m, "reserve() {\n  return 0"));
    await at.deployed("old");
    at.lock("t");
    await at.goTo("stop", "t", "new");
    fill();
    expect(at.agent("heal", "t", "test")).toMatch(/^failed old/);
  });

  test("ends a service that could not be put on record, so that nothing unknown runs", async () => {
    at.lock("t");
    await at.goTo("stop", "t", "new");
    fill();
    expect(at.refusal("start", "t", "new")).toMatch(/^error start /);
    expect(await served()).toBeUndefined();
    expect(at.agent("port", String(at.port))).toBe("port free");
  });

  test("does not stop the dead-man's switch", async () => {
    await at.deployed("old");
    at.lock("t", process.pid, 2);
    await at.goTo("start", "t", "new", { status: 500 });
    fill();
    at.agent("beat", "t");
    await until(() => statusOf(at.folder)["lock"] === "-", "the end of the lock");
    expect(await served()).toBe("old");
  });

  test("does not take the last sign of life away", () => {
    at.lock("t");
    fill();
    // Whatever is freed for a moment is taken by somebody else.
    const greedy = [1, 2].map((number) =>
      spawn("sh", ["-c", 'while :; do printf x >>"$0"; done', join(disk, `greedy-${number}`)], {
        stdio: "ignore",
      }),
    );
    try {
      for (let turn = 0; turn < 60; turn++) {
        at.agent("beat", "t");
        expect(readFileSync(at.path("beat"), "utf8")).toMatch(/^ *\d+\n$/);
      }
    } finally {
      for (const each of greedy) each.kill("SIGKILL");
    }
  });

  test("is seen before anything is changed", async () => {
    await at.deployed("old");
    at.lock("t");
    fill();
    expect(at.refusal("begin", "t", "deploy", "new")).toMatch(/^error unwritable /);
    expect(statusOf(at.folder)).toMatchObject({ current: "old", journal: "-" });
  });
});

test("a reader is never disturbed by files that come and go", async () => {
  await at.deployed("old");
  at.lock("t");
  at.agent("begin", "t", "deploy", "new");
  const names = ["journal", "lock", "service"].map((name) => at.path(name));
  const script = `while :; do for f; do mv "$f" "$f.away"; mv "$f.away" "$f"; done; done`;
  const mover = spawn("sh", ["-c", script, "mover", ...names], { stdio: "ignore" });
  try {
    for (let turn = 0; turn < 40; turn++) {
      const said = execFileSync(
        "sh",
        ["-c", 'exec 2>&1; sh "$0" status "$1"', at.path("agent.sh"), at.folder],
        { encoding: "utf8" },
      );
      // Six lines of answer, each whole, and nothing that a program complained of.
      expect(said).toMatch(
        /^current old\ngood old\nrunning (- ?|old \d+)\njournal (-|begin deploy new old t)\nlock (-|t \d+ test)\nhistory .*\n$/,
      );
    }
  } finally {
    mover.kill("SIGKILL");
    await new Promise((resolve) => mover.on("exit", resolve));
    for (const name of names) {
      try {
        renameSync(`${name}.away`, name);
      } catch {
        // It was in its place.
      }
    }
  }
  at.agent("heal", "t", "test");
  at.agent("unlock", "t");
});

test("a verdict that was cut short in the journal is none", async () => {
  await at.deployed("old");
  at.lock("t");
  await at.goTo("start", "t", "new");
  appendFileSync(at.path("journal"), "commit");
  expect(at.agent("heal", "t", "test")).toBe("restored old");
  at.agent("unlock", "t");
});

describe("the dead-man's switch outlasts", () => {
  const impatient = (script: string): string => script.replace("${1:-300}", "${1:-1}");

  /** Nothing was heard for long, and somebody else's command is at work until it is killed. */
  function silentAndBusy(): () => Promise<void> {
    const script = 'echo -100000 >"$0"; exec sleep 600';
    const args = ["--no-fork", at.path("mutex"), "sh", "-c", script, at.path("beat")];
    const holder = spawn("flock", args, { stdio: "ignore" });
    const ended = new Promise<void>((resolve) => holder.on("exit", () => resolve()));
    return () => {
      holder.kill("SIGKILL");
      return ended;
    };
  }

  test("a command that is at work for longer than anybody waits", async () => {
    at.install(impatient(SCRIPT));
    await at.deployed("old");
    at.lock("t");
    await at.goTo("start", "t", "new", { status: 500 });
    const release = silentAndBusy();
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await release();
    await until(() => statusOf(at.folder)["lock"] === "-", "the end of the lock");
    expect(await served()).toBe("old");
  });

  test("which its patience decides: this test can fail", async () => {
    at.install(impatient(SCRIPT).replaceAll("enter ever", "enter"));
    at.lock("t");
    const release = silentAndBusy();
    try {
      await until(() => !existsSync(at.path("watch.t")), "the end of the watcher");
    } finally {
      await release();
    }
    expect(statusOf(at.folder)["lock"]).toMatch(/^t /);
  });
});

test.each([
  ["before a reboot", /[0-9a-f]{8}-[0-9a-f-]{27}/, "before"],
  ["another start time", /^(\d+) \d+/, "$1 1"],
])("a service of %s is nobody's: its number is another process's by now", async (_, was, is) => {
  await at.deployed("old");
  const [, pid = ""] = statusOf(at.folder)["running"]?.split(" ") ?? [];
  const record = readFileSync(at.path("service"), "utf8");
  // The keeper would end with its group, which is still known by its own start time.
  const stranger = record.replace(was, is).replace(/(\d+) (\d+) (\S+)\n$/, "$1 1 $3\n");
  try {
    writeFileSync(at.path("service"), stranger);
    expect(statusOf(at.folder)["running"]).toBe("-");
    expect(at.agent("stop")).toBe("stopped");
    expect(() => process.kill(Number(pid), 0)).not.toThrow();
  } finally {
    writeFileSync(at.path("service"), record);
  }
});

test("each phase stands in the journal before its effect", async () => {
  const bin = tempFolder();
  const seen = join(bin, "seen");
  const told = (what: string): string =>
    `printf '%s %s\\n' "$(tail -n 1 '${at.path("journal")}' | cut -d ' ' -f 1)" ${what} >>'${seen}'`;
  for (const name of ["ln", "setsid", "mv"]) {
    const real = execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
    const script = `#!/bin/sh\nfor last; do :; done\n${told(`"${name} $last"`)}\nexec ${real} "$@"\n`;
    writeFileSync(join(bin, name), script, { mode: 0o755 });
  }
  await at.deployed("old", { env: { COPY_AT_END: at.path("journal") } });
  expect(at.agent("healthy", "old")).toBe("healthy");
  at.lock("t");
  at.searchPath = `${bin}:${at.searchPath ?? ""}`;
  await at.goTo("commit", "t", "new");
  at.agent("unlock", "t");
  const lines = readFileSync(seen, "utf8").split("\n");
  expect(lines).toContain(`switch ln ${join(at.folder, ".current.new")}`);
  expect(lines).toContain(`switch mv ${join(at.folder, "current")}`);
  expect(lines.filter((line) => line.includes(" setsid "))).toEqual(["start setsid new"]);
  expect(lines).toContain(`commit mv ${at.release("new", "GOOD")}`);
  expect(readFileSync(at.path("journal.at-end"), "utf8")).toMatch(/\nstop\n$/);
});

test("a release is on the disk before the journal says so", async () => {
  const bin = tempFolder();
  const seen = join(bin, "seen");
  const journal = at.path("journal");
  writeFileSync(
    join(bin, "sync"),
    `#!/bin/sh\nfor f; do printf '%s %s\\n' "$(tail -n 1 ${journal} 2>/dev/null)" "$f"; done >>${seen}\n`,
  );
  chmodSync(join(bin, "sync"), 0o755);
  at.lock("t");
  at.agent("begin", "t", "deploy", "new");
  await at.copy("new");
  mkdirSync(at.release("new", "root/empty"));
  at.searchPath = `${bin}:${at.searchPath ?? ""}`;
  at.agent("admit", "t", "new");
  const before = readFileSync(seen, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("begin "))
    .map((line) => line.split(" ").at(-1));
  const names = ["", "root", "root/service", "root/empty", "argv", "env", "health", "manifest"];
  const wanted = names.map((name) => at.release("new", name).replace(/\/$/, ""));
  expect(before).toEqual(expect.arrayContaining([...wanted, join(at.folder, "releases")]));
  at.agent("heal", "t", "test");
  at.agent("unlock", "t");
});

test("names of the service's environment are none of the agent's", async () => {
  const env = {
    files: "/nowhere",
    D: "/nowhere",
    log: "/nowhere",
    release: "x",
    IFS: "/",
    me: "1",
  };
  await at.deployed("new", { env });
  const [, pid = ""] = statusOf(at.folder)["running"]?.split(" ") ?? [];
  const told = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  expect(told).toEqual(expect.arrayContaining(["files=/nowhere", "D=/nowhere", "me=1"]));
});

test("a version on an error page is no version", async () => {
  const version = (path: string) => ({ version: { path, text: "new" } });
  await at.deployed("new", version("/version"));
  expect(at.agent("healthy", "new")).toBe("healthy");
  await at.deployed("newer", version("/500"));
  expect(at.agent("healthy", "newer")).toBe("sick asked for its version, it says 500");
});

test("a listener is nobody's where no service is on record", async () => {
  await at.deployed("old");
  expect(at.agent("healthy", "old")).toBe("healthy");
  const record = readFileSync(at.path("service"));
  renameSync(at.path("service"), at.path("service.away"));
  expect(at.agent("listener", "-", String(at.port))).toMatch(/^other process/);
  writeFileSync(at.path("service"), record);
  expect(at.agent("listener", "-", String(at.port))).toBe("ours");
});

test("failures do not push verified releases out", async () => {
  for (const id of ["good-1", "good-2", "good-3"]) await at.deployed(id);
  for (const id of ["bad-1", "bad-2", "bad-3"]) {
    at.lock(id);
    await at.goTo("start", id, id, { status: 500 });
    expect(at.agent("heal", id, "test")).toBe("restored good-3");
    at.agent("unlock", id);
  }
  at.lock("t");
  at.agent("prune", "t", "2");
  expect(readdirSync(join(at.folder, "releases")).sort()).toEqual(["good-1", "good-2", "good-3"]);
  at.agent("unlock", "t");
});

test("a question leaves no file behind", async () => {
  await at.deployed("old");
  at.lock("t");
  at.agent("observe", "t", "old", String(at.port), "/", "2");
  at.agent("unlock", "t");
  expect(
    readdirSync(join(at.folder, ".deploy")).filter((name) => /^(body|head)/.test(name)),
  ).toEqual([]);
});
