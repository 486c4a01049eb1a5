// What may go wrong between a job and its caches. The job is never wrong and never fails for the
// cache's sake, and one line of its log says what happened.
import { execFile, execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import type { StepResult } from "@go-cicd/local/contract/step.ts";
import type { Fault } from "@go-cicd/local/services/faults.ts";
import { startServices, type Services } from "@go-cicd/local/services/server.ts";
import { fixtureAction } from "../support/fixture-action.ts";
import { contents, filesBelow, go, jobOn, machine, text, type Options } from "../support/go-job.ts";

jest.setTimeout(240_000);

const whole = go === undefined ? describe.skip : describe;
const asRoot = process.getuid?.() === 0 ? it : it.skip;

let folder: string;
let services: Services;
beforeEach(async () => {
  folder = tempFolder();
  services = await startServices({ folder });
});
afterEach(() => services.close());

const job = (options: Options = {}, of = services) => jobOn(of, machine(), options);
const outputs = (gocache: string): string[] =>
  filesBelow(gocache).filter((path) => path.endsWith("-d"));

/** Nothing is half there: each output is what its name says, each index entry names one. */
function expectSound(gocache: string): void {
  for (const [path, sum] of Object.entries(contents(gocache))) {
    if (path.endsWith("-d")) expect(path.slice(3, 67)).toBe(sum);
    if (!path.endsWith("-a")) continue;
    const output = readFileSync(join(gocache, path), "latin1").split(" ")[2] ?? "";
    expect(existsSync(join(gocache, output.slice(0, 2), `${output}-d`))).toBe(true);
  }
}

function expectFine(...stages: StepResult[]): void {
  expect(stages.map(({ conclusion }) => conclusion)).toEqual(stages.map(() => "success"));
}

const BLOBS = /\/blobs\//;

whole("a restore", () => {
  it.each([
    [
      "the service answers 500",
      { path: /GetCacheEntry/, misbehaviour: { kind: "status", status: 500 } },
      /miss \(unavailable: .*500/,
    ],
    [
      "the service answers 429",
      { path: /GetCacheEntry/, misbehaviour: { kind: "status", status: 429 } },
      /miss \(unavailable: .*429/,
    ],
    [
      "the service answers nonsense",
      { path: /GetCacheEntry/, misbehaviour: { kind: "status", status: 200, body: "<html>" } },
      /miss \(/,
    ],
    [
      "the blob is gone",
      { path: BLOBS, method: "GET", misbehaviour: { kind: "status", status: 404 } },
      /miss \(unavailable: .*404/,
    ],
    [
      "the connection is reset in the middle",
      {
        path: BLOBS,
        method: "GET",
        misbehaviour: { kind: "reset", side: "response", afterBytes: 20_000 },
      },
      /miss \(unavailable|corrupt/,
    ],
    [
      "the entry is cut off, and nothing else looks broken",
      { path: BLOBS, method: "GET", misbehaviour: { kind: "truncate", bytes: 20_000 } },
      /corrupt \(/,
    ],
    [
      "a byte is another",
      { path: BLOBS, method: "GET", misbehaviour: { kind: "alter", at: 20_000 } },
      /corrupt \(/,
    ],
  ] as [string, Fault, RegExp][])(
    "where %s is a miss, said in one line",
    async (_, fault, line) => {
      await job({ seed: "one" });
      const end = services.fault(fault);
      const { on, main, post } = await job();
      expectFine(main, post);
      const said = main.log.filter((each) => /· build cache: /.test(each));
      expect(said).toHaveLength(1);
      expect(said[0]).toMatch(new RegExp(`build cache: ${line.source}`));
      expect(outputs(on.gocache)).toEqual([]);
      // The twin: without the fault it is a hit.
      end();
      const after = await job();
      expect(after.main.outputs["build-hit"]).toBe("true");
      expect(outputs(after.on.gocache)).toHaveLength(200);
    },
  );

  it("refuses the entry of another kind under its name", async () => {
    await job({ seed: "one" });
    const entries = await services.cache.list();
    const modules = entries.find(({ key }) => key.startsWith("go-cicd-modules"));
    const build = entries.find(({ key }) => key.startsWith("go-cicd-build"));
    // Somebody swapped the two.
    const body = readFileSync(blobFile(modules?.blob ?? ""), "latin1");
    writeFileSync(blobFile(build?.blob ?? ""), body, "latin1");
    const { on, main } = await job();
    expectFine(main);
    expect(text(main)).toMatch(/build cache: (corrupt|miss) \(/);
    expect(outputs(on.gocache)).toEqual([]);
  });

  it("refuses what unpacks to far more than it says, before it fills anything", async () => {
    await job({ seed: "one" });
    const entry = (await services.cache.list()).find(({ key }) => key.startsWith("go-cicd-build"));
    writeFileSync(blobFile(entry?.blob ?? ""), zstdCompressSync(Buffer.alloc(512 * 1024 * 1024)));
    const { on, main } = await job();
    expectFine(main);
    expect(text(main)).toMatch(/build cache: (corrupt|miss) \(/);
    expect(outputs(on.gocache)).toEqual([]);
  });

  it("adds to a module cache with read-only files that is there before, and changes none of them", async () => {
    await job({ seed: "one" });
    const on = machine();
    const tree = join(on.gomodcache, "github.com/pkg/errors@v0.9.1");
    mkdirSync(tree, { recursive: true });
    writeFileSync(join(tree, "errors.go"), "mine\n", { mode: 0o444 });
    chmodSync(tree, 0o555);
    const { main, post } = await jobOn(services, on);
    expectFine(main, post);
    expect(main.outputs["modules-hit"]).toBe("true");
    expect(readFileSync(join(tree, "errors.go"), "utf8")).toBe("mine\n");
    expect(text(main)).toMatch(/modules: exact, .*, 1 were there/);
    chmodSync(tree, 0o755);
  });

  it("does no harm to a go command that runs meanwhile, nor that to it", async () => {
    await job({ seed: "one", extra: 300 });
    const on = machine();
    const building = promisify(execFile)(go ?? "", ["build", "fmt"], {
      cwd: on.workspace,
      env: {
        PATH: process.env["PATH"],
        HOME: on.home,
        GOCACHE: on.gocache,
        GOTOOLCHAIN: "local",
        GOFLAGS: "-mod=mod",
      },
    });
    while (!existsSync(on.gocache)) await sleep(5);
    const { main, post } = await jobOn(services, on);
    await expect(building).resolves.toMatchObject({ stderr: "" });
    expectFine(main, post);
    expect(main.outputs["build-hit"]).toBe("true");
    // What was restored, and what the command made.
    expect(outputs(on.gocache).length).toBeGreaterThan(510);
    expectSound(on.gocache);
  });

  it("that is killed in the middle leaves nothing half, and the next one on the machine succeeds", async () => {
    await job({ seed: "one", extra: 300 });
    const slow = await startServices({ folder, line: { roundTripMs: 1, bytesPerSecond: 700_000 } });
    const on = machine();
    try {
      const kill = new AbortController();
      const running = jobOn(slow, on, { kill: kill.signal }).catch(() => undefined);
      while (outputs(on.gocache).length < 20) await sleep(10);
      kill.abort();
      await running;
    } finally {
      await slow.close();
    }
    const left = outputs(on.gocache).length;
    expect(left).toBeGreaterThanOrEqual(20);
    expect(left).toBeLessThan(500);
    expectSound(on.gocache);
    // The same machine again, as a self-hosted one is.
    const { main } = await jobOn(services, on);
    expectFine(main);
    expect(main.outputs["build-hit"]).toBe("true");
    expect(outputs(on.gocache)).toHaveLength(500);
    expectSound(on.gocache);
  });
});

whole("a save", () => {
  it.each([
    [
      "the service answers 429",
      { path: /CreateCacheEntry/, misbehaviour: { kind: "status", status: 429 } },
    ],
    [
      "the service answers 500",
      { path: /CreateCacheEntry/, misbehaviour: { kind: "status", status: 500 } },
    ],
    [
      "the upload breaks",
      {
        path: BLOBS,
        method: "PUT",
        misbehaviour: { kind: "reset", side: "request", afterBytes: 1_000 },
      },
    ],
    [
      "the entry is not finished",
      { path: /FinalizeCacheEntry/, misbehaviour: { kind: "status", status: 500 } },
    ],
  ] as [string, Fault][])("where %s fails nothing, and leaves no entry", async (_, fault) => {
    const end = services.fault(fault);
    const { main, post } = await job({ seed: "one" });
    expectFine(main, post);
    expect(text(post)).toMatch(/build cache: not saved: /);
    end();
    // Other content: a name that was taken and not finished stays taken for a while.
    const after = await job({ seed: "two" });
    expect(after.main.outputs["build-hit"]).toBe("false");
    expect(text(after.post)).toMatch(/build cache: saved /);
  });

  it("where the cache is full says so", async () => {
    await services.close();
    services = await startServices({ folder, cacheBytes: 100_000 });
    const { main, post } = await job({ seed: "one" });
    expectFine(main, post);
    expect(text(post)).toMatch(/build cache: not saved: /);
  });

  asRoot("where the disk is full fails nothing", async () => {
    const temp = tempFolder();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=400k", "tmpfs", temp]);
    try {
      const { main, post } = await job({ seed: "one", temp, keepTemp: true });
      expectFine(main, post);
      expect(text(post)).toMatch(/build cache: not saved: .*ENOSPC/);
    } finally {
      execFileSync("umount", [temp]);
    }
  });

  it("that is killed leaves no entry that anybody could be given", async () => {
    const slow = await startServices({ folder, line: { roundTripMs: 1, bytesPerSecond: 300_000 } });
    try {
      const kill = new AbortController();
      const running = jobOn(slow, machine(), { seed: "one", extra: 300, kill: kill.signal }).catch(
        () => undefined,
      );
      const uploads = (): boolean =>
        slow.requests.some(({ method, path }) => method === "PUT" && BLOBS.test(path));
      while (!uploads()) await sleep(10);
      await sleep(500);
      kill.abort();
      await running;
    } finally {
      await slow.close();
    }
    const { on, main } = await job();
    expectFine(main);
    expect(main.outputs["build-hit"]).toBe("false");
    expect(outputs(on.gocache)).toEqual([]);
  });
});

whole("a job", () => {
  it("that is cancelled after it was given a cache still keeps all of it", async () => {
    await job({ seed: "one" });
    const cancel = new AbortController();
    const on = machine();
    const running = jobOn(services, on, {
      signal: cancel.signal,
      between: fixtureAction({ main: "setTimeout(() => {}, 60000);" }),
    });
    while (outputs(on.gocache).length < 200) await sleep(20);
    await sleep(1_000);
    cancel.abort();
    const { main, post } = await running;
    expectFine(main, post);
    expect(text(post)).toMatch(/200 outputs used or new, 0 items left behind/);
    const after = await job();
    expect(outputs(after.on.gocache)).toHaveLength(200);
  });

  it("that sets up Go twice keeps what it used, whichever of the two gave it", async () => {
    await job({ seed: "one" });
    const { main, post } = await job({ seed: "one", extra: 50, twice: true });
    expectFine(main, post);
    expect(text(main)).toMatch(/build cache: exact/);
    const after = await job();
    expect(after.main.outputs["build-hit"]).toBe("true");
    expect(outputs(after.on.gocache)).toHaveLength(250);
    expectSound(after.on.gocache);
  });
});

/** Where the service keeps a blob. */
function blobFile(blob: string): string {
  const found = filesBelow(folder).filter((path) => path.includes(blob) && !path.endsWith(".json"));
  expect(found).toHaveLength(1);
  return join(folder, found[0] ?? "");
}
