import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { systemClock } from "@go-cicd/core/adapters/clock.ts";
import { readInputs } from "@go-cicd/core/inputs.ts";
import type { ReleaseRecord } from "@go-cicd/core/record.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { realProcesses } from "@go-cicd/core/testing/processes.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { inputs as spec } from "./inputs.ts";
import { main, post } from "./run.ts";
import { serviceImage, type Conduct } from "./testing/service-image.ts";
import { ask, freePort, statusOf, stopTarget } from "./testing/target.ts";

// Real processes on a machine that may be busy.
jest.setTimeout(120_000);

/** The whole door on a real folder, a real agent and real processes; only the runner is faked. */
let folder: string;
let target: string;
let port: number;

beforeEach(async () => {
  folder = tempFolder();
  target = join(folder, "target");
  port = await freePort();
});

afterEach(() => {
  stopTarget(target);
});

const image = (conduct: Conduct, version = "1"): Promise<string> =>
  serviceImage(join(folder, `${conduct}-${version}`), conduct, version);

const QUICK = {
  "health-path": "/healthz",
  "health-interval": "50ms",
  "health-timeout": "2s",
  "health-successes": "2",
  "wait-timeout": "20s",
  "stable-for": "100ms",
  "stop-timeout": "2s",
};

type Given = Record<string, string>;

function step(given: Given = {}, processes = realProcesses()) {
  const ports = fakePorts({ processes, clock: systemClock() });
  const values: Given = { target: `local:${target}`, port: String(port), ...QUICK, ...given };
  const inputs = () =>
    readInputs(spec, {
      input: (name) => values[name] ?? "",
      config: () => undefined,
      mask: () => undefined,
    });
  const run = async () => {
    const { outputs, failure } = await main(inputs(), ports);
    const record = JSON.parse(readFileSync(outputs.record ?? "", "utf8")) as ReleaseRecord;
    return { ...outputs, failure, record_: record };
  };
  return { ports, run, main: () => main(inputs(), ports), post: () => post(inputs(), ports) };
}

const deployed = async (conduct: Conduct, version = "1", given: Given = {}) =>
  step({ image: await image(conduct, version), ...given }).run();

describe("a deploy", () => {
  test("brings the image's program out, with the image's arguments word for word", async () => {
    const ran = step({ image: await image("well"), env: 'CANARY=abc\nTEXT=it\'s $(x) `y` "z"' });
    const result = await ran.run();
    expect(result).toMatchObject({ result: "deployed", reason: "ok", failure: undefined });
    expect(await ask(port, "/healthz")).toEqual({ status: 200, body: "well abc" });
    expect(
      readFileSync(join(target, ".deploy/logs", `${result.release ?? ""}.log`), "utf8"),
    ).toContain("with --flag|it's|a $(touch /tmp/x) b");
    expect(statusOf(target)).toMatchObject({
      current: result.release,
      good: result.release,
      journal: "-",
      lock: "-",
    });
    expect(result.record_).toMatchObject({ serving: result.release, previousRelease: null });
    expect(result.record_.steps.map(({ name }) => name)).toEqual([
      "fetch image",
      "copy and verify",
      "switch",
      "stop old",
      "start new",
      "health check",
      "stability window",
      "commit",
    ]);
    expect(await ran.ports.artifacts.list(`go-cicd-release-${result.release ?? ""}`)).toMatchObject(
      {
        artifacts: [{}],
      },
    );
  });

  test("of what serves already changes nothing", async () => {
    const first = await deployed("well");
    const { running } = statusOf(target);
    expect(await deployed("well")).toMatchObject({ result: "unchanged", release: first.release });
    expect(statusOf(target)["running"]).toBe(running);
    // Another environment is another release.
    const changed = await deployed("well", "1", { env: "CANARY=abc" });
    expect(changed).toMatchObject({ result: "deployed", "previous-release": first.release });
  });

  test.each<[Conduct, Given, string]>([
    ["sick", { "wait-timeout": "4s" }, "health-status"],
    ["crash", {}, "crash"],
    ["mute", { "wait-timeout": "1s" }, "health-timeout"],
    ["turns-sick", { "stable-for": "60s" }, "unstable"],
    ["turns-dead", { "stable-for": "60s" }, "crash"],
    ["well", { version: "3", "version-path": "/version" }, "version-mismatch"],
  ])("of a release that is %s (%j) ends on the one before: %s", async (conduct, given, reason) => {
    const good = await deployed("well", "1");
    const bad = await deployed(conduct, "2", given);
    expect(bad).toMatchObject({ result: "rolled-back", reason, "previous-release": good.release });
    expect(bad.failure?.code).toBe("deploy");
    expect(await ask(port, "/version")).toMatchObject({ body: '{"version":"1"}' });
    expect(statusOf(target)).toMatchObject({ current: good.release, journal: "-", lock: "-" });
    expect(bad.record_.serving).toBe(good.release);
    expect(bad.record_.times.detectMs).toBeGreaterThan(0);
    expect(bad.record_.times.restoreMs).toBeGreaterThan(0);
  });

  test("names the service's last words when it crashed", async () => {
    const ran = step({ image: await image("crash") });
    const result = await ran.run();
    expect(result).toMatchObject({ result: "failed", reason: "crash" });
    expect(result.failure?.message).toContain("exit status 3");
    expect(ran.ports.summary.blocks.join("")).toContain("panic: no database");
  });

  test("that fails as the first one leaves nothing running", async () => {
    expect(await deployed("sick", "1", { "wait-timeout": "4s" })).toMatchObject({
      result: "failed",
      reason: "health-status",
    });
    expect(await ask(port, "/")).toBeUndefined();
    expect(statusOf(target)).toMatchObject({ current: "", running: "-", journal: "-", lock: "-" });
  });

  test("ends a service that ignores SIGTERM", async () => {
    await deployed("stubborn", "1", { "stop-timeout": "1s" });
    expect(await deployed("well", "2")).toMatchObject({ result: "deployed" });
    expect(await ask(port, "/version")).toMatchObject({ body: '{"version":"2"}' });
  });

  test("goes back twice to the last verified release, never to a bad one", async () => {
    const good = await deployed("well", "1");
    await deployed("crash", "2");
    expect(await deployed("crash", "3")).toMatchObject({
      result: "rolled-back",
      "previous-release": good.release,
    });
    expect(await ask(port, "/version")).toMatchObject({ body: '{"version":"1"}' });
  });

  test("keeps as many old releases as asked, and always the current one", async () => {
    for (const version of ["1", "2", "3", "4"]) await deployed("well", version, { keep: "1" });
    expect(readdirSync(join(target, "releases"))).toHaveLength(2);
    expect(await ask(port, "/version")).toMatchObject({ body: '{"version":"4"}' });
  });
});

describe("what cannot work is refused before anything is changed", () => {
  let server: Server | undefined;
  afterEach(async () => {
    await new Promise((resolve) => (server === undefined ? resolve(0) : server.close(resolve)));
    server = undefined;
  });

  test("a port that somebody else holds", async () => {
    server = createServer();
    await new Promise<void>((resolve) => server?.listen(port, "127.0.0.1", resolve));
    const result = await deployed("well");
    expect(result).toMatchObject({ result: "refused", reason: "port-taken" });
    expect(result.failure?.message).toContain(`process ${process.pid}`);
    expect(statusOf(target)).toMatchObject({ journal: "-", lock: "-", current: "" });
    expect(readdirSync(join(target, "releases"))).toEqual([]);
  });

  test("a target that cannot be written", async () => {
    writeFileSync(join(folder, "file"), "");
    const ran = step({ image: await image("well"), target: `local:${join(folder, "file/x")}` });
    await expect(ran.main()).rejects.toMatchObject({ code: "environment" });
    await expect(ran.main()).rejects.toThrow("cannot be written");
  });

  test("a journal that cannot be written", async () => {
    const good = await deployed("well");
    mkdirSync(join(target, ".deploy/journal.new"));
    const result = await deployed("well", "2");
    expect(result).toMatchObject({ result: "refused", reason: "host" });
    expect(result.failure?.message).toContain("journal");
    expect(result.record_.serving).toBe(good.release);
    expect(statusOf(target)).toMatchObject({ current: good.release, journal: "-", lock: "-" });
  });

  test("an image for another platform", async () => {
    const other = await serviceImage(join(folder, "other"), "well", "1", {
      os: "plan9",
      architecture: "amd64",
    });
    await expect(step({ image: other }).main()).rejects.toThrow("has no image for");
    expect(readdirSync(join(target, "releases"))).toEqual([]);
  });

  test("an altered image", async () => {
    const reference = await image("well");
    const blobs = join(folder, "well-1/blobs/sha256");
    for (const blob of readdirSync(blobs)) {
      const bytes = readFileSync(join(blobs, blob));
      if (bytes[0] !== 0x1f) continue;
      bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 1;
      writeFileSync(join(blobs, blob), bytes);
    }
    await expect(step({ image: reference }).main()).rejects.toMatchObject({ code: "integrity" });
    expect(readdirSync(join(target, "releases"))).toEqual([]);
  });

  test("a tag, a bad variable, a bad path and a bad status, all in one message", async () => {
    const ran = step({
      image: "ghcr.io/acme/orders:latest",
      env: "GOOD=1\nsecret value",
      "health-path": "healthz",
      "health-status": "2xx",
      target: "ssh:host",
    });
    const message = await Promise.resolve()
      .then(ran.main)
      .then(
        () => "",
        (error: unknown) => String(error),
      );
    for (const part of ["has no digest", "env: line 2", "health-path", "2xx", "local:<folder>"]) {
      expect(message).toContain(part);
    }
    expect(message).not.toContain("secret value");
  });

  test("a target where another deploy is at work", async () => {
    await deployed("well");
    const stat = readFileSync(`/proc/self/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const { readlinkSync } = await import("node:fs");
    const space = readlinkSync("/proc/self/ns/pid");
    const lock = join(target, ".deploy/lock");
    writeFileSync(lock, `other ${process.pid} ${stat[19] ?? ""} ${boot} ${space} 30 acme\n`);
    const result = await deployed("well", "2");
    expect(result).toMatchObject({ result: "refused", reason: "locked" });
    expect(existsSync(lock)).toBe(true);
    // Its twin: the same holder with another start time is dead.
    writeFileSync(lock, `other ${process.pid} 1 ${boot} ${space} 30 acme\n`);
    expect(await deployed("well", "2")).toMatchObject({ result: "deployed" });
    expect(existsSync(lock)).toBe(false);
  });
});

describe("a rollback by hand", () => {
  test("goes to the verified release before, and may be told which", async () => {
    const first = await deployed("well", "1");
    const second = await deployed("well", "2");
    const back = await step({ mode: "rollback" }).run();
    expect(back).toMatchObject({
      result: "rolled-back",
      reason: "requested",
      release: first.release,
      failure: undefined,
    });
    expect(await ask(port, "/version")).toMatchObject({ body: '{"version":"1"}' });
    // What was rolled back from is only taken again when it is named.
    expect(await step({ mode: "rollback" }).run()).toMatchObject({ reason: "no-good-release" });
    const named = await step({ mode: "rollback", "release-to": second.release ?? "" }).run();
    expect(named).toMatchObject({ result: "rolled-back", release: second.release });
    expect(await ask(port, "/version")).toMatchObject({ body: '{"version":"2"}' });
  });

  test("to a release whose files were altered fails and changes nothing", async () => {
    const first = await deployed("well", "1");
    const second = await deployed("well", "2");
    writeFileSync(join(target, "releases", first.release ?? "", "root/app/service"), "#!/bin/sh\n");
    expect(await step({ mode: "rollback" }).run()).toMatchObject({
      result: "failed",
      reason: "integrity",
    });
    expect(await ask(port, "/version")).toMatchObject({ body: '{"version":"2"}' });
    expect(statusOf(target)).toMatchObject({ current: second.release, journal: "-", lock: "-" });
  });
});

describe("recovery", () => {
  test("finds nothing to do on a target that is whole", async () => {
    const good = await deployed("well");
    expect(await step({ mode: "recover" }).run()).toMatchObject({
      result: "unchanged",
      reason: "nothing-open",
      release: good.release,
      failure: undefined,
    });
  });

  test("starts a service that is down", async () => {
    await deployed("well");
    stopTarget(target);
    expect(await ask(port, "/")).toBeUndefined();
    expect(await step({ mode: "recover" }).run()).toMatchObject({ result: "rolled-back" });
    expect(await ask(port, "/")).toMatchObject({ status: 200 });
  });

  test("a cancelled step is back within its seconds, and post has nothing left to do", async () => {
    await deployed("well", "1");
    const ran = step({ image: await image("mute", "2"), "wait-timeout": "60s" });
    const running = ran.run();
    while (statusOf(target)["running"]?.startsWith(statusOf(target)["good"] ?? "-") !== false) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    ran.ports.cancel();
    expect(await running).toMatchObject({ result: "rolled-back", reason: "cancelled" });
    expect(await ask(port, "/version")).toMatchObject({ body: '{"version":"1"}' });
    await ran.post();
    expect(statusOf(target)).toMatchObject({ journal: "-", lock: "-" });
  });

  test("a way back that takes longer than a cancelled step keeps its lock", async () => {
    await deployed("well", "1");
    const real = realProcesses();
    const said: string[] = [];
    const slow: typeof real = {
      run: (command) => {
        const [, word = ""] = command.args;
        said.push(word);
        // It has begun, and does not come to its end while we look on.
        return real.run(word === "heal-now" ? { ...command, file: "true" } : command);
      },
    };
    const ran = step({ image: await image("mute", "2"), "wait-timeout": "60s" }, slow);
    const running = ran.run();
    while (!said.includes("observe")) await new Promise((resolve) => setTimeout(resolve, 20));
    ran.ports.cancel();
    expect(await running).toMatchObject({ result: "inconclusive", reason: "cancelled" });
    expect(said).toContain("heal-now");
    // Without its lock the host would stop in the middle.
    expect(said).not.toContain("unlock");
    const lock = join(target, ".deploy/lock");
    const [token = ""] = readFileSync(lock, "utf8").split(" ");
    execFileSync("sh", [join(target, ".deploy/agent.sh"), "heal-now", target, token]);
    while (existsSync(lock)) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await ask(port, "/version")).toMatchObject({ body: '{"version":"1"}' });
  });

  test("a step that the host has given up on is told so, and changes nothing any more", async () => {
    await deployed("well", "1");
    const ran = step({ image: await image("mute", "2"), "wait-timeout": "60s" });
    const running = ran.run();
    const lock = join(target, ".deploy/lock");
    while (!statusOf(target)["journal"]?.startsWith("start")) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const [token = ""] = readFileSync(lock, "utf8").split(" ");
    // What the dead-man's switch does when it has heard nothing for too long.
    execFileSync("sh", [join(target, ".deploy/agent.sh"), "heal-now", target, token]);
    expect(await running).toMatchObject({ result: "rolled-back", reason: "dead-man" });
    expect(await ask(port, "/version")).toMatchObject({ body: '{"version":"1"}' });
    expect(statusOf(target)).toMatchObject({ journal: "-", lock: "-" });
    expect(statusOf(target)["history"]).toContain('"by":"timer"');
  });

  test("a folder of a stranger is left alone", async () => {
    mkdirSync(target);
    writeFileSync(join(target, "mine"), "mine");
    await deployed("well");
    expect(readFileSync(join(target, "mine"), "utf8")).toBe("mine");
  });
});

test("values of the service's environment are in no record, summary, log or artifact", async () => {
  const canary = "canary-4711-secret";
  const ran = step({
    image: await image("sick"),
    env: `CANARY=${canary}`,
    "wait-timeout": "4s",
  });
  const result = await ran.run();
  const shown = JSON.stringify([
    result,
    ran.ports.summary.blocks,
    ran.ports.log,
    [...ran.ports.state.saved],
  ]);
  expect(shown).toContain("the canary is ***");
  expect(shown).not.toContain(canary);
  for (const name of ["journal", "history.jsonl", "lock", "healed"]) {
    const path = join(target, ".deploy", name);
    if (existsSync(path)) expect(readFileSync(path, "utf8")).not.toContain(canary);
  }
});
