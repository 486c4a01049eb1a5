import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import type { StepResult } from "@go-cicd/local/contract/step.ts";
import { startServices, type Services } from "@go-cicd/local/services/server.ts";
import {
  contents,
  filesBelow,
  go,
  jobOn as jobWith,
  machine,
  MAIN,
  text,
  version,
  type Machine,
  type Options,
} from "../support/go-job.ts";

jest.setTimeout(240_000);

const whole = go === undefined ? describe.skip : describe;

let services: Services;
let kept: string;
beforeEach(async () => {
  kept = tempFolder();
  services = await startServices({ folder: kept });
});
afterEach(() => services.close());

const jobOn = (on: Machine, options: Options = {}) => jobWith(services, on, options);

const job = (seed: string, options: Options = {}) => jobOn(machine(), { ...options, seed });

/** Main alone. */
async function mainOn(on: Machine, options: Options = {}): Promise<StepResult> {
  return (await jobOn(on, options)).main;
}

/** Exchanges a text in a compressed file; false where it is not in there. */
function exchange(path: string, before: string, after: string): boolean {
  const packed = readFileSync(path);
  const gzip = packed.readUInt16BE(0) === 0x1f8b;
  // An artifact lies there as well, as a zip.
  if (!gzip && packed.readUInt32LE(0) !== 0xfd2fb528) return false;
  const bytes = gzip ? gunzipSync(packed) : zstdDecompressSync(packed);
  const at = bytes.indexOf(before);
  if (at < 0) return false;
  bytes.write(after, at);
  writeFileSync(path, gzip ? gzipSync(bytes) : zstdCompressSync(bytes));
  return true;
}

whole("the bundle of setup-go-cached", () => {
  it("saves what a job leaves, and brings it to the next machine", async () => {
    const first = await job("one");
    expect(first.main).toMatchObject({ conclusion: "success" });
    expect(first.main.outputs).toMatchObject({ "go-version": version, "cache-hit": "false" });
    expect(first.main.env).toMatchObject({
      GOTOOLCHAIN: "local",
      GOCACHE: first.on.gocache,
      GOMODCACHE: first.on.gomodcache,
    });
    expect(first.main.path).toContain(join(first.on.home, "go/bin"));
    expect(text(first.post)).toMatch(/modules: saved .* as go-cicd-modules-v2-Linux-.*-base-/);
    // 200 outputs, the list of what made them, and how long this took.
    expect(text(first.post)).toMatch(/build cache: saved .* in 202 files as .*-base-/);

    const before = contents(first.on.gocache);
    const modules = filesBelow(first.on.gomodcache);
    const second = machine();
    const { main, post } = await jobOn(second);
    expect(main.outputs).toMatchObject({
      "cache-hit": "true",
      "modules-hit": "true",
      "build-hit": "true",
    });
    expect(Number(main.outputs["restored-bytes"])).toBeGreaterThan(800_000);
    expect(main.summary).toMatch(/build cache and test results \| exact/);
    expect(text(main)).toMatch(/Key of the build cache: go-cicd-build-v2-Linux-/);
    expect(contents(second.gocache)).toEqual(before);
    expect(filesBelow(second.gomodcache)).toEqual(modules.filter((path) => !path.endsWith(".zip")));
    expect(text(post)).toContain("modules: not saved: nothing is new");
    expect(text(post)).toContain("build cache: not saved");
    expect(post.annotations).toEqual([]);
  });

  it("refuses entries whose bytes were altered, and leaves nothing of them", async () => {
    await job("one");
    services.fault({ method: "GET", misbehaviour: { kind: "alter", at: 9_000 } });
    const on = machine();
    const { conclusion, outputs, annotations } = await mainOn(on);
    expect(conclusion).toBe("success");
    expect(outputs).toMatchObject({ "build-hit": "false", "go-version": version });
    expect(annotations.map(({ level, title }) => `${level} ${title ?? ""}`)).toContain(
      "warning Damaged cache entry",
    );
    expect(filesBelow(on.gocache)).toEqual(["trim.txt"]);
  });

  it("refuses entries whose contents were exchanged, however well they are packed again", async () => {
    await job("one");
    // The same length, a whole archive, a whole compression: only the contents' own sum is left.
    const exchanged = filesBelow(join(kept, "blobs")).map((name) =>
      exchange(join(kept, "blobs", name), "package errors\n", "package errorz\n"),
    );
    expect(exchanged).toContain(true);
    const on = machine();
    const { conclusion, outputs, annotations } = await mainOn(on);
    expect(conclusion).toBe("success");
    expect(outputs).toMatchObject({ "modules-hit": "false", "build-hit": "true" });
    expect(annotations.map(({ level, title }) => `${level} ${title ?? ""}`)).toContain(
      "warning Damaged cache entry",
    );
    expect(filesBelow(on.gomodcache)).toEqual([]);
  });

  it("saves nothing with a token that may only read, and nothing fails", async () => {
    const reader = [{ ...MAIN, write: false }];
    const { main, post } = await job("one", { scopes: reader });
    expect([main.conclusion, post.conclusion]).toEqual(["success", "success"]);
    expect(text(post)).toContain("modules: not saved: read-only");
    expect(text(post)).toContain("build cache: not saved: read-only");
    expect(post.annotations).toEqual([]);
  });

  it("does not wait for ever for a service that hangs", async () => {
    services.fault({ path: /CacheService/, misbehaviour: { kind: "hang" } });
    const { main, post } = await job("one");
    expect([main.conclusion, post.conclusion]).toEqual(["success", "success"]);
    expect(main.outputs).toMatchObject({ "cache-hit": "false", "go-version": version });
    expect(text(main)).toMatch(/modules: miss \(unavailable: /);
    expect(text(post)).toMatch(/modules: not saved: .*nothing came/);
  });

  it("uses no build cache in a job that can ask for an OIDC token", async () => {
    await job("one", { module: "package altered\n" });
    const on = machine();
    const { outputs, log } = await mainOn(on, {
      services: services.environment({
        runId: "2",
        jobId: "2-release",
        scopes: [MAIN],
        idToken: { sub: "repo:acme/orders:ref:refs/heads/main" },
      }),
    });
    expect(outputs).toMatchObject({ "build-hit": "false", "modules-hit": "false" });
    expect(log.join("\n")).toContain("1 modules in the cache are not what go.sum says");
    expect(filesBelow(on.gocache)).toEqual([]);
    expect(filesBelow(on.gomodcache)).toEqual([]);
  });

  it("says everything that is wrong with its inputs at once", async () => {
    const { conclusion, annotations } = await mainOn(machine(), {
      inputs: { cache: "perhaps", "check-latest": "1" },
    });
    expect(conclusion).toBe("failure");
    expect(annotations).toHaveLength(1);
    expect(annotations[0]?.message).toMatch(/check-latest must be .*[\s\S]*cache must be /);
  });

  it.each([
    [{ "go-version": "one.two" }, /"one\.two" is no Go version[\s\S]*oldstable/],
    [{ "go-version": "1.19" }, /Go 1\.19 is older than 1\.24/],
    [{ "go-version": "", "go-version-file": "none" }, /The version file none does not exist/],
    [{ "working-directory": "../.." }, /outside of the workspace/],
    [
      { "go-version": "1.24.99", "go-download-base-url": "http://127.0.0.1:1" },
      /needs go-download-sha256/,
    ],
    [{ architecture: "z80" }, /"z80" is no architecture of Go[\s\S]*x64 \(amd64\)/],
    [{ gotoolchain: "newest" }, /gotoolchain must be local, auto/],
    [{ "cache-dependency-path": "nothing/*.sum" }, /nothing\/\*\.sum matches no file/],
  ] as [Record<string, string>, RegExp][])("names the remedy for %j", async (inputs, message) => {
    const { conclusion, annotations } = await mainOn(machine(), { inputs });
    expect(conclusion).toBe("failure");
    expect(annotations).toHaveLength(1);
    expect(annotations[0]?.message).toMatch(message);
  });

  const root = process.getuid?.() === 0 ? it : it.skip;
  root("goes on where the disk is full, and leaves nothing half there", async () => {
    await job("one");
    const on = machine();
    mkdirSync(on.gocache, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=300k", "tmpfs", on.gocache]);
    try {
      const { conclusion, outputs, log } = await mainOn(on);
      expect(conclusion).toBe("success");
      expect(outputs["build-hit"]).toBe("false");
      expect(log.join("\n")).toMatch(/build cache: miss \(unavailable: ENOSPC/);
      expect(filesBelow(on.gocache)).toEqual(["trim.txt"]);
    } finally {
      execFileSync("umount", [on.gocache]);
    }
  });
});
