// The runner's side of an action, tried with real processes: fixture actions without any toolkit.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, jest, test } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { runJob } from "@go-cicd/local/contract/job.ts";
import type { JobEvent } from "@go-cicd/local/contract/job-result.ts";
import type { JobOptions, JobPlan, StepPlan } from "@go-cicd/local/contract/plan.ts";
import {
  runAction,
  type ActionResult,
  type ActionRun,
} from "@go-cicd/local/contract/run-action.ts";
import { fixtureAction, type FixtureScripts } from "../support/fixture-action.ts";

// Not a claim about speed: a bound for a machine that is busy with other things.
jest.setTimeout(60_000);

/** The runner's waits, shorter: long enough for a busy machine to handle a signal. */
const SHORT = { interruptMs: 500, terminateMs: 500, pipesMs: 3000, cancelledJobMs: 20_000 };

const strays: number[] = [];
afterEach(() => {
  for (const pid of strays.splice(0)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended, as it should have.
    }
  }
});

async function run(
  scripts: FixtureScripts,
  changes: Partial<ActionRun> & { metadata?: string; runs?: string } = {},
): Promise<ActionResult> {
  const { metadata, runs, ...options } = changes;
  const texts = { ...(metadata && { metadata }), ...(runs && { runs }) };
  return runAction({
    action: fixtureAction(scripts, texts),
    workspace: tempFolder(),
    clocks: SHORT,
    ...options,
  });
}

async function job(
  steps: readonly StepPlan[],
  changes: Partial<JobOptions> & Pick<Partial<JobPlan>, "env" | "outputs"> = {},
): Promise<Awaited<ReturnType<typeof runJob>> & { order: string[] }> {
  const { env, outputs, onEvent, ...options } = changes;
  const temp = tempFolder();
  const order: string[] = [];
  const result = await runJob(
    { id: "build", steps, ...(env && { env }), ...(outputs && { outputs }) },
    {
      workspace: tempFolder(),
      temp: join(temp, "runner"),
      toolCache: join(temp, "tools"),
      clocks: SHORT,
      onEvent: (event) => {
        if (event.kind === "stage-started") order.push(`${event.of.stage} ${event.of.step}`);
        onEvent?.(event);
      },
      ...options,
    },
  );
  return { ...result, order };
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie waits for its parent and runs no more.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("the process of a stage", () => {
  it("gets the exact environment and nothing of the caller's", async () => {
    process.env["CALLERS_SECRET"] = "leaked";
    const { outputs } = await run(
      { main: `put("OUTPUT", "names=" + Object.keys(env).sort().join(" ") + "\\n");` },
      { inputs: { "Go Version": "1" }, metadata: "inputs: {Go Version: {}, other: {}}" },
    );
    delete process.env["CALLERS_SECRET"];
    const names = (outputs["names"] ?? "").split(" ");
    expect(names).not.toContain("CALLERS_SECRET");
    expect(names).not.toContain("GITHUB_TOKEN");
    expect(names).toEqual(expect.arrayContaining(["INPUT_GO_VERSION", "INPUT_OTHER", "CI"]));
    expect(names.filter((name) => !/^(GITHUB|RUNNER|INPUT)_/.test(name)).sort()).toEqual(
      ["CI", "HOME", "LANG", "PATH"].filter((name) => name === "CI" || name in process.env),
    );
  });

  it("runs in the workspace with standard input at its end and no terminal", async () => {
    const workspace = tempFolder();
    const { stdout } = await run(
      {
        main: `
const input = fs.readFileSync(0);
console.log(JSON.stringify([process.cwd(), input.length, !!process.stdout.isTTY,
  !!process.stderr.isTTY, process.argv.length, process.execArgv.length, process.version]));`,
      },
      { workspace },
    );
    expect(JSON.parse(stdout)).toEqual([workspace, 0, false, false, 2, 0, process.version]);
  });

  it("reads the event from a file", async () => {
    const { outputs } = await run(
      { main: `put("OUTPUT", "n=" + JSON.parse(fs.readFileSync(env.GITHUB_EVENT_PATH)).number);` },
      { event: { number: 7 } },
    );
    expect(outputs).toEqual({ n: "7" });
  });

  it("gets inputs as they were given, expressions in them unread", async () => {
    const hostile = "a'b''c ${{ github.ref }} $(touch x) `y`\n::set-output name=z::1";
    const { outputs } = await run(
      { main: `put("OUTPUT", "v<<E\\n" + env.INPUT_VALUE + "\\nE\\n");` },
      { inputs: { value: hostile }, metadata: "inputs: {value: {}}" },
    );
    expect(outputs).toEqual({ v: hostile });
  });

  it("gets defaults with their expressions evaluated", async () => {
    const { outputs } = await run(
      { main: `put("OUTPUT", "m=" + env.INPUT_MATRIX.replace(/\\s/g, "") + env.INPUT_TOKEN);` },
      {
        matrix: { go: "1.26" },
        github: { token: "ghs_token1" },
        metadata:
          "inputs:\n  matrix: {default: '${{ toJSON(matrix) }}'}\n  token: {default: '${{ github.token }}'}",
      },
    );
    expect(outputs).toEqual({ m: '{"go":"1.26"}ghs_token1' });
  });

  it("is told of unexpected and deprecated inputs", async () => {
    const lines: string[] = [];
    await run(
      { main: "" },
      {
        inputs: { nope: "1", old: "2" },
        metadata: "inputs: {old: {deprecationMessage: use new}, new: {}}",
        onEvent: (event) => event.kind === "line" && lines.push(event.line),
      },
    );
    expect(lines).toEqual([
      "##[warning]Unexpected input(s) 'nope', valid inputs are ['old', 'new']",
      "##[warning]Input 'old' has been deprecated with message: use new",
    ]);
  });

  it("fails without being started where one value is too long for the kernel", async () => {
    const result = await run({ main: "" }, { inputs: { big: "x".repeat(200 * 1024) } });
    expect(result).toMatchObject({ conclusion: "failure", exitCode: null, result: "failure" });
    expect(result.annotations.at(-1)?.message).toContain("E2BIG");
  });
});

describe("what a stage says", () => {
  it("is scanned on both streams, line by line, also after a lone carriage return", async () => {
    const { outputs, annotations } = await run({
      main: `
process.stderr.write("::error::from stderr\\n");
process.stdout.write("progress 10%\\r::set-output name=a::1\\r\\n");
process.stdout.write("::set-output na"); setTimeout(() => process.stdout.write("me=b::2"), 20);`,
    });
    expect(outputs).toEqual({ a: "1", b: "2" });
    expect(annotations).toEqual([{ level: "error", message: "from stderr" }]);
  });

  it("does not make the step fail: only the exit code does", async () => {
    expect(await run({ main: `console.log("::error::x");` })).toMatchObject({ result: "success" });
    expect(await run({ main: `process.exit(7);` })).toMatchObject({
      result: "failure",
      exitCode: 7,
    });
    expect(await run({ main: `process.kill(process.pid, "SIGSEGV");` })).toMatchObject({
      result: "failure",
      exitCode: null,
      signal: "SIGSEGV",
    });
  });

  it("is shown live and masked, the tokens of the services masked from the start", async () => {
    const lines: string[] = [];
    await run(
      {
        main: `
console.log("token " + env.ACTIONS_RUNTIME_TOKEN);
console.log("::add-mask::hunter2hunter2");
console.log("later hunter2hunter2 " + Buffer.from("hunter2hunter2").toString("base64"));`,
      },
      {
        services: { ACTIONS_RUNTIME_TOKEN: "e30.e30.signature" },
        onEvent: (event) => event.kind === "line" && lines.push(event.line),
      },
    );
    expect(lines).toEqual(["token ***", "later *** ***"]);
  });

  // On one stream: the order of lines of two pipes is nobody's promise, on GitHub as well.
  it("says nothing to the runner between stop-commands and its token", async () => {
    const { outputs, annotations, log } = await run({
      main: `
console.log("::stop-commands::f00-f00-f00");
console.log("::set-output name=x::1\\n::error::x\\nnoise ##[set-output name=y]1\\n::add-mask::e");
console.log("::f00-f00-f00::");
console.log("::set-output name=after::1");`,
    });
    expect(outputs).toEqual({ after: "1" });
    expect(annotations).toEqual([]);
    expect(log).toContain("::error::x");
  });

  it("makes at most ten annotations a level, and says how many were too many", async () => {
    const result = await run({
      main: `for (let i = 0; i < 13; i++) { console.log("::error::e" + i); console.log("::notice::n"); }`,
    });
    expect(result.annotations).toHaveLength(20);
    expect(result.dropped).toEqual({ error: 3, warning: 0, notice: 3 });
  });

  it("is kept in part when there is too much of it", async () => {
    const { stdout, result } = await run({
      main: `const line = "x".repeat(1023) + "\\n"; for (let i = 0; i < 12 * 1024; i++) fs.writeSync(1, line); fs.writeSync(1, "end\\n");`,
    });
    expect(result).toBe("success");
    expect(stdout.length).toBeLessThanOrEqual(8 * 1024 * 1024);
    expect(stdout.endsWith("end\n")).toBe(true);
  });

  it("may be any bytes", async () => {
    const { result, log } = await run({
      main: `process.stdout.write(Buffer.from([0xff, 0xfe, 0, 0x0a])); process.stdout.write("ok\\n");`,
    });
    expect(result).toBe("success");
    expect(log.at(-1)).toBe("ok");
  });
});

describe("file commands", () => {
  it("are read after the end, also of a failed step", async () => {
    const { outputs, result } = await run({
      main: `put("OUTPUT", "o<<E\\na\\nb\\nE\\n"); process.exit(1);`,
    });
    expect([outputs, result]).toEqual([{ o: "a\nb" }, "failure"]);
  });

  test.each([
    ["OUTPUT", "no equals sign\\n", "output"],
    ["ENV", "A<<E\\nnever closed\\n", "env"],
    ["STATE", "=x\\n", "state"],
  ])("with an error in %s fail the step", async (file, text, name) => {
    const result = await run({ main: `put("${file}", "${text}");` });
    expect(result).toMatchObject({ exitCode: 0, conclusion: "failure" });
    expect(result.annotations[0]?.message).toBe(
      `Unable to process file command '${name}' successfully.`,
    );
  });

  it("take values that look like commands, delimiters or lines of their own", async () => {
    const value = "x\nEOF\nghadelimiter_1\n::set-output name=evil::1\r\n%0A";
    const { outputs } = await run(
      {
        main: `put("OUTPUT", "v<<ghadelimiter_2\\n" + env.INPUT_V + "\\nghadelimiter_2\\n");`,
      },
      { inputs: { v: value }, metadata: "inputs: {v: {}}" },
    );
    expect(outputs).toEqual({ v: value });
  });

  it("give a summary, masked line by line, unless it is too large", async () => {
    const small = await run({
      main: `console.log("::add-mask::seventeen-chars-x"); put("STEP_SUMMARY", "# a seventeen-chars-x\\n");`,
    });
    expect(small.summary).toBe("# a ***\n");
    const large = await run({ main: `put("STEP_SUMMARY", "x".repeat(1024 * 1024 + 1));` });
    expect(large).toMatchObject({ summary: "", result: "success" });
    expect(large.annotations[0]?.message).toContain("$GITHUB_STEP_SUMMARY upload aborted");
  });
});

describe("a job", () => {
  const tell = (word: string): FixtureScripts => ({
    main: `console.log("main ${word}");`,
    post: `console.log("post ${word}");`,
  });

  it("runs mains in order and posts in reverse, pres of remote actions before all", async () => {
    const first = fixtureAction({ ...tell("a"), pre: "" });
    const { order, result, annotations } = await job([
      { id: "a", action: first },
      { id: "b", action: fixtureAction(tell("b")) },
      { id: "c", action: fixtureAction({ ...tell("c"), pre: "" }), local: true },
    ]);
    expect(order).toEqual(["pre a", "main a", "main b", "main c", "post c", "post b", "post a"]);
    expect(result).toBe("success");
    expect(annotations.map(({ message }) => message)).toEqual([
      expect.stringContaining("`pre` execution is not supported for local action"),
    ]);
  });

  it("hands state from stage to stage of one step, and to no other", async () => {
    const action = fixtureAction({
      main: `put("STATE", "n=" + env.INPUT_N + "\\n"); console.log("::save-state name=old::" + env.INPUT_N);`,
      post: `console.log(env.STATE_n, env.STATE_old);`,
    });
    const { stages } = await job([
      { id: "a", action, with: { n: "1" } },
      { id: "b", action, with: { n: "2" } },
    ]);
    expect(stages.slice(2).map((stage) => stage.result.stdout)).toEqual(["2 2\n", "1 1\n"]);
  });

  it("hands variables, PATH and outputs to later steps", async () => {
    const { stages, outputs } = await job(
      [
        {
          id: "a",
          action: fixtureAction({
            main: `put("ENV", "FROM_A=1\\nJOB=changed\\n"); put("PATH", "/one\\n/two\\n"); put("OUTPUT", "o=x y\\n");`,
          }),
        },
        {
          id: "b",
          env: { OWN: "${{ steps.a.outputs.o }}" },
          with: { given: "${{ steps.a.outcome }}" },
          action: fixtureAction(
            {
              main: `console.log([env.FROM_A, env.JOB, env.OWN, env.INPUT_GIVEN, env.PATH.split(":").slice(0, 2)].join("|"));`,
            },
            { metadata: "inputs: {given: {}}" },
          ),
        },
      ],
      {
        env: { JOB: "first" },
        outputs: { o: "${{ steps.a.outputs.o }}", none: "${{ steps.x.y }}" },
      },
    );
    expect(stages[1]?.result.stdout).toBe("1|changed|x y|success|/two,/one\n");
    expect(outputs).toEqual({ o: "x y", none: "" });
  });

  it("drops an output that holds a secret, and says so", async () => {
    const { outputs, annotations } = await job(
      [
        {
          id: "a",
          action: fixtureAction({
            main: `console.log("::add-mask::registry-secret"); put("OUTPUT", "image=registry-secret/x\\nplain=1\\n");`,
          }),
        },
      ],
      { outputs: { image: "${{ steps.a.outputs.image }}", plain: "${{ steps.a.outputs.plain }}" } },
    );
    expect(outputs).toEqual({ plain: "1" });
    expect(annotations[0]?.message).toBe("Skip output 'image' since it may contain secret.");
  });

  it("skips what comes after a failure, but not posts nor what asks for failures", async () => {
    const quiet = fixtureAction(tell("x"));
    const { order, result, steps } = await job([
      { id: "fails", action: fixtureAction({ ...tell("a"), main: "process.exit(1);" }) },
      { id: "skipped", action: quiet },
      { id: "cleans", if: "failure()", action: quiet },
      { id: "always", if: "${{ always() }}", action: quiet },
    ]);
    expect(order).toEqual([
      "main fails",
      "main cleans",
      "main always",
      "post always",
      "post cleans",
      "post fails",
    ]);
    expect(result).toBe("failure");
    expect(steps["skipped"]).toMatchObject({ outcome: "skipped", conclusion: "skipped" });
  });

  it("goes on after a failure that may be", async () => {
    const { result, steps, order } = await job([
      {
        id: "a",
        continueOnError: true,
        action: fixtureAction({ main: "process.exit(1);" }),
      },
      { id: "b", action: fixtureAction({ main: "" }) },
    ]);
    expect([result, order]).toEqual(["success", ["main a", "main b"]]);
    expect(steps["a"]).toMatchObject({ outcome: "failure", conclusion: "success" });
  });

  it("fails by a failed post, and runs the other posts", async () => {
    const { result, order } = await job([
      { id: "a", action: fixtureAction(tell("a")) },
      { id: "b", action: fixtureAction({ main: "", post: "process.exit(1);" }) },
    ]);
    expect([result, order]).toEqual(["failure", ["main a", "main b", "post b", "post a"]]);
  });

  it("decides by post-if with the status of the job so far", async () => {
    const on = (condition: string): string =>
      fixtureAction({ main: "", post: "" }, { runs: `  post-if: ${condition}` });
    const { order } = await job([
      { id: "good", action: on("success()") },
      { id: "bad", action: on("failure()") },
      { id: "breaks", action: fixtureAction({ main: "process.exit(1);" }) },
    ]);
    expect(order).toEqual(["main good", "main bad", "main breaks", "post bad"]);
  });

  it("empties RUNNER_TEMP before and after, and refuses a folder that holds more", async () => {
    const temp = join(tempFolder(), "runner");
    mkdirSync(temp);
    writeFileSync(join(temp, "stale"), "");
    const action = fixtureAction({
      main: `console.log(fs.readdirSync(env.RUNNER_TEMP).join(" ")); fs.writeFileSync(env.RUNNER_TEMP + "/x", "");`,
    });
    const { stages } = await job([{ action }], { temp });
    expect(stages[0]?.result.stdout).toBe("_github_workflow _runner_file_commands\n");
    expect(readdirSync(temp)).toEqual([]);
    const workspace = join(temp, "repository");
    await expect(job([{ action }], { temp, workspace })).rejects.toThrow("would be emptied");
    expect(existsSync(temp)).toBe(true);
  });

  it("fails a step whose texts cannot be evaluated, before it is started", async () => {
    const action = fixtureAction({ main: `console.log("ran");` });
    const { stages, result } = await job([{ action, with: { a: "${{ nobody.x }}" } }]);
    expect(result).toBe("failure");
    expect(stages[0]?.result).toMatchObject({ exitCode: null, stdout: "" });
  });
});

describe("the end of a step by force", () => {
  /** Reports each signal, and ends on `last`. */
  const stubborn = (last: string): string => `
for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => {
  console.log(name); if (name === "${last}") process.exit(0);
});
setInterval(() => {}, 1000);
console.log("ready");`;

  /** Aborts once the step has said that it is ready. */
  function abortWhenReady(): { signal: AbortSignal; onEvent: (event: JobEvent) => void } {
    const controller = new AbortController();
    const onEvent = (event: JobEvent): void => {
      if (event.kind === "line" && event.line === "ready") controller.abort();
    };
    return { signal: controller.signal, onEvent };
  }

  test.each([
    ["SIGINT", "SIGINT\n", 0, null],
    ["SIGTERM", "SIGINT\nSIGTERM\n", 0, null],
    ["nothing", "SIGINT\nSIGTERM\n", null, "SIGKILL"],
  ])("is SIGINT, SIGTERM, SIGKILL; this one ends on %s", async (last, said, exitCode, signal) => {
    const result = await run({ main: stubborn(last), post: "" }, abortWhenReady());
    expect(result.stdout).toBe(`ready\n${said}`);
    expect(result).toMatchObject({
      exitCode,
      signal,
      conclusion: "cancelled",
      result: "cancelled",
    });
    expect(result.post?.conclusion).toBe("success");
  });

  it("is a failure when its time was over, and says so; the exit code does not count", async () => {
    const result = await run({ main: stubborn("SIGINT") }, { timeoutMs: 600 });
    expect(result).toMatchObject({ conclusion: "failure", timedOut: true });
    expect(result.annotations.at(-1)?.message).toMatch(/has timed out after 0.01 minutes/);
  });

  it("sends signals to the process alone: a child that was not told lives on, and is ended with the job", async () => {
    const child = `process.on("SIGINT", () => console.log("child got it")); setInterval(() => {}, 1000);`;
    const result = await run(
      {
        main: `
const child = spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: ["ignore", "inherit", "inherit"] });
put("OUTPUT", "pid=" + child.pid + "\\n");
process.on("SIGINT", () => process.exit(0));
child.on("spawn", () => console.log("ready"));
setInterval(() => {}, 1000);`,
      },
      { ...abortWhenReady(), clocks: { ...SHORT, pipesMs: 300 } },
    );
    const pid = Number(result.outputs["pid"]);
    strays.push(pid);
    expect(result.stdout).not.toContain("child got it");
    expect(result.pipesHeld).toBe(true);
    expect(result.survivors.map((each) => each.pid)).toEqual([pid]);
    expect(alive(pid)).toBe(false);
  });

  it("spares a process that gave up the tracking id", async () => {
    const result = await run({
      main: `
const { RUNNER_TRACKING_ID, ...rest } = env;
const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { env: rest, stdio: "ignore", detached: true });
child.unref();
put("OUTPUT", "pid=" + child.pid + "\\n");`,
    });
    const pid = Number(result.outputs["pid"]);
    strays.push(pid);
    expect(result.survivors).toEqual([]);
    expect(alive(pid)).toBe(true);
  });

  it("leaves steps alone that run always, and skips the rest", async () => {
    const { signal, onEvent } = abortWhenReady();
    const { order, result, steps } = await job(
      [
        {
          id: "cleans",
          if: "always()",
          action: fixtureAction({
            main: `console.log("ready"); setTimeout(() => put("OUTPUT", "done=1"), 200);`,
            post: "",
          }),
        },
        { id: "skipped", action: fixtureAction({ main: "" }) },
        { id: "told", if: "cancelled()", action: fixtureAction({ main: "" }) },
      ],
      { signal, onEvent },
    );
    expect(order).toEqual(["main cleans", "main told", "post cleans"]);
    expect(steps["cleans"]).toMatchObject({ outcome: "success", outputs: { done: "1" } });
    expect(result).toBe("cancelled");
  });

  it("comes to posts as well, when the time after a cancellation is over", async () => {
    const { signal, onEvent } = abortWhenReady();
    const result = await run(
      { main: stubborn("SIGINT"), post: "setInterval(() => {}, 1000);" },
      { signal, onEvent, clocks: { ...SHORT, cancelledJobMs: 1500 } },
    );
    expect(result.post).toMatchObject({ signal: "SIGKILL", conclusion: "cancelled" });
  });

  it("is at once when the job is killed, and no post runs then", async () => {
    const { signal, onEvent } = abortWhenReady();
    const result = await run({ main: stubborn("nothing"), post: "" }, { kill: signal, onEvent });
    expect(result).toMatchObject({ stdout: "ready\n", signal: "SIGKILL", result: "cancelled" });
    expect(result.post).toBeUndefined();
  });
});
