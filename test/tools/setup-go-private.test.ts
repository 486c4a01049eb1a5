// Private modules with a real git, a real go command and a Git host that demands a token; the door
// runs from its sources as a step of a job, so that later steps see what a runner gives them.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { inputsOf } from "@go-cicd/core/testing/inputs.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import type { JobResult } from "@go-cicd/local/contract/job-result.ts";
import { runJob } from "@go-cicd/local/contract/job.ts";
import type { StepPlan } from "@go-cicd/local/contract/plan.ts";
import { goSettings } from "../../actions/setup-go-cached/src/go-settings.ts";
import { inputs as spec } from "../../actions/setup-go-cached/src/inputs.ts";
import { grantAccess } from "../../actions/setup-go-cached/src/private/access.ts";
import { removeTree } from "../../actions/setup-go-cached/src/tree.ts";
import { canary, ProgramRecorder, searchTree, sightings } from "../support/canary.ts";
import { git as gitIn, makeSmallConsumer } from "../support/consumer.ts";
import { fixtureAction } from "../support/fixture-action.ts";
import { startPrivateGit, type PrivateGit } from "../support/private-git.ts";
import { requirePart } from "../support/real-parts.ts";
import { sourceDoor } from "../support/source-door.ts";

jest.setTimeout(300_000);

const go = requirePart("go");
const git = requirePart("git");
const whole = [go, git, requirePart("openssl")].includes(undefined) ? describe.skip : describe;

const MONEY = {
  "go.mod": "module git.example.com/acme/money.git\n\ngo 1.24\n",
  "money.go": "package money\n\nconst Cent = 1\n",
};
const MINT = {
  "go.mod": "module git.example.com/acme/mint.git\n\ngo 1.24\n",
  "main.go": 'package main\n\nfunc main() { println("minted") }\n',
};
const FETCH = ["mod", "download", "-x", "git.example.com/acme/money.git@v1.0.0"];

whole("private modules", () => {
  const token = canary("private-token");
  const folder = tempFolder("private-");
  const workspace = join(folder, "work/orders/orders");
  let host: PrivateGit;

  beforeAll(async () => {
    makeSmallConsumer(workspace);
    host = await startPrivateGit(token.value, { "acme/money": MONEY, "acme/mint": MINT }, commit);
  });

  afterAll(async () => {
    await host.close();
    for (const name of readdirSync(folder)) removeTree(join(folder, name));
  });

  /** A step like `run: go mod download`, which shows what it got. */
  function later(id: string): StepPlan {
    const script = `
const { spawnSync } = require("node:child_process");
const changes = { GOMODCACHE: env.RUNNER_TEMP + "/modules", GOFLAGS: "-modcacherw" };
const run = (file, args) => spawnSync(file, args, { cwd: ${JSON.stringify(folder)}, env: { ...env, ...changes }, encoding: "utf8" });
const { status, stdout, stderr } = run("go", ${JSON.stringify(FETCH)});
console.log(stdout + stderr);
put("OUTPUT", "status=" + status + "\\ngoprivate=" + env.GOPRIVATE + "\\n");
`;
    return { id, action: fixtureAction({ main: script }), if: "always()" };
  }

  /** Its post runs after the door's, since it stands before it. */
  function first(): StepPlan {
    const post = `
const { spawnSync } = require("node:child_process");
const asked = spawnSync("git", ["config", "--list", "--show-scope"], { env, encoding: "utf8" });
console.log("git said " + asked.status + " " + asked.stdout + asked.stderr);
for (const [name, value] of Object.entries(env)) {
  if (/^(GIT_CONFIG_|GOPRIVATE|GO_CICD)/.test(name)) console.log("left " + name + "=" + value);
}
`;
    return { id: "first", action: fixtureAction({ main: "", post }) };
  }

  function door(inputs: Record<string, string>): StepPlan {
    return {
      id: "setup",
      action: sourceDoor("setup-go-cached"),
      with: { cache: "false", ...inputs },
    };
  }

  function job(
    id: string,
    steps: StepPlan[],
    env: Record<string, string | undefined> = {},
    server = "https://github.com",
  ): Promise<JobResult> {
    const home = join(folder, `home-${id}`);
    mkdirSync(home, { recursive: true });
    return runJob(
      { id, steps },
      {
        workspace,
        temp: join(folder, `temp-${id}`),
        keepTemp: true,
        toolCache: join(folder, "tools"),
        github: {
          server_url: server,
          event: { repository: { full_name: "acme/orders", default_branch: "main" } },
        },
        inherited: {
          PATH: process.env["PATH"],
          HOME: home,
          LANG: "C.UTF-8",
          GOPROXY: "off",
          GOTOOLCHAIN: "local",
          GOSUMDB: "off",
          GIT_CONFIG_NOSYSTEM: "1",
          ...host.env,
          ...env,
        },
      },
    );
  }

  const given = (): Record<string, string> => ({
    private: "git.example.com/acme/*",
    "private-token": token.value,
  });

  /** What a step of the job would have in its environment. */
  function granted() {
    const ports = fakePorts();
    grantAccess(inputsOf(spec, given()), goSettings(ports.env), ports);
    return { ports, variables: ports.exported };
  }

  it("come with the token, and not without it", async () => {
    const withToken = await job("given", [door(given()), later("fetch")]);
    expect(said(withToken, "fetch")).not.toContain("fatal");
    expect(withToken.steps["fetch"]?.outputs).toMatchObject({
      status: "0",
      goprivate: "git.example.com/acme/*",
    });
    // The token is sent when the host has asked for it, and not before.
    expect(host.requests[0]).toMatch(/^401 GET/);
    expect(host.requests.filter((line) => line.startsWith("200"))).not.toEqual([]);

    const without = await job("without", [
      door({ private: given()["private"] ?? "" }),
      later("fetch"),
    ]);
    expect(without.steps["setup"]?.outcome).toBe("success");
    expect(without.steps["fetch"]?.outputs["status"]).toBe("1");
    const nothing = await job("nothing", [door({}), later("fetch")]);
    expect(nothing.steps["fetch"]?.outputs["status"]).toBe("1");
  });

  it("can be tools, which are fetched with the token as well", async () => {
    const tools = "git.example.com/acme/mint.git@v1.0.0";
    const main = `
const { spawnSync } = require("node:child_process");
put("OUTPUT", "said=" + spawnSync("mint.git", { env, encoding: "utf8" }).stderr);`;
    const steps = [door({ ...given(), tools }), { id: "use", action: fixtureAction({ main }) }];
    const result = await job("tools", steps);
    expect(result.steps["setup"]?.outcome).toBe("success");
    expect(result.steps["use"]?.outputs["said"]).toBe("minted");
    const without = { private: given()["private"] ?? "", tools };
    const refused = await job("no-tools", [door(without)]);
    expect(refused.steps["setup"]?.outcome).toBe("failure");
    expect(said(refused, "setup")).toContain("No version was found of:");
  });

  it("join what the job has set already, and give it back", async () => {
    const before = {
      GOPRIVATE: "example.org/x",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "user.name",
      GIT_CONFIG_VALUE_0: "Ada",
    };
    const { steps, stages } = await job("joined", [first(), door(given()), later("fetch")], before);
    expect(steps["fetch"]?.outputs).toMatchObject({
      status: "0",
      goprivate: "example.org/x,git.example.com/acme/*",
    });
    const after = stages.find(({ of }) => of.step === "first" && of.stage === "post")?.result
      .stdout;
    expect(after).toContain("git said 0");
    expect(after).toMatch(/^command\tuser\.name=Ada$/m);
    expect(after).not.toContain("credential");
    expect(after).toMatch(/^left GIT_CONFIG_COUNT=1$/m);
    expect(after).toMatch(/^left GOPRIVATE=example\.org\/x$/m);
    expect(after).toMatch(/^left GO_CICD_PRIVATE_TOKEN_1=$/m);
  });

  it("leave settings alone that a later step added behind them", async () => {
    const more = fixtureAction({
      main: `const n = Number(env.GIT_CONFIG_COUNT);
put("ENV", "GIT_CONFIG_COUNT=" + (n + 1) + "\\nGIT_CONFIG_KEY_" + n + "=user.email\\nGIT_CONFIG_VALUE_" + n + "=ada@example.com\\n");`,
    });
    const { stages } = await job("more", [first(), door(given()), { id: "more", action: more }]);
    const after = stages.find(({ of }) => of.step === "first" && of.stage === "post")?.result
      .stdout;
    expect(after).toContain("git said 0");
    expect(after).toMatch(/^command\tuser\.email=ada@example\.com$/m);
    expect(after).not.toContain("credential");
  });

  it("are not handed to the helpers of the machine, which would keep the token", async () => {
    const home = join(folder, "home-helpers");
    mkdirSync(home);
    writeFileSync(join(home, ".gitconfig"), "[credential]\n\thelper = store\n");
    const { steps } = await job("helpers", [door(given()), later("fetch")]);
    expect(steps["fetch"]?.outputs["status"]).toBe("0");
    expect(existsSync(join(home, ".git-credentials"))).toBe(false);
  });

  it.each([
    ["https://git.example.com/acme/money", true],
    ["https://git.example.com/other/thing.git", true],
    ["https://git.example.com:443/acme/money", true],
    // Another host, whatever it looks like; another port; and where everybody could read along.
    ["http://git.example.com/acme/money", false],
    ["https://git.example.com:8443/acme/money", false],
    ["https://evil.git.example.com/acme/money", false],
    ["https://git.example.com.evil.org/acme/money", false],
    ["https://gitxexample.com/acme/money", false],
    ["https://git.example.com@evil.org/acme/money", false],
    ["https://evil.org/git.example.com/acme/money", false],
    ["https://github.com/acme/money", false],
    ["ftp://git.example.com/acme/money", false],
  ])("give git the token for %s: %s", (url, told) => {
    const { ports, variables } = granted();
    const asked = spawnSync("git", ["-c", "core.askPass=true", "credential", "fill"], {
      input: `url=${url}\n\n`,
      encoding: "utf8",
      env: {
        PATH: process.env["PATH"],
        HOME: ports.root,
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_TERMINAL_PROMPT: "0",
        ...variables,
      },
    });
    expect(asked.stdout.includes(`password=${token.value}`)).toBe(told);
    expect(asked.stderr).not.toContain(token.value);
  });

  it("come over HTTPS where an address says SSH; a repository checked out by key keeps its own", async () => {
    const shown = fixtureAction({
      main: `
const { execFileSync } = require("node:child_process");
for (const url of ["git@git.example.com:acme/money.git", "ssh://git@git.example.com/acme/money", "git@git.example.com:acme/orders.git", "git@git.example.com:other/x.git"])
  console.log(url + " -> " + execFileSync("git", ["ls-remote", "--get-url", url], { env, encoding: "utf8" }).trim() + ";");`,
    });
    const steps = [door(given()), { id: "shown", action: shown }];
    const { stages } = await job("ssh", steps, {}, "https://git.example.com");
    const text = stages.find(({ of }) => of.step === "shown")?.result.stdout;
    expect(text).toContain("money.git -> https://git.example.com/acme/money.git;");
    expect(text).toContain("acme/money -> https://git.example.com/acme/money;");
    expect(text).toContain("acme/orders.git -> git@git.example.com:acme/orders.git;");
    expect(text).toContain("git@git.example.com:other/x.git -> git@git.example.com:other/x.git;");
  });

  it("cost the token to no log, state, file or argv; the address with a token in it does", async () => {
    const recorder = new ProgramRecorder(join(folder, "recorder"), realPrograms());
    const execPath = recordedExecPath(join(folder, "exec"), recorder);
    const env = {
      PATH: [recorder.folder, process.env["PATH"]].join(delimiter),
      GIT_EXEC_PATH: execPath,
      GIT_TRACE: "1",
      GIT_TRACE_CURL: "1",
      GIT_CURL_VERBOSE: "1",
    };
    const before = host.authorizations.length;
    const result = await job("canary", [door(given()), later("fetch")], env);
    expect(result.steps["fetch"]?.outputs["status"]).toBe("0");
    expect(host.authorizations.length).toBeGreaterThan(before);
    expect(recorder.programs()).toEqual(expect.arrayContaining(["git-remote-https", "git"]));
    // The environment is where the token is; argv is what other users see.
    const all = [token];
    expect(recorder.sightings(all, () => true)).toEqual([]);
    for (const { of, result: stage } of result.stages) {
      const { stdout, stderr, outputs, state, summary, annotations } = stage;
      const left = stdout.replace(/^::add-mask::.*$/gm, "") + stderr;
      const rest = JSON.stringify({ outputs, state, summary, annotations });
      expect(sightings(Buffer.from(left + rest), all, `${of.step} ${of.stage}`)).toEqual([]);
    }
    for (const name of ["temp-canary", "home-canary", "work"]) {
      expect(searchTree(join(folder, name), all)).toEqual([]);
    }

    const leaky = await job("leaky", [door({ private: "git.example.com" }), later("fetch")], {
      ...env,
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: `url.https://x-access-token:${token.value}@git.example.com/.insteadOf`,
      GIT_CONFIG_VALUE_0: "https://git.example.com/",
    });
    expect(leaky.steps["fetch"]?.outputs["status"]).toBe("0");
    const seen = recorder
      .sightings(all, () => true)
      .map(({ where }) => where.split(" ").slice(0, 3));
    expect(seen.map((words) => words.join(" "))).toContainEqual(
      expect.stringMatching(/^argv of .*git-remote-https$/),
    );
  });
});

function commit(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  gitIn(folder, "init", "-q", "-b", "main");
  gitIn(folder, "add", "-A");
  gitIn(folder, "commit", "-q", "-m", "first");
}

function said({ stages }: JobResult, step: string): string {
  return stages
    .filter(({ of }) => of.step === step)
    .map(({ result }) => result.stdout + result.stderr)
    .join("\n");
}

function realPrograms(): Record<string, string> {
  return { git: git ?? "", go: go ?? "" };
}

/** Git's own programs, with a stand-in for the one that is given addresses. */
function recordedExecPath(folder: string, recorder: ProgramRecorder): string {
  const real = execFileSync("git", ["--exec-path"], { encoding: "utf8" }).trim();
  mkdirSync(folder);
  for (const name of readdirSync(real)) symlinkSync(join(real, name), join(folder, name));
  recorder.add(folder, "git-remote-https", join(real, "git-remote-https"));
  return folder;
}
