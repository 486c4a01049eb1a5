import { execFile } from "node:child_process";
import { describe, expect, it, jest } from "@jest/globals";

// Real processes and servers on a busy machine take their time; what hangs is still found.
jest.setTimeout(60_000);

const here = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);

/** Runs a script that has a `step` and a `log`, in a process of its own: a step is a process. */
function inStep(script: string): Promise<{ code: number; out: string }> {
  const source = `
    import { Step } from ${here("./step.ts")};
    import { runnerLog } from ${here("./log.ts")};
    const log = runnerLog();
    const makeStep = (level = "error", cancelMs = 200) => new Step(log, level, cancelMs);
    const forever = () => new Promise(() => setInterval(() => undefined, 1_000));
    ${script}`;
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ["--input-type=module", "--eval", source],
      // A hang is a failure, not a wait.
      { env: { PATH: process.env["PATH"] }, timeout: 20_000 },
      (_, stdout, stderr) => {
        resolve({ code: child.exitCode ?? -1, out: stdout + stderr });
      },
    );
  });
}

describe("Step", () => {
  it("ends what does not end itself after a cancellation", async () => {
    const { code, out } = await inStep(`
      const step = makeStep();
      process.kill(process.pid, "SIGINT");
      await forever();
      console.log("never");`);
    expect(code).toBe(1);
    expect(out).toContain("::warning::The step did not come to its end in time.");
    expect(out).not.toContain("never");
  });

  it("does not keep a step alive that has ended after a cancellation", async () => {
    const { code, out } = await inStep(`
      const step = makeStep("error", 1_000_000);
      process.kill(process.pid, "SIGTERM");
      while (!step.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
      step.end();`);
    expect(code).toBe(1);
    expect(out).not.toContain("in time");
  });

  it("lets a step end without work that takes too long", async () => {
    const { code, out } = await inStep(`
      const step = makeStep();
      await step.bounded(forever(), 50, "too late");
      step.end();`);
    expect(code).toBe(0);
    expect(out).toBe("::warning::too late\n");
  });

  it("waits for work that is quick, and hands on its failure", async () => {
    const { code, out } = await inStep(`
      const step = makeStep();
      await step.bounded(Promise.resolve(), 1_000_000, "too late");
      await step.bounded(Promise.reject(new Error("no")), 1_000_000, "late").catch((error) => step.fail(error));
      step.end();`);
    expect(code).toBe(1);
    expect(out).toMatch(/^::error::no%0AThis is a defect/);
  });

  it("goes on to its end when nobody reads its log any more", async () => {
    const { code } = await inStep(`
      const step = makeStep();
      process.stdout.destroy(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
      await new Promise((resolve) => setTimeout(resolve, 20));
      log.info("into the void");
      if (step.signal.aborted) process.exitCode = 7;
      step.end();`);
    expect(code).toBe(0);
  });
});
