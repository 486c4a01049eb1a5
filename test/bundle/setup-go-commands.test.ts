// What the committed bundle of setup-go-cached starts before the caches are back: no go command in
// the user's module, and none that writes into his caches (setup-go #403, #498: then a restore
// collides with read-only files, or a toolchain line switches the version).
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it, jest } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { runJob } from "@go-cicd/local/contract/job.ts";
import type { StepPlan } from "@go-cicd/local/contract/plan.ts";
import { localGo } from "../support/consumer.ts";
import { fixtureAction } from "../support/fixture-action.ts";
import { ModuleProxy } from "../support/module-proxy.ts";
import { requirePart } from "../support/real-parts.ts";

jest.setTimeout(240_000);

const go = requirePart("go");
const whole = go === undefined || requirePart("git") === undefined ? describe.skip : describe;

/** One start of the go command. */
interface Start {
  args: string;
  folder: string;
  env: Record<string, string>;
}

const TOLD = ["GOMODCACHE", "GOCACHE", "GOPATH", "GOTOOLCHAIN", "GOWORK", "GOFLAGS"];

whole("the go commands of setup-go-cached", () => {
  const root = tempFolder("commands-");
  const workspace = join(root, "work/orders");
  const home = join(root, "home");
  const records = join(root, "records");
  const bin = join(root, "bin");

  /** A `go` for PATH that notes where it was started, and with what. */
  function prepare(): void {
    for (const folder of [workspace, home, bin]) mkdirSync(folder, { recursive: true });
    const told = TOLD.map((name) => `${name}=$${name}`).join("\\n");
    const line = `$*\\n$PWD\\n${told}\\n--\\n`;
    writeFileSync(
      join(bin, "go"),
      `#!/bin/sh\nprintf '%b' "${line}" >>${records}\nexec ${go ?? ""} "$@"\n`,
    );
    chmodSync(join(bin, "go"), 0o755);
    // No go command gets by this without a word.
    writeFileSync(join(workspace, "go.mod"), "module x\n\ngo 1.98.1\n\ntoolchain go1.98.1\n");
    writeFileSync(join(workspace, "go.work"), "go 1.98.1\n\nuse .\n");
  }

  function starts(): Start[] {
    if (!existsSync(records)) return [];
    return readFileSync(records, "utf8")
      .split("\n--\n")
      .filter((record) => record !== "")
      .map((record) => {
        const [args = "", folder = "", ...env] = record.split("\n");
        const pairs = env.map((each) => /^(\w+)=(.*)$/s.exec(each)?.slice(1) ?? []);
        return { args, folder, env: Object.fromEntries(pairs) as Record<string, string> };
      });
  }

  /** Those that could have read the user's module, or written into his folders. */
  function meddling(): string[] {
    return starts()
      .filter(
        ({ folder, env }) =>
          folder.startsWith(workspace) ||
          env["GOWORK"] !== "off" ||
          env["GOTOOLCHAIN"] !== "local" ||
          [env["GOMODCACHE"], env["GOCACHE"], env["GOPATH"]].some(
            (path = "") => path === "" || path.startsWith(home),
          ),
      )
      .map(({ args }) => args);
  }

  const proxy = new ModuleProxy();
  const job = (steps: StepPlan[]) =>
    runJob(
      { id: "ci", steps },
      {
        workspace,
        temp: join(root, "temp"),
        toolCache: join(root, "tools"),
        inherited: {
          PATH: [bin, process.env["PATH"]].join(delimiter),
          HOME: home,
          LANG: "C.UTF-8",
          GOPROXY: proxy.url,
          GOSUMDB: "off",
          GOFLAGS: "-mod=vendor",
        },
      },
    );

  it("run outside of the module, with caches of their own", async () => {
    prepare();
    proxy.publish("example.com/acme/gen", "v1.0.0", {
      "main.go": "package main\n\nfunc main() {}\n",
    });
    const step = {
      id: "go",
      action: "setup-go-cached",
      with: {
        "go-version": `>=${localGo().slice(2)} <${localGo().slice(2)}0`,
        tools: "example.com/acme/gen@v1.0.0",
      },
    };
    const { stages } = await job([step]);
    expect(stages.map(({ result }) => result.conclusion)).toEqual(["success", "success"]);
    // What it is, what the settings are, and all that tools need.
    const words = new Set(starts().map(({ args }) => args.split(" ")[0]));
    expect(words).toContain("env");
    expect(meddling()).toEqual([]);
    expect(readdirSync(workspace).sort()).toEqual(["go.mod", "go.work"]);
    const left = readdirSync(home, { recursive: true }).map(String);
    expect(left.filter((path) => /pkg\/mod\/(?!cache$)|go-build\/[0-9a-f]{2}$/.test(path))).toEqual(
      [],
    );

    // The twin: a command of the job itself is seen.
    const main = `
const { spawnSync } = require("node:child_process");
spawnSync("go", ["version"], { cwd: ${JSON.stringify(workspace)}, env });`;
    await job([{ id: "own", action: fixtureAction({ main }) }]);
    expect(meddling()).toEqual(["version"]);
  });
});
