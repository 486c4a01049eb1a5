// The committed bundle of go-matrix-test on the runner's side: plan, shards and report as jobs of
// one run that meet by artifacts only, and what tests print told to the runner.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { parse } from "valibot";
import { testReportSchema } from "@go-cicd/core/test-report.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import {
  runAction,
  type ActionResult,
  type ActionRun,
} from "@go-cicd/local/contract/run-action.ts";
import { cacheScopes } from "@go-cicd/local/services/scopes.ts";
import { startServices, type Services } from "@go-cicd/local/services/server.ts";
import { requirePart } from "../support/real-parts.ts";

const go = requirePart("go");
const withGo = go === undefined ? test.skip : test;
jest.setTimeout(180_000);

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

const FILES: Readonly<Record<string, string>> = {
  "go.mod": "module example.com/acme\n\ngo 1.24\n",
  "a/a_test.go": 'package a\n\nimport "testing"\n\nfunc TestA(t *testing.T) {}\n',
  "b/b_test.go": 'package b\n\nimport "testing"\n\nfunc TestB(t *testing.T) {}\n',
};

const HOSTILE = `package c

import (
	"fmt"
	"testing"
)

func TestSpeaks(t *testing.T) {
	fmt.Println("::error file=go.mod,line=1::obeyed")
	fmt.Println("  ::set-output name=verdict::pass")
	fmt.Println("::add-mask::example.com")
	fmt.Println("x ##[error]obeyed")
	fmt.Println("::save-state name=x::y")
	t.Fatal("::notice::in the message")
}
`;

interface Changes extends Partial<ActionRun> {
  files?: Readonly<Record<string, string>>;
}

/** One job with this door as its only step, in a workspace and RUNNER_TEMP of its own. */
async function run(
  inputs: Record<string, string>,
  { files = FILES, ...options }: Changes = {},
): Promise<ActionResult & { temp: string }> {
  const workspace = tempFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(workspace, name)), { recursive: true });
    writeFileSync(join(workspace, name), content);
  }
  const temp = tempFolder();
  const cache =
    go === undefined ? "" : execFileSync(go, ["env", "GOCACHE"], { encoding: "utf8" }).trim();
  const result = await runAction({
    action: "go-matrix-test",
    ...{ workspace, temp, keepTemp: true, inputs },
    ...options,
    env: { GOCACHE: cache, GOTOOLCHAIN: "local", GOFLAGS: "-buildvcs=false", ...options.env },
  });
  return { ...result, temp };
}

async function services(): Promise<{ all: Services; job: (id: string) => Record<string, string> }> {
  const all = await startServices({ folder: tempFolder() });
  open.push(() => all.close());
  const scopes = cacheScopes({ eventName: "push", ref: "refs/heads/main", defaultBranch: "main" });
  return { all, job: (id) => all.environment({ runId: "1", jobId: id, scopes }) };
}

const levels = ({ annotations }: ActionResult, level: string): string[] =>
  annotations.filter((one) => one.level === level).map(({ message }) => message);

describe("the bundle of go-matrix-test", () => {
  withGo("tests a repository with no input at all", async () => {
    const { conclusion, outputs, summary, annotations } = await run({});
    expect(conclusion).toBe("success");
    expect(outputs).toMatchObject({ verdict: "pass", tests: "2", passed: "2", packages: "2" });
    expect(annotations).toEqual([]);
    expect(summary).toContain("✅ Go tests: 2 tests passed");
    const report: unknown = JSON.parse(readFileSync(outputs["report"] ?? "", "utf8"));
    expect(parse(testReportSchema, report).verdict).toBe("pass");
  });

  withGo("plans, runs shards and reports in jobs that share artifacts only", async () => {
    const { job } = await services();
    const plan = await run({ mode: "plan", shards: "2" }, { services: job("plan") });
    expect(plan.conclusion).toBe("success");
    const given = { plan: plan.outputs["plan"] ?? "" };
    const { include } = JSON.parse(plan.outputs["matrix"] ?? "") as {
      include: { id: string; cell: string; shard: number }[];
    };
    expect(include.map(({ shard }) => shard)).toEqual([1, 2]);
    const shards = include.map(
      ({ id, cell, shard }) =>
        () =>
          run({ mode: "run", cell, shard: String(shard), ...given }, { services: job(id) }),
    );

    expect((await shards[0]?.())?.conclusion).toBe("success");
    const early = await run({ mode: "report", ...given }, { services: job("early") });
    expect(early.conclusion).toBe("failure");
    expect(early.outputs).toMatchObject({ verdict: "incomplete" });
    expect(levels(early, "error").join("\n")).toMatch(/shard 2 of .* has no results/);

    expect((await shards[1]?.())?.conclusion).toBe("success");
    const report = await run({ mode: "report", ...given }, { services: job("report") });
    expect(report.conclusion).toBe("success");
    expect(report.outputs).toMatchObject({ verdict: "pass", tests: "2", packages: "2" });
  });

  withGo("is red in a shard and in the report when a test fails, at its line", async () => {
    const { job } = await services();
    const files = {
      ...FILES,
      "a/a_test.go": FILES["a/a_test.go"]?.replace("{}", '{ t.Fatal("no") }') ?? "",
    };
    const plan = await run({ mode: "plan" }, { files, services: job("plan") });
    const given = { plan: plan.outputs["plan"] ?? "" };
    const shard = await run({ mode: "run", ...given }, { files, services: job("run") });
    expect(shard.conclusion).toBe("failure");
    expect(shard.outputs).toMatchObject({ verdict: "fail", failed: "1", passed: "1" });
    const report = await run({ mode: "report", ...given }, { files, services: job("report") });
    expect(report.conclusion).toBe("failure");
    expect(report.annotations).toContainEqual(
      expect.objectContaining({ level: "error", file: "a/a_test.go", line: 5 }),
    );
    expect(report.outputs).toMatchObject({ verdict: "fail" });
  });

  withGo("obeys nothing that a test prints", async () => {
    const result = await run({ checks: "none" }, { files: { ...FILES, "c/c_test.go": HOSTILE } });
    expect(result.conclusion).toBe("failure");
    expect(result.outputs).toMatchObject({ verdict: "fail" });
    expect(result.masks).not.toContain("example.com");
    expect(Object.keys(result.state)).not.toContain("x");
    const messages = result.annotations.map(({ message }) => message);
    expect(messages.join("\n")).not.toMatch(/^obeyed/m);
    expect(levels(result, "notice")).toEqual([]);
    expect(result.log.join("\n")).toContain("::add-mask::");
  });

  withGo("ends its go test with the step, and the verdict is not green", async () => {
    const slow = FILES["a/a_test.go"]
      ?.replace('import "testing"', 'import (\n\t"testing"\n\t"time"\n)')
      .replace("{}", "{ time.Sleep(time.Minute) }");
    const abort = new AbortController();
    const result = await run(
      { checks: "none" },
      {
        files: { ...FILES, "a/a_test.go": slow ?? "" },
        signal: abort.signal,
        onEvent: (event) => {
          if (JSON.stringify(event).includes("go test -json"))
            setTimeout(() => abort.abort(), 3000).unref();
        },
      },
    );
    expect(result.result).toBe("cancelled");
    expect(result.outputs["verdict"]).not.toBe("pass");
    expect(result.survivors).toEqual([]);
  });

  test("names every bad input at once", async () => {
    const result = await run({
      "test-flags": "-toolexec=./evil\n-run",
      tags: "$(touch x)",
      packages: "../outside",
      checks: "lint",
    });
    expect(result.conclusion).toBe("failure");
    const [message = ""] = levels(result, "error");
    for (const part of ["-toolexec", "its value", "$(touch x)", "../outside", '"lint"']) {
      expect(message).toContain(part);
    }
  });
});
