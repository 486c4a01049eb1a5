import type { Sighting } from "./health.ts";
import {
  HostRefusal,
  type Healing,
  type HistoryEntry,
  type Host,
  type HostFacts,
  type HostStatus,
  type KnownRelease,
  type LockResult,
  type RefusalCode,
} from "./host.ts";
import { PHASES, type Journal } from "./journal.ts";
import { seconds, type ReleaseFiles } from "./release.ts";

/** How the agent is reached: on this machine, later by SSH as well. */
export interface AgentLine {
  readonly name: string;
  readonly folder: string;
  install(): Promise<void>;
  /** Standard output and exit code of `agent.sh <command> <folder> <args…>`. */
  run(command: string, args: readonly string[]): Promise<{ stdout: string; code: number }>;
  copy(release: string, root: string, files: ReleaseFiles): Promise<void>;
}

/** A host by its agent: words out, words in. */
export function agentHost(line: AgentLine): Host {
  const ask = async (command: string, ...args: string[]): Promise<Answer> =>
    readAnswer(command, await line.run(command, args));
  return {
    name: line.name,
    rootOf: (release) => `${line.folder}/releases/${release}/root`,
    hello: async (): Promise<HostFacts> => {
      await line.install();
      const [system = "", machine = ""] = (await ask("hello")).words("platform");
      return { system, machine };
    },
    lock: async (token, deadManSeconds, label): Promise<LockResult> => {
      const said = await ask("lock", token, String(process.pid), String(deadManSeconds), label);
      const held = said.find("held");
      if (held !== undefined) return { kind: "held", by: held };
      return { kind: "locked", dead: said.find("dead") };
    },
    unlock: async (token) => {
      await ask("unlock", token);
    },
    beat: async (token) => {
      await ask("beat", token);
    },
    status: async () => readStatus(await ask("status")),
    releases: async () =>
      (await ask("releases")).all("release").map((words): KnownRelease => {
        const [id = "", mark = "open", identity = ""] = words.split(" ");
        return { id, mark: mark as KnownRelease["mark"], identity };
      }),
    port: async (port) => (await ask("port", String(port))).text("port"),
    begin: async (token, kind, release) =>
      optional((await ask("begin", token, kind, release)).text("good")),
    upload: (release, root, files) => line.copy(release, root, files),
    admit: async (token, release) => {
      await ask("admit", token, release);
    },
    switch: async (token, release) => {
      await ask("switch", token, release);
    },
    stopOld: async (token) => {
      await ask("stop-old", token);
    },
    start: async (token, release) => {
      await ask("start", token, release);
    },
    observe: async (token, release, { port, path, timeoutMs }) =>
      readSighting(
        await ask("observe", token, release, String(port), path, String(seconds(timeoutMs))),
      ),
    foreignListener: async (port) => (await ask("listener", "-", String(port))).find("other"),
    sickness: async (release, waitMs) =>
      (
        await ask("healthy", release, ...(waitMs === undefined ? [] : [String(seconds(waitMs))]))
      ).find("sick"),
    commit: async (token, release) => {
      await ask("commit", token, release);
    },
    heal: async (token, by) => readHealing(await ask("heal", token, by)),
    healDetached: async (token) => {
      await ask("heal-now", token);
    },
    prune: async (token, keep) => (await ask("prune", token, String(keep))).all("removed"),
    log: async (release, lines) => {
      const { stdout } = await line.run("log", [release, String(lines)]);
      return stdout;
    },
  };
}

class Answer {
  readonly #command: string;
  readonly lines: readonly string[];
  /** What follows the line `--`. */
  readonly body: string;

  constructor(command: string, stdout: string) {
    this.#command = command;
    const cut = stdout.search(/^--$/m);
    this.lines = (cut < 0 ? stdout : stdout.slice(0, cut))
      .split("\n")
      .filter((line) => line !== "");
    this.body = cut < 0 ? "" : stdout.slice(cut + 3);
  }

  all(word: string): string[] {
    return this.lines
      .filter((line) => line === word || line.startsWith(`${word} `))
      .map((line) => line.slice(word.length + 1));
  }

  find(word: string): string | undefined {
    return this.all(word)[0];
  }

  text(word: string): string {
    const found = this.find(word);
    if (found === undefined) throw unreadable(this.#command, this.lines.join("\n"));
    return found;
  }

  words(word: string): string[] {
    return this.text(word).split(" ");
  }

  last(): string {
    return this.lines.at(-1) ?? "";
  }
}

function readAnswer(command: string, { stdout, code }: { stdout: string; code: number }): Answer {
  const answer = new Answer(command, stdout);
  const refusal = answer.find("error");
  if (refusal !== undefined) {
    const space = refusal.indexOf(" ");
    throw new HostRefusal(refusal.slice(0, space) as RefusalCode, refusal.slice(space + 1));
  }
  if (code !== 0) throw unreadable(command, `exit status ${code}\n${stdout}`);
  return answer;
}

function unreadable(command: string, said: string): HostRefusal {
  return new HostRefusal("broken", `the agent's ${command} failed: ${said.trim().slice(-500)}`);
}

function optional(text: string): string | undefined {
  return text === "-" || text === "" ? undefined : text;
}

function readStatus(said: Answer): HostStatus {
  const history = said.find("history");
  return {
    current: optional(said.text("current")),
    good: optional(said.text("good")),
    running: optional(said.words("running")[0] ?? ""),
    journal: readJournal(said.text("journal")),
    lock: optional(said.text("lock")),
    last: history === undefined ? undefined : readHistory(history),
  };
}

function readJournal(text: string): Journal | undefined {
  if (text === "-") return undefined;
  const [word = "", kind = "", release = "", good = "", token = ""] = text.split(" ");
  const phase = PHASES.find((each) => each === word);
  if (phase === undefined) throw unreadable("status", `journal ${text}`);
  return { phase, kind: kind as Journal["kind"], release, good: optional(good), token };
}

function readHistory(text: string): HistoryEntry | undefined {
  try {
    const entry = JSON.parse(text) as HistoryEntry;
    return { ...entry, good: optional(entry.good ?? "") };
  } catch {
    // A line that was cut short by a full disk tells nothing.
    return undefined;
  }
}

function readSighting(said: Answer): Sighting {
  const [state = "", value = ""] = said.words("process");
  if (state !== "running") return { kind: "ended", exit: value };
  const seen = said.text("probe");
  const answer = /^\d{3}$/.test(seen)
    ? Number(seen)
    : seen === "refused" || seen === "timeout"
      ? seen
      : "error";
  return { kind: "running", pid: value, answer, body: said.body };
}

function readHealing(said: Answer): Healing {
  const [word = "", release = "", ...why] = said.last().split(" ");
  switch (word) {
    case "none":
    case "stopped":
      return { kind: word };
    case "forward":
    case "restored":
      return { kind: word, release };
    case "failed":
      return { kind: word, release, why: why.join(" ") };
    default:
      throw unreadable("heal", said.lines.join("\n"));
  }
}
