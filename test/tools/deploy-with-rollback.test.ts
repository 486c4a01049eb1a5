// The committed bundle against real Go services, killed wherever it can be killed.
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { programImage } from "../../actions/deploy-with-rollback/src/testing/service-image.ts";
import {
  ask,
  freePort,
  journalOf,
  statusOf,
  stopTarget,
} from "../../actions/deploy-with-rollback/src/testing/target.ts";
import { DeployStep, type StageEnd } from "../support/deploy-step.ts";
import { requirePart } from "../support/real-parts.ts";

jest.setTimeout(120_000);

const go = requirePart("go");
const withGo = go === undefined ? describe.skip : describe;

const folder = tempFolder("deploy-");
const source = join(folder, "source");
let count = 0;

/** An image of the service as it is linked for this version and conduct. */
async function build(version: string, conduct = "well"): Promise<string> {
  if (!existsSync(source)) cpSync(resolve("test/fixtures/service"), source, { recursive: true });
  const binary = join(folder, `service-${version}-${conduct}`);
  execFileSync(
    go ?? "go",
    [
      "build",
      "-ldflags",
      `-s -w -X main.version=${version} -X main.conduct=${conduct}`,
      "-o",
      binary,
      ".",
    ],
    {
      cwd: source,
      env: { ...process.env, CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOFLAGS: "-trimpath" },
    },
  );
  return programImage(join(folder, `image-${version}-${conduct}`), readFileSync(binary));
}

interface Target {
  folder: string;
  port: number;
}

async function newTarget(): Promise<Target> {
  return { folder: join(folder, `target-${++count}`), port: await freePort() };
}

function step(target: Target, image: string, given: Record<string, string> = {}): DeployStep {
  return new DeployStep(join(folder, `step-${++count}`), {
    target: `local:${target.folder}`,
    image,
    port: String(target.port),
    "health-path": "/healthz",
    "health-interval": "50ms",
    "health-timeout": "1s",
    "health-successes": "2",
    "wait-timeout": "20s",
    "stable-for": "200ms",
    "stop-timeout": "2s",
    // Nothing but what is under test may come to the rescue.
    "dead-man-timeout": "600s",
    ...given,
  });
}

const deploy = (target: Target, image: string, given?: Record<string, string>): Promise<StageEnd> =>
  step(target, image, given).start("main");

const served = async ({ port }: Target): Promise<string | undefined> =>
  (await ask(port, "/version"))?.body;

/** One verified release serves; no lock, no open journal, nobody at work. */
async function expectWhole(target: Target, versions: Record<string, string>): Promise<void> {
  const status = statusOf(target.folder);
  expect(status).toMatchObject({ journal: "-", lock: "-" });
  const current = status["current"] ?? "";
  expect(status["running"]).toMatch(new RegExp(`^${current} \\d+$`));
  expect(existsSync(join(target.folder, "releases", current, "GOOD"))).toBe(true);
  expect(await ask(target.port, "/healthz")).toMatchObject({ status: 200 });
  // The process that answers is that of the release which is current.
  const image = readFileSync(join(target.folder, "releases", current, "root/app/service"));
  const body = (await served(target)) ?? "none";
  expect(versions[body] !== undefined && image.equals(readFileSync(versions[body] ?? ""))).toBe(
    true,
  );
}

async function until(what: () => boolean, ms = 30_000): Promise<void> {
  const end = Date.now() + ms;
  while (!what()) {
    if (Date.now() > end) throw new Error("it did not come about");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

withGo("a deploy of a real service", () => {
  let good: string;
  const targets: Target[] = [];
  const target = async (): Promise<Target> => {
    const made = await newTarget();
    targets.push(made);
    return made;
  };
  beforeAll(async () => {
    good = await build("1");
  });
  afterAll(() => {
    for (const { folder } of targets) stopTarget(folder);
  });

  test.each([
    ["sick", "health-status", { "wait-timeout": "4s" }],
    ["crash", "crash", {}],
    ["mute", "health-timeout", { "wait-timeout": "1s" }],
    ["well", "version-mismatch", { version: "other" }],
  ])("that is %s is rolled back: %s", async (conduct, reason, given) => {
    const where = await target();
    expect((await deploy(where, good)).outputs).toMatchObject({ result: "deployed", reason: "ok" });
    const bad = await deploy(where, await build("2", conduct), given);
    expect(bad).toMatchObject({ code: 1, outputs: { result: "rolled-back", reason } });
    expect(await served(where)).toBe("1");
    expect(statusOf(where.folder)).toMatchObject({ journal: "-", lock: "-" });
    if (conduct === "crash") expect(bad.said).toContain("panic: no database");
  });

  test("survives the end of its job: nothing it started carries the job's mark", async () => {
    const where = await target();
    await deploy(where, good);
    const pid = statusOf(where.folder)["running"]?.split(" ")[1] ?? "";
    expect(readFileSync(`/proc/${pid}/environ`, "utf8")).not.toContain("RUNNER_TRACKING_ID");
    const marked = readdirSync("/proc").filter((name) => {
      try {
        return readFileSync(`/proc/${name}/environ`, "utf8").includes("TRACKING_ID=github_test");
      } catch {
        return false;
      }
    });
    expect(marked).toEqual([]);
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "%s takes it back before the step ends",
    async (signal) => {
      const where = await target();
      await deploy(where, good);
      const running = step(where, await build("2", "mute"), { "wait-timeout": "60s" });
      const ended = running.start("main");
      await until(() => journalOf(where.folder).includes("start"));
      running.child?.kill(signal);
      expect(await ended).toMatchObject({
        code: 1,
        outputs: { result: "rolled-back", reason: "cancelled" },
      });
      expect(await served(where)).toBe("1");
      expect((await running.start("post")).code).toBe(0);
      expect(statusOf(where.folder)).toMatchObject({ journal: "-", lock: "-" });
    },
  );

  test("the first one of a target, killed, leaves nothing behind", async () => {
    const where = await target();
    const running = step(where, good, { "stable-for": "60s" });
    const ended = running.start("main");
    await until(() => journalOf(where.folder).includes("start"));
    running.killTree();
    await ended;
    const post = await running.start("post");
    expect(post.said).toContain("failed");
    expect(await served(where)).toBeUndefined();
    expect(statusOf(where.folder)).toMatchObject({
      running: "-",
      journal: "-",
      lock: "-",
      current: "",
    });
  });
});

/** Who finishes what a killed step left. */
type Finisher = "post" | "next run" | "recover" | "timer";
const FINISHERS: Finisher[] = ["post", "next run", "recover", "timer"];

withGo("kill -9 of the step and of its whole tree", () => {
  let target: Target;
  let duration = 0;
  const images: Record<string, string> = {};
  const binaries: Record<string, string> = {};

  beforeAll(async () => {
    target = await newTarget();
    for (const version of ["1", "2", "3"]) {
      images[version] = await build(version);
      binaries[version] = join(folder, `service-${version}-well`);
    }
    await deploy(target, images["1"] ?? "");
    // How long a whole deploy takes on this machine, so that the random moments hit all of it.
    const started = performance.now();
    await deploy(target, images["2"] ?? "");
    duration = performance.now() - started;
    expect(await served(target)).toBe("2");
  });
  afterAll(() => {
    stopTarget(target.folder);
  });

  /** Kills a deploy of another version when `moment` has come, and lets one hand finish it. */
  async function killed(
    moment: () => Promise<void>,
    finisher: Finisher,
    tree: boolean,
  ): Promise<void> {
    const before = (await served(target)) ?? "none";
    const next = before === "2" ? "3" : "2";
    const timer = finisher === "timer" ? { "dead-man-timeout": "4s" } : {};
    const running = step(target, images[next] ?? "", timer);
    const ended = running.start("main");
    await Promise.race([moment(), ended]);
    if (tree) running.killTree();
    else running.killProcess();
    await ended;
    switch (finisher) {
      case "post": {
        const post = await running.start("post");
        expect(post.code).toBe(0);
        break;
      }
      case "recover":
        expect((await deploy(target, "", { mode: "recover" })).code).toBe(0);
        break;
      case "next run":
        expect(await deploy(target, images["1"] ?? "")).toMatchObject({ code: 0 });
        break;
      case "timer":
        await until(() => statusOf(target.folder)["lock"] === "-", 60_000);
    }
    await expectWhole(target, binaries);
  }

  const boundaries = [
    "lock",
    "begin",
    "copied",
    "switch",
    "stop",
    "start",
    "commit",
    "end",
  ] as const;

  const reached = (boundary: (typeof boundaries)[number]) => async (): Promise<void> => {
    const locked = (): boolean => existsSync(join(target.folder, ".deploy/lock"));
    if (boundary === "lock") return until(locked);
    if (boundary !== "end") return until(() => journalOf(target.folder).includes(boundary));
    await until(() => journalOf(target.folder).includes("commit"));
    return until(() => journalOf(target.folder).length === 0);
  };

  // Post and the timer at every boundary; the two that start from another step take turns.
  const cases = boundaries.flatMap((boundary, at) => {
    const other: Finisher = at % 2 === 0 ? "next run" : "recover";
    return (["post", "timer", other] as const).map((finisher) => [boundary, finisher] as const);
  });
  test.each(cases)("at %s, finished by %s", async (boundary, finisher) => {
    await killed(reached(boundary), finisher, true);
  });

  // A fixed seed: what failed once can be looked at again.
  const random = generator(20_260_102);
  test.each(
    Array.from({ length: 20 }, (_, at) => {
      const finisher = FINISHERS[at % FINISHERS.length] ?? "post";
      return [Math.round(random() * 1_100) / 1_000, finisher, at % 3 !== 0] as const;
    }),
  )("after %d of its time, finished by %s (whole tree: %s)", async (part, finisher, tree) => {
    const ms = part * duration;
    await killed(() => new Promise((resolve) => setTimeout(resolve, ms)), finisher, tree);
  });
});

/** mulberry32: small, seeded, good enough to scatter moments. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
