import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { flag, required } from "../inputs.ts";
import { testClock } from "./clock.ts";
import { scriptedHttp } from "./http.ts";
import { inputsOf } from "./inputs.ts";
import { fakePorts } from "./ports.ts";
import { realProcesses, scriptedProcesses } from "./processes.ts";

describe("fakePorts", () => {
  it("has real folders of its own", () => {
    const one = fakePorts();
    const other = fakePorts();
    expect(existsSync(one.context.workspace)).toBe(true);
    expect(existsSync(one.context.temp)).toBe(true);
    expect(one.context.workspace).not.toBe(other.context.workspace);
    expect(one.context).toMatchObject({ repository: "acme/orders", onDefaultBranch: true });
  });

  it("takes any port, and parts of the context, in place of its own", async () => {
    const ports = fakePorts({
      processes: realProcesses(),
      context: { fromFork: true },
      env: { CGO_ENABLED: "0" },
    });
    const exit = await ports.processes.run({
      file: "sh",
      args: ["-c", "echo real"],
      cwd: ports.root,
      env: ports.env,
    });
    expect(exit.stdout).toBe("real\n");
    expect(ports.context.fromFork).toBe(true);
    expect(ports.env["CGO_ENABLED"]).toBe("0");
    expect(ports.log.messages()).toEqual([]);
  });

  it("remembers what was done to it", async () => {
    const ports = fakePorts();
    ports.exportVariable("A", "1");
    ports.addPath("/x/bin");
    ports.state.save("s", { a: [1] });
    await ports.summary.add("# s");
    await ports.timeline.phase("p", async (phase) => {
      phase.count("n", 1);
      await ports.clock.sleep(50);
    });
    ports.cancel();
    expect(ports.exported).toEqual({ A: "1" });
    expect(ports.env["PATH"]).toMatch(/^\/x\/bin:/);
    expect(ports.state.load("s")).toEqual({ a: [1] });
    expect(ports.summary.blocks).toEqual(["# s"]);
    const [phase] = ports.timeline.phases;
    expect(phase).toMatchObject({ phase: "p", ok: true, counters: { n: 1 } });
    expect((phase?.end ?? 0) - (phase?.start ?? 0)).toBe(50);
    expect(ports.signal.aborted).toBe(true);
  });

  it("keeps artifacts until they are asked for", async () => {
    const { artifacts, root } = fakePorts();
    writeFileSync(join(root, "f.txt"), "x");
    await artifacts.upload("a-1", [join(root, "f.txt")], root);
    expect(await artifacts.upload("a-1", [], root)).toEqual({ kind: "exists", name: "a-1" });
    const list = await artifacts.list("a-");
    const [artifact] = list.kind === "listed" ? list.artifacts : [];
    if (artifact === undefined) throw new Error("not listed");
    await artifacts.download(artifact, join(root, "down"));
    expect(readFileSync(join(root, "down", "f.txt"), "utf8")).toBe("x");
    artifacts.damaged.add("a-1");
    expect(await artifacts.download(artifact, join(root, "other"))).toMatchObject({
      kind: "mismatch",
    });
  });
});

describe("scriptedProcesses", () => {
  const command = { file: "go", args: ["env", "GOOS"], cwd: "/", env: {} };

  it("answers by leading words, pattern or predicate, and records", async () => {
    const processes = scriptedProcesses([
      { match: ["go", "env"], exit: { stdout: "linux\n" } },
      { match: /^git /, exit: { code: 128, stderr: "fatal" } },
      { match: ({ args }) => args.length === 0, exit: () => ({ kind: "not-found" }) },
    ]);
    const heard: string[] = [];
    const exit = await processes.run({
      ...command,
      onStdout: (chunk) => heard.push(Buffer.from(chunk).toString()),
    });
    expect(exit).toMatchObject({ kind: "exited", code: 0, stdout: "linux\n" });
    expect(heard).toEqual(["linux\n"]);
    expect(await processes.run({ ...command, file: "git" })).toMatchObject({ code: 128 });
    expect(await processes.run({ ...command, file: "x", args: [] })).toMatchObject({
      kind: "not-found",
    });
    expect(processes.lines()).toEqual(["go env GOOS", "git env GOOS", "x"]);
  });

  it("does not let an unexpected command pass", async () => {
    await expect(scriptedProcesses().run(command)).rejects.toThrow("no rule for: go env GOOS");
  });

  it("starts nothing when cancelled", async () => {
    const processes = scriptedProcesses([{ match: [], exit: {} }]);
    const exit = await processes.run({ ...command, signal: AbortSignal.abort() });
    expect(exit.kind).toBe("cancelled");
  });
});

describe("scriptedHttp", () => {
  it("answers in turn, by exact line or prefix, and records", async () => {
    const http = scriptedHttp({
      "GET http://h/a": [{ status: 503 }, { body: { ok: true } }],
      "PUT http://h/*": (request) => ({ status: 201, headers: { Location: request.url } }),
    });
    const get = { method: "GET", url: "http://h/a" } as const;
    expect((await http.request(get)).status).toBe(503);
    expect((await http.request(get)).body.toString()).toBe('{"ok":true}');
    expect((await http.request(get)).status).toBe(200);
    const put = await http.stream({ method: "PUT", url: "http://h/x/y" });
    expect(put.headers).toEqual({ location: "http://h/x/y" });
    await expect(http.request({ method: "GET", url: "http://h/none" })).rejects.toThrow("no route");
    expect(http.lines()).toHaveLength(5);
  });
});

describe("testClock", () => {
  it("moves by sleeping", async () => {
    const clock = testClock({ start: 0 });
    await clock.sleep(100);
    expect([clock.now(), clock.sleeps]).toEqual([100, [100]]);
  });

  it("wakes sleepers in order when it is moved by hand", async () => {
    const clock = testClock({ start: 0, mode: "manual" });
    const woken: string[] = [];
    const late = clock.sleep(200).then(() => woken.push(`late ${clock.now()}`));
    const early = clock.sleep(100).then(() => woken.push("early"));
    clock.advance(150);
    await early;
    expect(woken).toEqual(["early"]);
    clock.advance(100);
    await late;
    expect(clock.now()).toBe(250);
  });

  it("lets go of sleepers that are cancelled", async () => {
    const clock = testClock({ mode: "manual" });
    const abort = new AbortController();
    const sleeping = clock.sleep(1, abort.signal);
    abort.abort(new Error("enough"));
    await expect(sleeping).rejects.toThrow("enough");
    await expect(clock.sleep(1, abort.signal)).rejects.toThrow("enough");
  });
});

describe("inputsOf", () => {
  const spec = {
    name: required({ description: "A name." }),
    "dry-run": flag({ description: "A flag.", default: "false" }),
  };

  it("decodes as a workflow's inputs are decoded", () => {
    expect(inputsOf(spec, { name: "x" })).toEqual({ name: "x", dryRun: false });
    expect(() => inputsOf(spec)).toThrow(/name is required/);
  });
});
