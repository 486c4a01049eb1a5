// Tools of setup-go-cached with a real go command and a module proxy in a folder.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, jest } from "@jest/globals";
import { systemClock } from "@go-cicd/core/adapters/clock.ts";
import type { Environment } from "@go-cicd/core/process.ts";
import type { RecordingLog } from "@go-cicd/core/testing/log.ts";
import { inputsOf } from "@go-cicd/core/testing/inputs.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { realProcesses } from "@go-cicd/core/testing/processes.ts";
import { memoryStore, type MemoryStore } from "@go-cicd/core/testing/store.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { runJob } from "@go-cicd/local/contract/job.ts";
import { inputs as spec } from "../../actions/setup-go-cached/src/inputs.ts";
import { post } from "../../actions/setup-go-cached/src/post.ts";
import { main } from "../../actions/setup-go-cached/src/run.ts";
import { removeTree } from "../../actions/setup-go-cached/src/tree.ts";
import { sourceDoor } from "../support/source-door.ts";
import { localGo } from "../support/consumer.ts";
import { ModuleProxy } from "../support/module-proxy.ts";
import { requirePart } from "../support/real-parts.ts";

jest.setTimeout(300_000);

const go = requirePart("go");
const whole = go === undefined || requirePart("git") === undefined ? describe.skip : describe;

/** Without an import, since every build compiles the standard library that it needs again. */
const says = (text: string): string => `package main\n\nfunc main() { println("${text}") }\n`;

whole("tools", () => {
  const folder = tempFolder("tools-");
  const proxy = new ModuleProxy();
  proxy.publish("example.com/acme/gen", "v1.0.0", {
    "cmd/one/main.go": says("one v1.0.0"),
    "cmd/two/main.go": says("two v1.0.0"),
    "cmd/broken/main.go": "package main\n\nfunc main() { missing() }\n",
  });
  proxy.publish("example.com/acme/gen", "v1.1.0", { "cmd/one/main.go": says("one v1.1.0") });
  const store = memoryStore();
  const ONE = "example.com/acme/gen/cmd/one@v1.0.0";
  const TWO = "example.com/acme/gen/cmd/two@v1.0.0";
  const folders: string[] = [];

  afterAll(() => {
    for (const each of [folder, ...folders]) removeTree(each);
  });

  /** A job of its own that sets up these tools, and does nothing else. */
  async function job(
    lines: string[],
    {
      env = {},
      from = store,
      between = () => undefined,
      event = "push",
    }: {
      env?: Environment;
      from?: MemoryStore;
      /** What the job's own steps do. */
      between?: (programs: string) => void;
      event?: string;
    } = {},
  ) {
    const ports = fakePorts({
      store: from,
      processes: realProcesses(),
      clock: systemClock(),
      context: { eventName: event },
      env: { GOPROXY: proxy.url, GOSUMDB: "off", GOFLAGS: "-mod=vendor", ...env },
    });
    folders.push(ports.root);
    writeFileSync(join(ports.context.workspace, "go.mod"), "module example.com/acme/orders\n");
    const values = { "go-version": localGo().replace("go", ""), "test-cache": "false" };
    const inputs = inputsOf(spec, { ...values, tools: lines.join("\n") });
    const started = from.keys().length;
    const { outputs } = await main(inputs, ports);
    const [programs = ""] = ports.paths;
    between(programs);
    await post(inputs, ports);
    return {
      ports,
      outputs,
      programs,
      built: ports.timeline.phases.map(({ phase }) => phase).filter((name) => /^build /.test(name)),
      saved: from
        .keys()
        .slice(started)
        .filter((key) => key.startsWith("go-cicd-tools-")),
    };
  }

  it("are built once, come back checked, and only a missing one is built", async () => {
    const cold = await job(["# generators", ONE]);
    expect(cold.built).toEqual(["build one"]);
    expect(cold.outputs["tools-hit"]).toBe("false");
    expect(run(cold.programs, "one")).toBe("one v1.0.0");
    expect(cold.saved).toHaveLength(1);
    expect(cold.saved[0]).not.toMatch(/main|refs|heads/);
    // Nothing of it is in the caches of the job.
    const { gocache = "", gomodcache = "" } = cold.outputs;
    expect(existsSync(join(gomodcache, "example.com"))).toBe(false);
    expect(existsSync(gocache) ? readdirSync(gocache).filter((x) => x.length === 2) : []).toEqual(
      [],
    );

    const warm = await job([ONE]);
    expect(warm.built).toEqual([]);
    expect(warm.outputs["tools-hit"]).toBe("true");
    expect(run(warm.programs, "one")).toBe("one v1.0.0");
    expect(warm.saved).toEqual([]);

    const more = await job([ONE, TWO]);
    expect(more.built).toEqual(["build two"]);
    expect(run(more.programs, "one") + run(more.programs, "two")).toBe("one v1.0.0two v1.0.0");
    expect(more.saved).toHaveLength(1);

    const newer = await job(["example.com/acme/gen/cmd/one@latest"]);
    expect(said(newer.ports)).toContain("example.com/acme/gen/cmd/one@latest is v1.1.0");
    expect(newer.built).toEqual(["build one"]);
    expect(newer.ports.log.messages("warning")).toEqual([]);
    expect(run(newer.programs, "one")).toBe("one v1.1.0");
    const same = await job(["example.com/acme/gen/cmd/one@v1.1.0"]);
    expect(same.built).toEqual([]);
  });

  it("are refused where what came is not what the sum says, and built again", async () => {
    const lying = new ModuleProxy();
    lying.publish("example.com/acme/gen", "v1.0.0", { "cmd/one/main.go": says("owned") });
    const poisoned = memoryStore();
    await job([ONE], { env: { GOPROXY: lying.url }, from: poisoned });
    const seen: string[] = [];
    const { built, ports, programs, saved } = await job([ONE], {
      from: poisoned,
      between: (at) => seen.push(run(at, "one")),
    });
    expect(seen).toEqual(["one v1.0.0"]);
    expect(built).toEqual(["build one"]);
    expect(ports.log.messages("warning").join("\n")).toMatch(
      /one .* did not pass its check: it says/,
    );
    expect(run(programs, "one")).toBe("one v1.0.0");
    // The good one is a newer entry, and what the next job gets.
    expect(saved).toHaveLength(1);
    const healed = await job([ONE], { from: poisoned });
    expect([healed.built, healed.ports.log.messages("warning")]).toEqual([[], []]);
    // The same entry passes where the sum is the liar's: it is the sum that bites.
    const believed = memoryStore();
    await job([ONE], { env: { GOPROXY: lying.url }, from: believed });
    const fooled = await job([ONE], { env: { GOPROXY: lying.url }, from: believed });
    expect(fooled.built).toEqual([]);
  });

  it("are refused where what came is no Go program", async () => {
    const poisoned = memoryStore();
    const { saved } = await job([ONE], { from: poisoned });
    const fake = tempFolder();
    writeFileSync(join(fake, "one"), "#!/bin/sh\necho owned\n", { mode: 0o755 });
    const key = `${saved[0]?.replace(/-[^-]+$/, "") ?? ""}-000000000000`;
    await poisoned.save({ name: "tools", key, roots: { tools: fake }, files: { tools: ["one"] } });
    const { built, ports, programs } = await job([ONE], { from: poisoned });
    expect(built).toEqual(["build one"]);
    expect(ports.log.messages("warning").join("\n")).toContain("it is no Go program");
    expect(run(programs, "one")).toBe("one v1.0.0");
  });

  it("are built fresh for a tag, and saved by nobody who may not", async () => {
    const asked = (): number => store.restores.filter(({ name }) => name === "tools").length;
    const before = asked();
    const tag = await job([ONE], { env: { GITHUB_REF: "refs/tags/v1.0.0" } });
    expect([tag.built, tag.saved, asked() - before]).toEqual([["build one"], [], 0]);
    const fork = await job([TWO], { from: memoryStore(), event: "pull_request_target" });
    expect([fork.built, fork.saved]).toEqual([["build two"], []]);
  });

  it("are not saved where the job changed them", async () => {
    const clean = memoryStore();
    const { ports, saved } = await job([ONE], {
      from: clean,
      between: (programs) => writeFileSync(join(programs, "one"), "#!/bin/sh\n"),
    });
    expect(saved).toEqual([]);
    expect(said(ports)).toContain("the job changed one");
  });

  it("fail the job when they do not build or do not exist, each said with go's own words", async () => {
    await expect(job([ONE, "example.com/acme/gen/cmd/broken@v1.0.0"])).rejects.toThrow(
      /could not be built:\n- example\.com\/acme\/gen\/cmd\/broken@v1\.0\.0: .*undefined: missing/s,
    );
    await expect(
      job(["example.com/acme/gen/cmd/one@v9.0.0", "example.com/none/x@latest"]),
    ).rejects.toThrow(
      /No version was found of:\n- .*cmd\/one@v9\.0\.0: .*\n- .*none\/x@latest: ./s,
    );
  });
});

const matcher = go === undefined ? it.skip : it;

matcher(
  "the problem matcher is added by main and removed by post, and only when asked for",
  async () => {
    const folder = tempFolder("matcher-");
    const result = async (inputs: Record<string, string>) => {
      const values = { cache: "false", "test-cache": "false", "go-version": localGo().slice(2) };
      const setUp = {
        id: "setup",
        action: sourceDoor("setup-go-cached"),
        with: { ...values, ...inputs },
      };
      const { stages } = await runJob(
        { id: "job", steps: [setUp] },
        { workspace: folder, temp: join(folder, "temp"), toolCache: join(folder, "cache") },
      );
      return stages.map(({ of, result: { conclusion, matchers, stdout } }) => ({
        stage: of.stage,
        conclusion,
        matchers,
        removed: /^::remove-matcher owner=go::$/m.test(stdout),
      }));
    };
    expect(await result({ "problem-matcher": "true" })).toEqual([
      { stage: "main", conclusion: "success", matchers: ["go"], removed: false },
      { stage: "post", conclusion: "success", matchers: [], removed: true },
    ]);
    for (const stage of await result({})) {
      expect(stage).toMatchObject({ matchers: [], removed: false });
    }
  },
);

function run(programs: string, name: string): string {
  return spawnSync(join(programs, name), { encoding: "utf8" }).stderr.trim();
}

const said = (ports: { log: RecordingLog }): string => ports.log.messages().join("\n");
