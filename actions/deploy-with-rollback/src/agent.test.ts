import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import fc from "fast-check";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { PHASES, wayOut, type Phase } from "./journal.ts";
import { shellQuote } from "./shell-quote.ts";
import { AgentTarget, SCRIPT } from "./testing/agent-target.ts";
import { ask, freePort, statusOf, stopTarget } from "./testing/target.ts";

// A real sh and real processes on a machine that may be busy.
jest.setTimeout(120_000);

let at: AgentTarget;
let target: string;
let port: number;

beforeEach(async () => {
  port = await freePort();
  at = new AgentTarget(join(tempFolder(), "target"), port);
  target = at.folder;
});

afterEach(() => {
  stopTarget(target);
});

const agent = (command: string, ...args: string[]): string => at.agent(command, ...args);
const refusal = (command: string, ...args: string[]): string => at.refusal(command, ...args);
const install = (script: string): void => at.install(script);
const release = (id: string): Promise<void> => at.copy(id);
const lock = (token: string, pid?: number, silence?: number): string =>
  at.lock(token, pid, silence);
const goTo = (phase: Phase, token: string, id: string, status = 200): Promise<void> =>
  at.goTo(phase, token, id, { status });
const deployed = (id: string): Promise<void> => at.deployed(id);

describe("heal", () => {
  // Each phase twice: with its effect, and with nothing but the line in the journal.
  const prefixes = PHASES.flatMap((phase) => [[phase, true] as const, [phase, false] as const]);

  test.each(prefixes.filter(([phase, effect]) => !(phase === "commit" && effect)))(
    "after %s (its effect done: %s) does what the model says",
    async (phase, effect) => {
      await deployed("old");
      lock("t");
      if (effect || phase === "begin") await goTo(phase, "t", "new");
      else {
        await goTo(PHASES[PHASES.indexOf(phase) - 1] ?? "begin", "t", "new");
        appendFileSync(join(target, ".deploy/journal"), `${phase}\n`);
      }
      const way = wayOut({ phase, token: "t", kind: "deploy", release: "new", good: "old" });
      const serving = way.kind === "forward" ? "new" : "old";
      expect(agent("heal", "t", "test")).toBe(
        `${way.kind === "forward" ? "forward" : "restored"} ${serving}`,
      );
      expect(await ask(port, "/")).toEqual({ status: 200, body: serving });
      expect(statusOf(target)).toMatchObject({ current: serving, good: serving, journal: "-" });
      expect(agent("heal", "t", "test")).toBe("none");
    },
  );

  test("goes back when what was committed no longer serves", async () => {
    await deployed("old");
    lock("t");
    await goTo("start", "t", "new", 500);
    appendFileSync(join(target, ".deploy/journal"), "commit\n");
    expect(agent("heal", "t", "test")).toBe("restored old");
  });

  test("keeps the journal when the last good release does not come up either", async () => {
    await deployed("old");
    lock("t");
    await goTo("switch", "t", "new");
    agent("stop-old", "t");
    // Somebody else takes the port meanwhile.
    const server = createServer((_, response) => response.end("not me"));
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const said = agent("heal", "t", "test");
    await new Promise((resolve) => server.close(resolve));
    expect(said).toMatch(/^failed old .*taken by process/);
    expect(statusOf(target)["journal"]).toContain("stop deploy new old");
    expect(agent("heal", "t", "test")).toBe("restored old");
  });

  test("takes no answer of another process for the release's own", async () => {
    await deployed("old");
    const [, pid = ""] = statusOf(target)["running"]?.split(" ") ?? [];
    const stranger = tempFolder();
    // The same service, started by hand after ours was killed.
    process.kill(Number(pid), "SIGKILL");
    const child = spawn(join(target, "releases/old/root/service"), [], {
      cwd: stranger,
      env: { PATH: process.env["PATH"], PORT: String(port) },
      stdio: "ignore",
    });
    try {
      while ((await ask(port, "/")) === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(agent("listener", "-", String(port))).toMatch(/^other process/);
    } finally {
      child.kill("SIGKILL");
    }
  });
});

describe("the dead-man's switch", () => {
  const untilUnlocked = async (ms: number): Promise<boolean> => {
    const end = Date.now() + ms;
    while (Date.now() < end) {
      if (statusOf(target)["lock"] === "-") return true;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return false;
  };

  test("heals and ends the lock when nothing was heard", async () => {
    await deployed("old");
    lock("t", process.pid, 1);
    await goTo("start", "t", "new", 500);
    expect(await untilUnlocked(30_000)).toBe(true);
    expect(await ask(port, "/")).toEqual({ status: 200, body: "old" });
    expect(statusOf(target)["history"]).toContain('"by":"timer"');
    // Whoever comes late is told, and changes nothing.
    expect(refusal("commit", "t", "new")).toMatch(/^error lost /);
    expect(refusal("switch", "t", "new")).toMatch(/^error lost /);
  });

  test("without it the lock would stay: this test can fail", async () => {
    install(SCRIPT.replace("while read_lock && ", "while false && "));
    lock("t", process.pid, 1);
    expect(await untilUnlocked(4_000)).toBe(false);
  });

  test("waits as long as it hears something", async () => {
    await deployed("old");
    lock("t", process.pid, 5);
    await goTo("start", "t", "new");
    for (let beats = 0; beats < 16; beats++) {
      agent("beat", "t");
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    expect(agent("commit", "t", "new")).toBe("committed");
  });
});

describe("the lock", () => {
  test("of a live holder is kept, of a dead one taken over", () => {
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    expect(lock("one", child.pid)).toBe("locked");
    expect(lock("two")).toMatch(/^held \d+ test$/);
    child.kill("SIGKILL");
    return new Promise<void>((resolve) => {
      child.on("exit", () => {
        expect(lock("two")).toBe("dead one\nlocked");
        expect(refusal("switch", "one", "x")).toMatch(/^error lost /);
        expect(agent("unlock", "one")).toBe("lost");
        expect(agent("unlock", "two")).toBe("unlocked");
        resolve();
      });
    });
  });

  test("of another boot is a dead one's", () => {
    const path = join(target, ".deploy/lock");
    lock("one");
    writeFileSync(path, readFileSync(path, "utf8").replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, "before"));
    expect(lock("two")).toBe("dead one\nlocked");
    agent("unlock", "two");
  });

  test("is taken by one of many that come at once", async () => {
    const answers = await Promise.all(
      Array.from(
        { length: 8 },
        (_, at) =>
          new Promise<string>((resolve) => {
            const child = spawn(
              "sh",
              [
                join(target, ".deploy/agent.sh"),
                "lock",
                target,
                `t${at}`,
                String(process.pid),
                "600",
                "x",
              ],
              { stdio: ["ignore", "pipe", "ignore"] },
            );
            let said = "";
            child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
            child.on("close", () => resolve(said.trim()));
          }),
      ),
    );
    expect(answers.filter((answer) => answer === "locked")).toHaveLength(1);
    expect(answers.filter((answer) => answer.startsWith("held"))).toHaveLength(7);
    agent("unlock", `t${answers.indexOf("locked")}`);
  });
});

describe("a copy", () => {
  test.each<[string, (root: string) => void]>([
    ["an altered file", (root) => appendFileSync(join(root, "service"), "x")],
    ["a file too many", (root) => writeFileSync(join(root, "more"), "")],
  ])("with %s is not admitted", async (_, spoil) => {
    lock("t");
    agent("begin", "t", "deploy", "new");
    await release("new");
    spoil(join(target, "releases/new/root"));
    expect(refusal("admit", "t", "new")).toMatch(/^error integrity /);
    expect(agent("heal", "t", "test")).toBe("stopped");
    expect(existsSync(join(target, "releases/new"))).toBe(false);
    agent("unlock", "t");
  });

  test("with strange names is", async () => {
    lock("t");
    agent("begin", "t", "deploy", "new");
    const root = join(target, "releases/new/root");
    mkdirSync(root, { recursive: true });
    for (const name of ["a b", "back\\slash", "new\nline", "-dash", "$(x)", "'"]) {
      writeFileSync(join(root, name), name);
    }
    await release("new");
    expect(agent("admit", "t", "new")).toBe("");
    agent("heal", "t", "test");
    agent("unlock", "t");
  });
});

describe("on a host that lacks", () => {
  // Each line is taken from the agent, as if the program or /proc were not there.
  const lacks: [string, (script: string) => string][] = [
    ["flock and setsid (perl stands in)", (script) => without(script, "flock", "setsid")],
    ["curl (bash stands in)", (script) => without(script, "curl")],
    ["curl and bash (wget stands in)", (script) => without(script, "curl", "bash")],
    ["sha256sum (shasum stands in)", (script) => without(script, "sha256sum")],
    ["/proc (ps stands in)", (script) => script.replaceAll("-r /proc/", "-r /none/")],
  ];
  test.each(lacks)("%s, a release goes out and back", async (_, change) => {
    install(change(SCRIPT));
    await deployed("old");
    lock("t");
    await goTo("start", "t", "new", 500);
    expect(agent("heal", "t", "test")).toBe("restored old");
    expect(await ask(port, "/")).toEqual({ status: 200, body: "old" });
    expect(agent("unlock", "t")).toBe("unlocked");
  });

  const probes = lacks.slice(0, 3);
  test.each(probes)("%s, every answer is told as what it is", async (_, change) => {
    install(change(SCRIPT));
    await deployed("old");
    lock("t");
    const paths = { "/": "200", "/500": "500", "/hang": "timeout", "/endless": "200|timeout" };
    for (const [path, seen] of Object.entries(paths)) {
      const said = agent("observe", "t", "old", String(port), path, "2");
      expect(`${path} ${said}`).toMatch(new RegExp(`probe (${seen})\n`));
    }
    const free = String(await freePort());
    expect(agent("observe", "t", "old", free, "/", "2")).toContain("probe refused\n");
    expect(agent("observe", "t", "old", String(port), "/", "2")).toMatch(/\n--\nold$/);
  });

  function without(script: string, ...programs: string[]): string {
    return programs.reduce((text, name) => {
      expect(text).toContain(`command -v ${name} `);
      return text.replaceAll(`command -v ${name} `, "command -v /none ");
    }, script);
  }
});

test.each(["", "..", ".x", "a/b", "a b", "$(x)"])("%j is no release", (id) => {
  lock("t");
  expect(refusal("begin", "t", "deploy", id)).toMatch(/^error usage /);
  agent("unlock", "t");
});

test("words come through a shell as they were", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" }), { maxLength: 4 }), (given) => {
      const words = given.map((word) => word.replaceAll("\0", "").toWellFormed());
      const line = `set -- ${words.map(shellQuote).join(" ")}`;
      const script = `eval "$(cat)"; for word; do printf '%s\\000' "$word"; done`;
      const said = execFileSync("sh", ["-c", script], { input: line, encoding: "utf8" });
      expect(said).toBe(words.map((word) => `${word}\0`).join(""));
    }),
    { numRuns: 50 },
  );
});
