import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, jest } from "@jest/globals";
import { readTimeline } from "../timeline-file.ts";
import { tempFolder } from "../testing/temp.ts";

// Real processes and servers on a busy machine take their time; what hangs is still found.
jest.setTimeout(60_000);

const TINY = fileURLToPath(new URL("../testing/fixtures/tiny-action.ts", import.meta.url));

interface Run {
  code: number | null;
  signal: string | null;
  out: string;
  outputs: Record<string, string>;
  state: Record<string, string>;
  root: string;
}

interface Options {
  inputs?: Record<string, string>;
  env?: Record<string, string>;
  /** The state main left: then this is post. */
  state?: Record<string, string>;
  root?: string;
  config?: string;
  /** Called with what was said so far. */
  onOutput?: (out: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** The tiny action in a process of its own, as the runner would start it. */
async function run({
  inputs = {},
  env = {},
  state = {},
  config,
  onOutput,
  ...options
}: Options = {}): Promise<Run> {
  const root = options.root ?? tempFolder();
  const folder = (name: string): string => {
    mkdirSync(join(root, name), { recursive: true });
    return join(root, name);
  };
  const file = (name: string): string => {
    writeFileSync(join(folder("commands"), name), "");
    return join(root, "commands", name);
  };
  const workspace = folder("workspace");
  if (config !== undefined) {
    mkdirSync(join(workspace, ".github"), { recursive: true });
    writeFileSync(join(workspace, ".github", "go-cicd.yml"), config);
  }
  const child = spawn(process.execPath, [TINY], {
    cwd: workspace,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      RUNNER_TEMP: folder("temp"),
      GITHUB_WORKSPACE: workspace,
      GITHUB_OUTPUT: file("output"),
      GITHUB_STATE: file("state"),
      GITHUB_STEP_SUMMARY: file("summary"),
      GITHUB_ENV: file("env"),
      GITHUB_PATH: file("path"),
      GITHUB_JOB: "ci",
      RUNNER_DEBUG: "1",
      ...Object.fromEntries(
        Object.entries(inputs).map(([name, text]) => [
          `INPUT_${name.replace(/ /g, "_").toUpperCase()}`,
          text,
        ]),
      ),
      ...Object.fromEntries(Object.entries(state).map(([name, text]) => [`STATE_${name}`, text])),
      ...env,
    },
  });
  let out = "";
  const add = (chunk: Buffer): void => {
    out += chunk.toString();
    onOutput?.(out, (signal) => child.kill(signal));
  };
  child.stdout.on("data", add);
  child.stderr.on("data", add);
  const [code, signal] = await new Promise<[number | null, string | null]>((done) => {
    child.on("close", (...end) => {
      done(end);
    });
  });
  return {
    code,
    signal,
    out,
    outputs: commandFile(join(root, "commands", "output")),
    state: commandFile(join(root, "commands", "state")),
    root,
  };
}

/** What stands in a command file: `name<<delimiter`, lines, delimiter. */
function commandFile(path: string): Record<string, string> {
  const text = readFileSync(path, "utf8");
  const blocks = text.matchAll(/^(\w+)<<(ghadelimiter_[\w-]+)\n([^]*?)\n\2$/gm);
  return Object.fromEntries([...blocks].map(([, name = "", , value = ""]) => [name, value]));
}

function annotations(out: string, level: "error" | "warning"): string[] {
  return out
    .split("\n")
    .filter((line) => line.startsWith(`::${level}`))
    .map((line) => line.replace(/^::\w+.*?::/, "").replaceAll("%0A", "\n"));
}

describe("runAction, main", () => {
  it("reads inputs, runs, sets outputs and ends green", async () => {
    const { code, out, outputs, root } = await run({
      inputs: { greeting: "good day", "with blank": "b" },
    });
    expect(out).toContain("main: good day b");
    expect(outputs).toEqual({ said: "good day" });
    expect(annotations(out, "error")).toEqual([]);
    expect(code).toBe(0);
    expect(readFileSync(join(root, "commands", "summary"), "utf8")).toBe("# good day\n\n");
  });

  it("turns a failure into one annotation with its remedy, and still sets the outputs", async () => {
    const { code, out, outputs } = await run({ inputs: { mode: "fail" } });
    expect(code).toBe(1);
    expect(annotations(out, "error")).toEqual(["The tests\nare red\nMend them."]);
    expect(out).toContain("::debug::caused by: exit 1");
    expect(outputs).toEqual({ said: "hello" });
  });

  it("calls everything else a defect, and shows its stack in the debug log only", async () => {
    const { code, out, outputs } = await run({ inputs: { mode: "throw" } });
    expect(code).toBe(1);
    const errors = annotations(out, "error");
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/^x is not a function\nThis is a defect of go-cicd/);
    expect(out).toMatch(/::debug::TypeError: x is not a function%0A +at act /);
    expect(outputs).toEqual({});
  });

  it("says all bad inputs at once, never a secret, and has nothing to finish then", async () => {
    const first = await run({ inputs: { mode: "x", "post-mode": "y", token: "hunter2hunter2" } });
    expect(first.code).toBe(1);
    expect(annotations(first.out, "error")[0]).toMatch(/- mode must be[^\n]*\n- post-mode must be/);
    const shown = first.out.split("\n").filter((line) => !line.startsWith("::add-mask::"));
    expect(shown.join("\n")).not.toContain("hunter2");
    expect(first.out).toContain("::add-mask::hunter2hunter2");

    const post = await run({ inputs: { mode: "x" }, state: first.state, root: first.root });
    expect(post.code).toBe(0);
    expect(annotations(post.out, "warning")).toEqual([]);
    expect(post.out).not.toContain("post:");
  });

  it.each(["reject-unseen", "throw-later"])("is red when main comes to %s", async (mode) => {
    const { code, out } = await run({ inputs: { mode } });
    expect(code).toBe(1);
    expect(annotations(out, "error")[0]).toContain("This is a defect of go-cicd");
  });

  it("is red when nothing is left that could end main", async () => {
    const { code, out } = await run({ inputs: { mode: "never-settle" } });
    expect(code).not.toBe(0);
    expect(annotations(out, "error")).toEqual([expect.stringContaining("before its work did")]);
  });

  it.each<NodeJS.Signals>(["SIGINT", "SIGTERM", "SIGHUP"])(
    "lets main end in order on %s, and is red",
    async (name) => {
      let sent = false;
      const { code, out, root } = await run({
        inputs: { mode: "wait-for-cancel" },
        onOutput: (text, kill) => {
          if (!sent && text.includes("ready")) kill(name);
          sent ||= text.includes("ready");
        },
      });
      expect(code).toBe(1);
      expect(annotations(out, "error")).toEqual([`The step was cancelled (${name}).`]);
      // The phase that was cut is on disk.
      expect(readTimeline(join(root, "temp", "go-cicd", "timeline")).events).toMatchObject([
        { phase: "greet", ok: false },
      ]);
    },
  );

  it("is red after a cancellation even if main takes no notice of it", async () => {
    let sent = false;
    const { code } = await run({
      inputs: { mode: "ignore-cancel" },
      onOutput: (text, kill) => {
        if (!sent && text.includes("ready")) kill("SIGINT");
        sent ||= text.includes("ready");
      },
    });
    expect(code).toBe(1);
  });
});

describe("runAction, config file", () => {
  it("gives inputs that the workflow does not, and structured values", async () => {
    const config = "version: 1\nbuild-image:\n  greeting: from the file\n  tasks: [{name: a}]\n";
    const first = await run({ config });
    expect(first.out).toContain("main: from the file");
    expect(first.out).toContain('tasks: {"value":[{"name":"a"}]');
    const second = await run({ config, inputs: { greeting: "from the workflow" } });
    expect(second.out).toContain("main: from the workflow");
  });

  it("stays what it was for post, also when the file is gone", async () => {
    const config = "version: 1\nbuild-image:\n  post-mode: fail\n";
    const { state } = await run({ config });
    const post = await run({ state });
    expect(annotations(post.out, "warning")).toEqual(["Not rolled back"]);
  });

  it("fails with line and column", async () => {
    const { code, out } = await run({ config: "version: 1\nbuild-image:\n  greting: x\n" });
    expect(code).toBe(1);
    expect(annotations(out, "error")[0]).toContain(
      '.github/go-cicd.yml:3:3 unknown key "greting": did you mean `greeting`?',
    );
  });
});

describe("runAction, post", () => {
  it("sees what main saved, and writes into the same timeline file", async () => {
    const main = await run({ inputs: { greeting: "again" } });
    const post = await run({ inputs: { greeting: "again" }, state: main.state, root: main.root });
    expect(post.code).toBe(0);
    expect(post.out).toContain('post: "again"');
    const folder = join(main.root, "temp", "go-cicd", "timeline");
    expect(readdirSync(folder)).toEqual(["build-image-1.jsonl"]);
    expect(readTimeline(folder).events).toMatchObject([
      { stage: "main", phase: "greet", counters: { letters: 5 }, job: "ci" },
      { stage: "post", phase: "say goodbye" },
    ]);
  });

  const state = { isPost: "true", configuredInputs: "{}" };

  it.each(["fail", "throw", "reject-unseen"])("only warns when it comes to %s", async (mode) => {
    const { code, out } = await run({ state, inputs: { "post-mode": mode } });
    expect(code).toBe(0);
    expect(annotations(out, "error")).toEqual([]);
    expect(annotations(out, "warning")).toHaveLength(1);
  });

  it("fails where it finishes what must not be left half done", async () => {
    const { code, out } = await run({
      state,
      inputs: { "post-mode": "fail" },
      env: { TINY_POST_FAILS: "1" },
    });
    expect(code).toBe(1);
    expect(annotations(out, "error")).toEqual(["Not rolled back"]);
  });

  it("only warns when the inputs cannot be read again", async () => {
    const { code, out } = await run({ state, inputs: { mode: "gone" } });
    expect(code).toBe(0);
    expect(annotations(out, "warning")[0]).toContain("cannot be read again");
  });
});
