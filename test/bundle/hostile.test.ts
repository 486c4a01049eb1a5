// Text that others write (branches, files, commits, tests and what they print, services) goes
// through all doors: nothing of it is executed, nothing speaks to the runner, nothing breaks.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { DOORS, type Door } from "@go-cicd/core/names.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import type { JobResult, StageRecord } from "@go-cicd/local/contract/job-result.ts";
import { runJob } from "@go-cicd/local/contract/job.ts";
import type { StepPlan } from "@go-cicd/local/contract/plan.ts";
import { cacheScopes } from "@go-cicd/local/services/scopes.ts";
import { startServices, type Services } from "@go-cicd/local/services/server.ts";
import { git, makeSmallConsumer, offlineModules } from "../support/consumer.ts";
import { freePort } from "../support/local-registry.ts";
import { listen, type Listener } from "../support/listener.ts";
import { fixtureAction } from "../support/fixture-action.ts";
import { requirePart } from "../support/real-parts.ts";

const root = join(import.meta.dirname, "../..");
const go = requirePart("go");
const maybe = go === undefined ? describe.skip : describe;
const MINUTES = 60_000;

const folder = tempFolder("hostile-");
const bait = join(folder, "PWNED");

/** What a shell would run. */
const SHELL = [
  `$(touch ${bait})`,
  `\`touch ${bait}\``,
  `'; touch ${bait}; '`,
  `"; touch ${bait}; "`,
];

/** What a runner would obey, at the start of a line, inside one and after other line ends. */
const COMMANDS = [
  "::set-env name=INJECTED::1",
  "::add-path::/INJECTED",
  "::set-output name=INJECTED::1",
  "::set-output name=verdict::pass",
  "::save-state name=INJECTED::1",
  "::add-mask::INJECTED",
  "::error file=go.mod,line=1::INJECTED",
  "   ::warning::INJECTED",
  "::add-matcher::INJECTED.json",
  "::stop-commands::INJECTED",
  "::INJECTED::",
  "::endgroup::",
  "##[add-path]/INJECTED",
  "text ##[set-env name=INJECTED]1 text",
  "text ##[error]INJECTED",
  "%0A::error::INJECTED",
  "%250A::error::INJECTED",
  "text\r::error::INJECTED",
  "\u001b]0;INJECTED\u0007\u001b[2J\u001b[8m::error::INJECTED",
  "\u2028::error::INJECTED",
];

/** What would end a file command's block or a JSON event early. */
const STRUCTURE = [
  "ghadelimiter_INJECTED",
  "INJECTED<<EOF",
  '{"Action":"pass","Package":"example.com/acme/orders/internal/store"}',
  "--- PASS: TestIt (0.00s)",
  "ok  \texample.com/acme/orders/internal/hostile\t0.01s",
  "${{ github.token }}",
  "<script>alert('INJECTED')</script>",
  "| a | b |\n|---|---|\n</details>",
  "```\n<script>alert('INJECTED')</script>\n~~~~\n<script>alert('INJECTED')</script>\n`````",
];

const ALL = [...SHELL, ...COMMANDS, ...STRUCTURE];
const LONG = `${"A".repeat(64 * 1024)}::error::INJECTED`;

/** A branch may hold no space, colon or control character; the rest is fair game. */
const BRANCH = `feature/$(touch\${IFS}${bait})\`id\`;'"|&<>%0A#INJECTED`;

const HOSTILE_TEST = `package hostile

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

var texts = []string{
${ALL.map((text) => `\t${goString(text)},`).join("\n")}
	strings.Repeat("A", 64*1024) + "::error::INJECTED",
	"\\xff\\xfe not UTF-8 \\x00 ::error::INJECTED",
}

// All of it passes: what is printed decides nothing.
func TestPrints(t *testing.T) {
	for _, text := range texts {
		fmt.Println(text)
		fmt.Fprintln(os.Stderr, text)
		t.Log(text)
	}
	fmt.Println("::error::INJECTED without an end of line, then")
	fmt.Print("::error::INJECTED")
}

// Each of these is one red test with hostile words in its name and message.
func TestIt(t *testing.T) {
	for _, text := range texts {
		t.Run(text, func(t *testing.T) { t.Error(text) })
	}
}
`;

/** Does not compile, and the compiler repeats what stands there. */
const UNCOMPILABLE = `package broken

var number int = "::error::INJECTED ##[error]INJECTED $(touch ${bait})"
`;

/**
 * Answers its arguments and environment; unwell where `SICK` is set, and talks either way. It uses
 * little of the standard library, so that it compiles in a moment.
 */
const SERVICE = `package main

import (
	"fmt"
	"net"
	"os"
	"strings"
)

func main() {
	for _, text := range []string{
${ALL.map((text) => `\t\t${goString(text)},`).join("\n")}
	} {
		fmt.Println(text)
		fmt.Fprintln(os.Stderr, text)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		panic(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		request := make([]byte, 4096)
		n, _ := connection.Read(request)
		status, body := "200 OK", strings.Join(append(os.Args[1:], os.Getenv("TEXT")), "\\x00")
		if os.Getenv("SICK") != "" && strings.Contains(string(request[:n]), "/healthz") {
			status = "500 ::error::INJECTED"
			body = "::set-output name=result::deployed\\n::error::INJECTED <script>alert(1)</script>"
		}
		fmt.Fprintf(connection, "HTTP/1.1 %s\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s", status, len(body), body)
		connection.Close()
	}
}
`;

maybe("hostile text", () => {
  const workspace = join(folder, "work/orders/orders");
  const target = join(folder, `srv $(touch ${bait.slice(1).replaceAll("/", "_")}) 'it"s`);
  const serviceText = SHELL.join(" ") + COMMANDS.filter((text) => !/[\r\n]/.test(text)).join(" ");
  let services: Services;
  let sink: Listener;
  let tests: JobResult;
  let release: JobResult;
  let told: string[] = [];

  beforeAll(async () => {
    const { folder: repository } = makeSmallConsumer(workspace, {
      "internal/hostile/hostile_test.go": HOSTILE_TEST,
      "internal/broken/broken.go": UNCOMPILABLE,
      "cmd/service/main.go": SERVICE,
      ...Object.fromEntries(
        hostileFiles().map((name) => [`internal/hostile/testdata/${name}`, ""]),
      ),
    });
    const modules = offlineModules(repository);
    git(repository, "checkout", "-q", "-b", BRANCH);
    git(repository, "add", "-A", "-f");
    execFileSync("git", ["commit", "-q", "--allow-empty", "-F", "-"], {
      cwd: repository,
      input: `${ALL.join("\n")}\n${LONG}\n`,
      env: {
        PATH: process.env["PATH"],
        ...Object.fromEntries(
          ["AUTHOR", "COMMITTER"].flatMap((who) => [
            [`GIT_${who}_NAME`, `${SHELL[0] ?? ""} ::error::INJECTED`],
            [`GIT_${who}_EMAIL`, "INJECTED@example.com"],
          ]),
        ),
      },
    });
    services = await startServices({ folder: join(folder, "services") });
    sink = await listen(() => ({
      status: 500,
      headers: { "content-type": "text/plain" },
      body: ALL.join("\n"),
    }));
    const port = await freePort();
    tests = await run("test", modules, [
      step("setup", "setup-go-cached"),
      { ...step("all", "go-matrix-test", { shards: "1" }), continueOnError: true },
      { ...step("report", "annotate-deploy", { mode: "report" }), if: "always()" },
    ]);
    release = await run("release", modules, [
      step("setup", "setup-go-cached"),
      step("image", "build-image", {
        main: "./cmd/service",
        push: "false",
        platforms: `linux/${process.arch === "arm64" ? "arm64" : "amd64"}`,
        labels: ["shell=" + SHELL.join(" "), "command=" + (COMMANDS[0] ?? "")].join("\n"),
        ldflags: `-X 'main.version=${SHELL[0] ?? ""}'`,
      }),
      deploy("deploy", port, ""),
      // What the service is now told by its host, asked while it serves.
      { id: "ask", action: asker(`http://127.0.0.1:${port}/told`) },
      { ...deploy("sick", port, "\nSICK=1"), continueOnError: true },
      {
        ...step("annotate", "annotate-deploy", {
          mode: "finish",
          record: "${{ steps.sick.outputs.record }}",
          version: SHELL.join(" "),
          "pushgateway-url": sink.origin,
          "webhook-url": `${sink.origin}/hook`,
          "sink-timeout": "3s",
        }),
        continueOnError: true,
      },
      { ...step("report", "annotate-deploy", { mode: "report" }), if: "always()" },
    ]);
    told = (JSON.parse(release.steps["ask"]?.outputs["told"] ?? '""') as string).split("\0");
  }, 10 * MINUTES);

  afterAll(async () => {
    const agent = join(target, ".deploy/agent.sh");
    if (existsSync(agent)) execFileSync("sh", [agent, "stop", target], { stdio: "ignore" });
    await services.close();
    await sink.close();
  });

  function deploy(id: string, port: number, more: string): StepPlan {
    return step(id, "deploy-with-rollback", {
      target: `local:${target}`,
      image: "${{ steps.image.outputs.image }}",
      environment: `prod ${SHELL.join(" ")} <script>alert(1)</script>`,
      service: `orders ::error::INJECTED ${SHELL[0] ?? ""}`,
      args: SHELL.join("\n"),
      port: String(port),
      "health-path": "/healthz",
      "stable-for": "1s",
      "wait-timeout": "6s",
      env: `PORT=${port}\nTEXT=${serviceText}${more}`,
    });
  }

  async function run(
    id: string,
    modules: Record<string, string>,
    steps: StepPlan[],
  ): Promise<JobResult> {
    const ref = `refs/heads/${BRANCH}`;
    return runJob(
      { id, steps },
      {
        workspace,
        temp: join(folder, "temp", id),
        keepTemp: true,
        toolCache: join(folder, "tools"),
        services: services.environment({
          runId: id,
          jobId: `${id}-job`,
          scopes: cacheScopes({ eventName: "push", ref, defaultBranch: "main" }),
        }),
        github: {
          run_id: id,
          ref,
          head_ref: BRANCH,
          sha: git(workspace, "rev-parse", "HEAD"),
          workflow: `${SHELL[0] ?? ""} ::error::INJECTED`,
          actor: "INJECTED",
          event: {
            head_commit: { message: ALL.join("\n") },
            repository: { full_name: "acme/orders", default_branch: "main" },
          },
        },
        inherited: {
          ...modules,
          PATH: process.env["PATH"],
          HOME: join(folder, "home"),
          LANG: "C.UTF-8",
        },
      },
    );
  }

  it("runs nothing", () => {
    const found = readdirSync(folder, { recursive: true, encoding: "utf8" });
    expect(found.filter((name) => /(^|\/)PWNED$/.test(name))).toEqual([]);
    expect(existsSync(bait)).toBe(false);
  });

  it("says nothing to the runner: every stage left only what its door declares", async () => {
    for (const { of, result } of [...tests.stages, ...release.stages]) {
      if (of.step === "ask") continue;
      const door = doorOf(of.step);
      expect(spoken({ of, result })).toEqual({ ...NOTHING, step: of.step, stage: of.stage });
      const { outputs } = await literals(door);
      for (const name of Object.keys(result.outputs)) expect(Object.keys(outputs)).toContain(name);
      if (door !== "setup-go-cached") expect([result.env, result.path]).toEqual([{}, []]);
    }
  });

  it("does not turn the verdict: two packages are red, the tests that fail are counted, no other", () => {
    const all = tests.steps["all"];
    if (all === undefined) throw new Error("the tests did not run");
    const { outcome, outputs } = all;
    expect(outcome).toBe("failure");
    expect(outputs["verdict"]).toBe("fail");
    expect(Number(outputs["failed-packages"])).toBe(2);
    const report = JSON.parse(readFileSync(outputs["report"] ?? "", "utf8")) as unknown;
    expect(JSON.stringify(report)).toContain("internal/hostile");
    // Each text is one red subtest; their parent is red as well.
    expect(Number(outputs["failed"])).toBeGreaterThanOrEqual(ALL.length + 2);
    expect(Number(outputs["passed"])).toBeGreaterThan(0);
  });

  it("reaches the service as it was written, argument by argument", () => {
    expect(told).toEqual([...SHELL, serviceText]);
  });

  it("does not turn a deploy: what answers 500 is rolled back, whatever it says", () => {
    expect(release.steps["deploy"]?.outputs["result"]).toBe("deployed");
    expect(release.steps["sick"]?.outputs["result"]).toBe("rolled-back");
    expect(release.steps["annotate"]?.outcome).toBe("failure");
  });

  it("is text in summaries and in the page, never markup", () => {
    for (const { of, result } of [...tests.stages, ...release.stages]) {
      expect(`${of.step}: ${markupOf(result.summary)}`).not.toMatch(/<script/i);
      expect(result.summary).not.toContain("\u001b");
    }
    for (const job of [tests, release]) {
      const page = readFileSync(job.steps["report"]?.outputs["report"] ?? "", "utf8");
      expect(page).not.toMatch(/<script>alert/);
      expect(page).not.toContain("\u001b");
    }
  });

  it.each(badInputs())(
    "as input of %s: one refusal, nothing done (%s)",
    async (door, _, inputs) => {
      const job = await run("refused", {}, [
        { id: "step", action: join(root, door), with: inputs },
      ]);
      expect(job.result).toBe("failure");
      for (const stage of job.stages) {
        expect(spoken(stage)).toEqual({ ...NOTHING, step: "step", stage: stage.of.stage });
      }
      const errors = job.stages[0]?.result.annotations.filter(({ level }) => level === "error");
      expect(errors).toHaveLength(1);
      expect(existsSync(bait)).toBe(false);
    },
  );

  it.each([
    [".go-version", `1.26.8; touch ${bait}\n`],
    [".go-version", "::set-env name=INJECTED::1\n"],
    [".tool-versions", `golang $(touch ${bait})\n`],
    ["go.mod", "module example.com/a\n\ngo 1.24 ::error::INJECTED\n"],
    // Without a go line any Go does; what else is wrong with the file is for the go command to say.
    ["go.mod", `module "example.com/$(touch ${bait})\n::error::INJECTED"\n`, "success"],
    // Only `toolchain go…` names one; other words there are what the go command ignores, too.
    ["go.mod", `module example.com/a\n\ngo 1.24\n\ntoolchain $(touch ${bait})\n`, "success"],
  ])("as %s of a repository: not obeyed (%j)", async (name, text, outcome = "failure") => {
    const repository = join(tempFolder("hostile-repository-"), "r");
    mkdirSync(repository);
    writeFileSync(join(repository, name), text);
    const job = await runJob(
      {
        id: "refused",
        steps: [step("step", "setup-go-cached", { "go-version-file": name, cache: "false" })],
      },
      {
        workspace: repository,
        temp: join(folder, "temp", "refused"),
        toolCache: join(folder, "tools"),
        inherited: { PATH: process.env["PATH"], HOME: join(folder, "home"), GOPROXY: "off" },
      },
    );
    expect(job.result).toBe(outcome);
    for (const stage of job.stages) {
      expect(spoken(stage)).toEqual({ ...NOTHING, step: "step", stage: stage.of.stage });
    }
    expect(existsSync(bait)).toBe(false);
  });
});

describe("the runner's side bites", () => {
  it("obeys the same words when they are printed as they are", async () => {
    // What is masked is told no more, so that comes last.
    const print = COMMANDS.filter((text) => !/stop-commands|add-matcher|add-mask/.test(text));
    print.push("::add-mask::INJECTED");
    const action = fixtureAction({ main: `console.log(${JSON.stringify(print.join("\n"))})` });
    const temp = tempFolder();
    const job = await runJob(
      { id: "plain", steps: [{ id: "step", action }] },
      { workspace: tempFolder(), temp: join(temp, "temp"), toolCache: join(temp, "tools") },
    );
    const [stage] = job.stages;
    if (stage === undefined) throw new Error("no stage");
    const { injected, refused } = spoken(stage);
    expect(refused.length).toBeGreaterThan(0);
    expect(injected).toHaveLength(7);
  });
});

const NOTHING = { injected: [] as string[], matchers: [] as string[], refused: [] as string[] };

/** What a stage said that came out of hostile text. */
function spoken({
  of,
  result,
}: Pick<StageRecord, "of" | "result">): typeof NOTHING & { step: string; stage: string } {
  const { outputs, state, env, path, masks, matchers, annotations } = result;
  const injected = [
    ...Object.keys({ ...outputs, ...state, ...env }).filter((name) => name.includes("INJECTED")),
    ...path.filter((each) => each.includes("INJECTED")),
    ...masks.filter((each) => each.includes("INJECTED")),
    // The doors' own annotations quote such words behind words of their own.
    ...annotations.map(({ message }) => message).filter((each) => each.startsWith("INJECTED")),
  ];
  const refused = annotations
    .map(({ message }) => message)
    .filter((message) => /Unable to process|command is disabled/.test(message));
  return { step: of.step, stage: of.stage, injected, matchers, refused };
}

function doorOf(id: string): Door {
  const doors: Readonly<Record<string, Door>> = {
    setup: "setup-go-cached",
    all: "go-matrix-test",
    image: "build-image",
    deploy: "deploy-with-rollback",
    sick: "deploy-with-rollback",
  };
  return doors[id] ?? "annotate-deploy";
}

async function literals(door: Door): Promise<{ outputs: Record<string, string> }> {
  const { action } = (await import(`../../actions/${door}/src/action.ts`)) as {
    action: { outputs: Record<string, string> };
  };
  return action;
}

/** Markdown without its code, where nothing is markup (CommonMark 4.5, 6.1). */
function markupOf(markdown: string): string {
  const lines: string[] = [];
  let fence: string | undefined;
  for (const line of markdown.split("\n")) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence === undefined && mark !== undefined) fence = mark;
    else if (fence === undefined) lines.push(line);
    else if (mark?.startsWith(fence) === true && line.trim() === mark) fence = undefined;
  }
  return lines.join("\n").replaceAll(/(?<!`)(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, "");
}

/** An action that hands on what a URL answers. */
function asker(url: string): string {
  return fixtureAction({
    main: `fetch(${JSON.stringify(url)}).then((answer) => answer.text()).then((text) => put("OUTPUT", "told=" + JSON.stringify(text) + "\\n"))`,
  });
}

/** Bad values: hostile where a word is expected, and flags where a name is. */
function badInputs(): [Door, string, Record<string, string>][] {
  const word = `no\n::set-env name=INJECTED::1\n::error::INJECTED ${SHELL.join(" ")} %0A::error::INJECTED`;
  const flag: Record<Door, Record<string, string>> = {
    "setup-go-cached": { "go-version": `-exec=touch ${bait}` },
    "go-matrix-test": { packages: `-exec=touch ${bait}` },
    "build-image": { main: `-toolexec=touch ${bait}`, push: "false" },
    "deploy-with-rollback": { target: `--help;touch ${bait}`, image: `-x $(touch ${bait})` },
    "annotate-deploy": { "pushgateway-url": `--output ${bait}` },
  };
  const words: Record<Door, Record<string, string>> = {
    "setup-go-cached": { cache: word },
    "go-matrix-test": { mode: word, "test-flags": `-exec=touch ${bait}\n-toolexec=touch ${bait}` },
    "build-image": { push: word, ldflags: `-extld=touch -X main.v=$(touch ${bait})` },
    "deploy-with-rollback": { mode: word, target: "local:x", port: word },
    "annotate-deploy": { mode: word },
  };
  return DOORS.flatMap((door): [Door, string, Record<string, string>][] => [
    [door, "words", words[door]],
    [door, "a flag", flag[door]],
    [door, "64 KiB", { ...Object.fromEntries(Object.keys(words[door]).map((n) => [n, LONG])) }],
  ]);
}

/** Names that a file of a repository may have. */
function hostileFiles(): string[] {
  return [
    `$(touch PWNED)`,
    "`touch PWNED`",
    "; touch PWNED",
    "two\nlines",
    "::error::INJECTED",
    "##[error]INJECTED",
    "%0A::error::INJECTED",
    'it\'s "quoted"',
    "\u001b[2J",
    "-rf",
    "ünï",
    "a".repeat(250),
  ];
}

/** A literal of Go. */
function goString(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028");
}

function step(id: string, door: Door, inputs: Record<string, string> = {}): StepPlan {
  return { id, action: join(root, door), with: inputs };
}
