import { describe, expect, jest, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { ActionError } from "@go-cicd/core/errors.ts";
import type { Outcome } from "@go-cicd/core/action.ts";
import { parse, safeParse } from "valibot";
import { testReportSchema, type TestReport } from "@go-cicd/core/test-report.ts";
import { memoryArtifacts } from "@go-cicd/core/testing/artifacts.ts";
import { inputsOf } from "@go-cicd/core/testing/inputs.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { realProcesses } from "@go-cicd/core/testing/processes.ts";
import { inputs, type Outputs } from "../../actions/go-matrix-test/src/inputs.ts";
import { main } from "../../actions/go-matrix-test/src/run.ts";
import { requirePart } from "../support/real-parts.ts";

// Compiling is slow on a busy machine; nothing here is timed.
jest.setTimeout(180_000);

type Given = Parameters<typeof inputsOf<typeof inputs>>[1];
type Files = Readonly<Record<string, string>>;

/** Build cache and modules of the machine: the tests need no network and no cold compiler. */
const go = requirePart("go");
const withGo = go === undefined ? describe.skip : describe;
const GO_ENV =
  go === undefined
    ? {}
    : {
        ...Object.fromEntries(
          ["GOCACHE", "GOMODCACHE", "GOPATH"].map((name) => [
            name,
            execFileSync(go, ["env", name], { encoding: "utf8" }).trim(),
          ]),
        ),
        PATH: `${dirname(go)}${delimiter}${process.env["PATH"] ?? ""}`,
      };

/** Real processes on a real repository in a temporary workspace; services are fakes. */
function job(files: Files, { artifacts = memoryArtifacts(), variables = {} } = {}) {
  const env = { ...GO_ENV, GOFLAGS: "-buildvcs=false", GOTOOLCHAIN: "local", ...variables };
  const ports = fakePorts({ processes: realProcesses(), env, artifacts });
  for (const [path, text] of Object.entries(files)) {
    const file = join(ports.context.workspace, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return ports;
}

async function run(ports: ReturnType<typeof job>, given: Given = {}): Promise<Outcome<Outputs>> {
  return main(inputsOf(inputs, given), ports);
}

function reportOf(outcome: Outcome<Outputs>): TestReport {
  return parse(testReportSchema, JSON.parse(readFileSync(outcome.outputs.report ?? "", "utf8")));
}

const GREEN: Files = {
  "go.mod": "module example.com/acme\n\ngo 1.24\n",
  "add.go": "package acme\n\n// Add adds.\nfunc Add(a, b int) int { return a + b }\n",
  "add_test.go": `package acme

import "testing"

func TestAdd(t *testing.T) {
	for _, name := range []string{"one", "two words"} {
		t.Run(name, func(t *testing.T) {
			if Add(1, 1) != 2 {
				t.Error("wrong")
			}
		})
	}
}

func TestSkipped(t *testing.T) { t.Skip("later") }
`,
  "cmd/tool/main.go": "package main\n\nfunc main() {}\n",
  "sub/go.mod": "module example.com/acme/sub\n\ngo 1.24\n",
  "sub/sub_test.go": `package sub

import "testing"

func TestSub(t *testing.T) {}
`,
  // None of these is the repository's own code.
  "testdata/broken/go.mod": "module broken\n",
  "testdata/broken/broken.go": "not Go at all",
  "_attic/old.go": "package {",
};

withGo("a green repository of two modules", () => {
  test("is green without any input, every module counted", async () => {
    const ports = job(GREEN);
    const outcome = await run(ports);
    expect(outcome.failure).toBeUndefined();
    expect(outcome.outputs).toMatchObject({
      verdict: "pass",
      ...{ tests: "5", passed: "4", skipped: "1", failed: "0" },
      ...{ packages: "3", "failed-packages": "0" },
    });
    expect(ports.log.messages("error")).toEqual([]);
    const report = reportOf(outcome);
    expect(report.packages.map(({ path, status }) => `${path} ${status}`)).toEqual([
      "example.com/acme pass",
      "example.com/acme/cmd/tool no-tests",
      "example.com/acme/sub pass",
    ]);
    expect(
      report.checks.map(({ name, module, verdict }) => `${name} ${module} ${verdict}`).sort(),
    ).toEqual(["fmt . pass", "fmt sub pass", "vet . pass", "vet sub pass"]);
    expect(ports.summary.blocks.join("")).toContain("✅ Go tests: 4 tests passed, 1 skipped");
    expect(ports.summary.blocks.join("")).not.toContain("TestAdd");
    expect(ports.artifacts.all.map(({ name }) => name)).toEqual(["go-cicd-test-report"]);
  });

  test("says which packages came from Go's test cache", async () => {
    const ports = job(GREEN);
    await run(ports);
    const again = await run(ports);
    expect(again.outputs).toMatchObject({ verdict: "pass", cached: "2" });
  });

  test("can be one workspace, with a module that is not in it", async () => {
    const ports = job({ ...GREEN, "go.work": "go 1.24\n\nuse .\n" });
    const outcome = await run(ports);
    expect(outcome.outputs).toMatchObject({ verdict: "pass", packages: "3" });
  });

  test("is tested in part when packages or a folder are given", async () => {
    const ports = job(GREEN);
    expect((await run(ports, { packages: "./cmd/..." })).outputs.packages).toBe("1");
    expect((await run(ports, { "working-directory": "sub" })).outputs.packages).toBe("1");
    expect((await run(ports, { "working-directory": "cmd" })).outputs.packages).toBe("1");
    await expect(run(ports, { packages: "./cmd/...\n./typo/..." })).rejects.toThrow("./typo/...");
  });
});

const RED: Files = {
  ...GREEN,
  "fails/fails_test.go": `package fails

import (
	"testing"

	"example.com/acme/check"
)

func TestDirect(t *testing.T) {
	t.Log("not this line")
	t.Errorf("got %d", 1)
}

func TestHelper(t *testing.T) {
	t.Run("http://x/y", func(t *testing.T) {
		check.Equal(t, 1, 2)
	})
}

func TestMarked(t *testing.T) {
	check.Marked(t)
}
`,
  "check/check.go": `package check

import "testing"

func Equal(t *testing.T, a, b int) {
	if a != b {
		t.Errorf("%d is not %d", a, b)
	}
}

func Marked(t *testing.T) {
	t.Helper()
	t.Fatal("marked")
}
`,
  "panics/panics_test.go": `package panics

import "testing"

func TestPanics(t *testing.T) {
	var p *int
	deep(p)
}

func deep(p *int) { *p = 1 }

func TestNeverRuns(t *testing.T) {}
`,
  "exits/exits_test.go": `package exits

import (
	"os"
	"testing"
)

func TestExits(t *testing.T) { os.Exit(3) }
`,
  "sub/broken/broken.go": "package broken\n\nfunc B() int { return missing }\n",
  "sub/broken/broken_test.go":
    'package broken\n\nimport "testing"\n\nfunc TestB(t *testing.T) { B() }\n',
  "sub/user/user_test.go":
    'package user\n\nimport (\n\t"testing"\n\n\t"example.com/acme/sub/broken"\n)\n\nfunc TestU(t *testing.T) { broken.B() }\n',
  "ugly/ugly.go": 'package ugly\n\nimport "fmt"\n\nfunc  Ugly() { fmt.Printf("%d", "x") }\n',
};

withGo("a red repository", () => {
  test("is red at the right places, gravest first, within the runner's ten", async () => {
    const ports = job(RED);
    const outcome = await run(ports);
    expect(outcome.failure).toBeInstanceOf(ActionError);
    expect(outcome.failure?.code).toBe("verdict");
    expect(outcome.outputs).toMatchObject({ verdict: "fail" });
    const { failures } = reportOf(outcome);
    const seen = failures.map(
      ({ kind, file, line, test: name }) => `${kind} ${file ?? "-"}:${line ?? 0} ${name ?? "-"}`,
    );
    expect(seen).toEqual([
      "build sub/broken/broken.go:3 -",
      "panic panics/panics_test.go:10 TestPanics",
      "incomplete exits/exits_test.go:8 TestExits",
      "test check/check.go:7 TestHelper/http://x/y",
      "test fails/fails_test.go:11 TestDirect",
      "test fails/fails_test.go:21 TestMarked",
      "vet ugly/ugly.go:5 -",
      "fmt ugly/ugly.go:5 -",
    ]);
    const errors = ports.log.entries.filter(({ level }) => level === "error");
    expect(errors.length).toBeLessThanOrEqual(9);
    expect(errors[0]).toMatchObject({
      message: expect.stringContaining("undefined: missing"),
      place: { file: "sub/broken/broken.go", line: 3, column: 23 },
    });
    expect(failures[0]?.message).toContain("Stops example.com/acme/sub/user");
    // What repeats a failure really does.
    const direct = failures.find(({ test: name }) => name === "TestHelper/http://x/y");
    expect(direct?.repeat).toBe("go test -count=1 '-run=^TestHelper$/^http:$/^$/^x$/^y$' ./fails");
    expect(() =>
      execFileSync("sh", ["-c", direct?.repeat ?? "true"], {
        cwd: ports.context.workspace,
        env: { ...ports.env, GOFLAGS: "-buildvcs=false" },
        stdio: "pipe",
      }),
    ).toThrow(/Command failed/);
    expect(ports.summary.blocks.join("")).toContain("❌ Go tests");
  });

  test("with a race is red only when the detector runs", async () => {
    const files: Files = {
      "go.mod": GREEN["go.mod"] ?? "",
      "race_test.go": `package acme

import "testing"

func TestRace(t *testing.T) {
	n := 0
	done := make(chan bool)
	go func() {
		n++
		close(done)
	}()
	n++
	<-done
}
`,
    };
    expect((await run(job(files))).outputs.verdict).toBe("pass");
    const ports = job(files);
    const outcome = await run(ports, { race: "true" });
    expect(reportOf(outcome).failures).toMatchObject([
      { kind: "race", test: "TestRace", file: "race_test.go", line: expect.any(Number) },
    ]);
  });

  test("of which a test hangs is red when its time is up, and says which", async () => {
    const ports = job({
      "go.mod": GREEN["go.mod"] ?? "",
      "hang_test.go":
        'package acme\n\nimport (\n\t"testing"\n\t"time"\n)\n\nfunc TestHangs(t *testing.T) {\n\ttime.Sleep(time.Hour)\n}\n',
    });
    const outcome = await run(ports, { timeout: "1s", checks: "none" });
    expect(reportOf(outcome).failures).toMatchObject([
      { kind: "timeout", test: "TestHangs", file: "hang_test.go", line: 9 },
    ]);
  });

  test("whose process ends with 0 in the middle of a test is red, although go test is green", async () => {
    const ports = job({
      "go.mod": GREEN["go.mod"] ?? "",
      "exit_test.go":
        'package acme\n\nimport (\n\t"syscall"\n\t"testing"\n)\n\nfunc TestExit(t *testing.T) { syscall.Exit(0) }\n\nfunc TestLost(t *testing.T) { t.Fatal("never seen") }\n',
    });
    const outcome = await run(ports, { checks: "none" });
    expect(outcome.outputs.verdict).toBe("incomplete");
    expect(outcome.failure?.code).toBe("verdict");
  });

  test("that does not load at all is one message with a remedy", async () => {
    const ports = job({ "go.mod": "modul example.com/x\n", "a.go": "package a\n" });
    const error = await run(ports).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ActionError);
    expect((error as ActionError).message).toContain("go.mod");
  });

  test("without a go.mod says so", async () => {
    await expect(run(job({ "README.md": "# nothing\n" }))).rejects.toThrow(
      "There is no go.mod in the workspace or below it",
    );
  });
});

withGo("hostile output", () => {
  const files: Files = {
    "go.mod": GREEN["go.mod"] ?? "",
    "speaks_test.go": `package acme

import (
	"fmt"
	"os"
	"testing"
)

func TestSpeaks(t *testing.T) {
	fmt.Println("::error file=x.go,line=1::obeyed")
	fmt.Println("::add-mask::the")
	fmt.Fprintln(os.Stderr, "text ##[set-env name=PATH]evil")
	fmt.Println("::set-output name=verdict::pass")
	fmt.Print("\\x1b[2J\\x1b]0;title\\x07")
	t.Fatal("::error::</details> <script> \`\`\`\`")
}
`,
  };

  test("only goes through the fence, and into Markdown as text", async () => {
    const ports = job(files);
    const outcome = await run(ports, { checks: "none" });
    expect(outcome.outputs.verdict).toBe("fail");
    expect(ports.log.fencedText()).toContain("::add-mask::the");
    expect(ports.log.fencedText()).not.toContain("\u001b[2J");
    for (const level of ["info", "group", "notice", "warning"] as const) {
      expect(ports.log.messages(level).join("\n")).not.toMatch(/add-mask|set-env|set-output/);
    }
    const markdown = ports.summary.blocks.join("");
    const outside = markdown.replace(/^(`{3,})text\n[\s\S]*?^\1$/gm, "");
    expect(outside).not.toMatch(/<script>|::error::/);
  });

  test("that holds a secret of the environment leaves it out of the results", async () => {
    const source =
      'package acme\n\nimport (\n\t"os"\n\t"testing"\n)\n\nfunc TestLeak(t *testing.T) {\n\tt.Fatal(os.Getenv("DEPLOY_TOKEN"))\n}\n';
    const variables = { DEPLOY_TOKEN: "canary-7f31c2" };
    const ports = job({ "go.mod": GREEN["go.mod"] ?? "", "leak_test.go": source }, { variables });
    const outcome = await run(ports, { checks: "none" });
    const text = readFileSync(outcome.outputs.report ?? "", "utf8");
    expect(text).toContain("TestLeak failed: ***");
    expect(text + ports.summary.blocks.join("")).not.toContain("canary-7f31c2");
  });

  test("of any amount is kept in bounds", async () => {
    const ports = job({
      "go.mod": GREEN["go.mod"] ?? "",
      "loud_test.go":
        'package acme\n\nimport (\n\t"fmt"\n\t"strings"\n\t"testing"\n)\n\nfunc TestLoud(t *testing.T) {\n\tline := strings.Repeat("x", 100)\n\tfor range 400_000 {\n\t\tfmt.Println(line)\n\t}\n\tt.Error("loud")\n}\n',
    });
    const outcome = await run(ports, { checks: "none" });
    const [failure] = reportOf(outcome).failures;
    expect(failure).toMatchObject({ test: "TestLoud", file: "loud_test.go", line: 14 });
    expect(failure?.output.length).toBeLessThan(20_000);
    expect(ports.log.fencedText().length).toBeLessThan(400_000);
  });
});

withGo("a matrix over jobs", () => {
  test("plan, shards and report meet by artifacts; the whole is the sum of its shards", async () => {
    const artifacts = memoryArtifacts();
    const planned = await run(job(GREEN, { artifacts }), {
      mode: "plan",
      shards: "2",
      os: "ubuntu-latest",
    });
    const { include } = JSON.parse(planned.outputs.matrix ?? "") as {
      include: { cell: string; shard: number }[];
    };
    expect(include).toHaveLength(2);
    const again = await run(job(GREEN, { artifacts }), { mode: "plan", shards: "2" });
    expect(again.outputs).toEqual(planned.outputs);

    const given = { plan: planned.outputs.plan ?? "" };
    const shard = (row: { cell: string; shard: number }) =>
      run(job(GREEN, { artifacts }), {
        ...{ mode: "run", cell: row.cell, shard: String(row.shard) },
        ...given,
      });
    for (const row of include.slice(0, 1)) expect((await shard(row)).failure).toBeUndefined();

    const early = await run(job(GREEN, { artifacts }), { mode: "report", ...given });
    expect(early.outputs.verdict).toBe("incomplete");
    expect(early.failure?.message).toContain("shard 2 of default-ubuntu-latest has no results");

    for (const row of include.slice(1)) expect((await shard(row)).failure).toBeUndefined();
    const whole = await run(job(GREEN, { artifacts }), { mode: "report", ...given });
    expect(whole.outputs).toMatchObject({ verdict: "pass", tests: "5", packages: "3" });
  });

  test("shards that plan for themselves plan the same", async () => {
    const artifacts = memoryArtifacts();
    const shards = [1, 2].map((shard) =>
      run(job(GREEN, { artifacts }), { mode: "run", shards: "2", shard: String(shard) }),
    );
    const [first, second] = await Promise.all(shards);
    expect(first?.outputs.plan).toBe(second?.outputs.plan);
    const report = await run(job(GREEN, { artifacts }), {
      ...{ mode: "report", plan: first?.outputs.plan ?? "" },
    });
    expect(report.outputs).toMatchObject({ verdict: "pass", tests: "5", packages: "3" });
  });

  test("a plan that somebody altered is refused", async () => {
    const artifacts = memoryArtifacts();
    const { outputs } = await run(job(GREEN, { artifacts }), { mode: "plan" });
    const [plan] = artifacts.all;
    const file = join(artifacts.folderOf(plan?.name ?? ""), "plan.json");
    writeFileSync(
      file,
      readFileSync(file, "utf8").replace("example.com/acme/sub", "example.com/acme/sup"),
    );
    await expect(
      run(job(GREEN, { artifacts }), { mode: "run", plan: outputs.plan ?? "" }),
    ).rejects.toMatchObject({ code: "integrity" });
  });

  test("a package that only this machine has makes the cell red", async () => {
    const artifacts = memoryArtifacts();
    const { outputs } = await run(job(GREEN, { artifacts }), { mode: "plan" });
    const more = { ...GREEN, "extra/extra_test.go": "package extra\n" };
    const outcome = await run(job(more, { artifacts }), { mode: "run", plan: outputs.plan ?? "" });
    expect(outcome.outputs.verdict).toBe("incomplete");
    expect(outcome.failure?.message).toContain("example.com/acme/extra exists on this machine");
  });

  test("a job with another Go than its cell's does not run", async () => {
    const artifacts = memoryArtifacts();
    const { outputs } = await run(job(GREEN, { artifacts }), {
      ...{ mode: "plan", "go-versions": "1.2" },
    });
    await expect(
      run(job(GREEN, { artifacts }), { mode: "run", plan: outputs.plan ?? "" }),
    ).rejects.toThrow("Cell 1.2-ubuntu-latest is for Go 1.2");
  });
});

test("the merged results keep to their schema", () => {
  expect(safeParse(testReportSchema, { version: 2 }).success).toBe(false);
});
