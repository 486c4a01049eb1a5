import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { inputsOf } from "@go-cicd/core/testing/inputs.ts";
import { fakePorts, type PortsWith } from "@go-cicd/core/testing/ports.ts";
import { timelineFolder } from "@go-cicd/core/timeline.ts";
import { sampleRecord } from "../fixtures/sample-record.ts";
import { inputs } from "../inputs.ts";
import { main } from "../run.ts";
import { jobResults } from "./evidence.ts";
import type { ReportModel } from "./report-model.ts";
import { readTimelines } from "./timelines.ts";

type Ports = PortsWith<object>;

const now = Date.UTC(2026, 10, 23, 1, 0, 0);

function line(
  job: string,
  phase: string,
  start: number,
  end: number,
  door = "build-image",
): string {
  const event = {
    v: 1,
    door,
    stage: "main",
    job,
    leg: "",
    attempt: 1,
    phase,
    ok: true,
    counters: {},
  };
  return `${JSON.stringify({ ...event, start: now + start, end: now + end })}\n`;
}

async function put(ports: Ports, name: string, file: string, text: string): Promise<void> {
  const folder = join(ports.root, `up-${name}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, file), text);
  await ports.artifacts.upload(name, [join(folder, file)], folder);
}

async function report(ports: Ports, given: Partial<Record<keyof typeof inputs, string>> = {}) {
  const { outputs, failure } = await main(inputsOf(inputs, { mode: "report", ...given }), ports);
  const model = JSON.parse(readFileSync(outputs["report-data"] ?? "", "utf8")) as ReportModel;
  const page = readFileSync(outputs.report ?? "", "utf8");
  return { outputs, failure, model, page };
}

describe("mode report", () => {
  test("gathers timelines of this machine, of artifacts and of a folder, each event once", async () => {
    const ports = fakePorts();
    const own = timelineFolder(ports.context.temp);
    mkdirSync(own, { recursive: true });
    const shared = line("ci", "compile", 0, 1_000);
    writeFileSync(join(own, "build-image-1.jsonl"), shared);
    await put(
      ports,
      "go-cicd-timeline-ci-1",
      "build-image-1.jsonl",
      shared + line("ci", "layers", 1_000, 1_200),
    );
    await put(
      ports,
      "go-cicd-timeline-deploy-1",
      "deploy-with-rollback-1.jsonl",
      line("deploy", "switch", 2_000, 2_100),
    );
    const extra = join(ports.root, "extra", "job");
    mkdirSync(extra, { recursive: true });
    writeFileSync(join(extra, "build-image-1.jsonl"), line("more", "compile", 2_200, 2_300));
    const { model } = await report(ports, { "timeline-folder": join(ports.root, "extra") });
    expect(
      model.jobs.map(({ name, steps }) => [
        name,
        steps.flatMap(({ phases }) => phases.map((p) => p.name)),
      ]),
    ).toEqual([
      ["ci", ["compile", "layers"]],
      ["deploy", ["switch"]],
      ["more", ["compile"]],
    ]);
    expect(model.span).toMatchObject({ start: now, end: now + 2_300 });
  });

  test("writes page, data and summary, keeps them as an artifact, and is green about a red run", async () => {
    const ports = fakePorts();
    const record = {
      ...sampleRecord({ started: now, finished: now + 900 }),
      result: "failed",
      reason: "crash",
    };
    await put(ports, "go-cicd-release-one", "record.json", JSON.stringify(record));
    const { outputs, failure, page } = await report(ports, { "report-folder": "out/report" });
    expect(failure).toBeUndefined();
    expect(outputs).toMatchObject({
      verdict: "failed",
      report: join(ports.context.workspace, "out/report/report.html"),
    });
    expect(page).toContain("failed (crash)");
    expect(ports.summary.blocks[0]).toContain("## ❌ Failed");
    expect(ports.artifacts.all.map(({ name }) => name)).toContain("go-cicd-report-1");
  });

  test("a service that is away makes the run incomplete, and says what is missing", async () => {
    const ports = fakePorts();
    ports.artifacts.unavailable = true;
    const { outputs, model } = await report(ports);
    expect(outputs.verdict).toBe("incomplete");
    expect(model.notes.join(" ")).toContain("Only what is on this machine is shown");
    expect(ports.log.messages("warning").join(" ")).toContain("the artifact service is away");
  });

  test.each([
    [
      "a damaged download",
      async (ports: Ports) => {
        await put(ports, "go-cicd-test-report", "tests.json", "{}");
        ports.artifacts.damaged.add("go-cicd-test-report");
      },
      /go-cicd-test-report could not be taken/,
    ],
    [
      "a test report of another shape",
      (ports: Ports) => put(ports, "go-cicd-test-report", "tests.json", '{"version":9}'),
      /A test report cannot be read/,
    ],
    [
      "a record that is cut",
      (ports: Ports) => put(ports, "go-cicd-release-x", "record.json", '{"version":1,'),
      /A release record cannot be read: it is not JSON/,
    ],
    [
      "an artifact without its file",
      (ports: Ports) => put(ports, "go-cicd-release-x", "other.json", "{}"),
      /holds no record\.json/,
    ],
  ] as const)("%s never passes for green", async (_, spoil, note) => {
    const ports = fakePorts();
    await put(ports, "go-cicd-timeline-ci-1", "build-image-1.jsonl", line("ci", "compile", 0, 9));
    await spoil(ports);
    const { outputs, model } = await report(ports);
    expect(outputs.verdict).toBe("incomplete");
    expect(model.notes.join("\n")).toMatch(note);
  });

  test("the data of a run is what the next one compares with", async () => {
    const ports = fakePorts();
    await put(
      ports,
      "go-cicd-timeline-ci-1",
      "build-image-1.jsonl",
      line("ci", "compile", 0, 9_000),
    );
    const { outputs } = await report(ports);
    const next = fakePorts();
    await put(
      next,
      "go-cicd-timeline-ci-1",
      "build-image-1.jsonl",
      line("ci", "compile", 0, 3_000),
    );
    const { model, page } = await report(next, { previous: outputs["report-data"] ?? "" });
    expect(model.comparison?.rows).toEqual([
      { key: "ci | build-image | 1 | main", label: "ci › Build image", now: 3_000, before: 9_000 },
    ]);
    expect(page).toContain("−67 %");
  });

  test.each([
    ["is not there", undefined, undefined],
    ["is not JSON", "{", /is not JSON: nothing is compared/],
    ["is something else", '{"version":1}', /another shape: nothing is compared/],
  ] as const)("a previous run whose data %s is no reason to fail", async (_, text, note) => {
    const ports = fakePorts();
    const previous = join(ports.root, "previous.json");
    if (text !== undefined) writeFileSync(previous, text);
    const { model } = await report(ports, { previous });
    expect(model.comparison).toBeNull();
    if (note !== undefined) expect(model.notes.join("\n")).toMatch(note);
  });

  test("a folder that cannot be written is an error with a remedy", async () => {
    const ports = fakePorts();
    writeFileSync(join(ports.context.workspace, "file"), "");
    await expect(report(ports, { "report-folder": "file/below" })).rejects.toMatchObject({
      code: "environment",
      message: expect.stringContaining("cannot be written"),
    });
  });
});

describe("needs", () => {
  test("results are taken from toJSON(needs), on several lines", () => {
    const lines = JSON.stringify(
      { ci: { result: "success", outputs: { a: "b" } }, lint: { result: "failure" } },
      null,
      2,
    ).split("\n");
    expect(jobResults(lines)).toEqual({ ci: "success", lint: "failure" });
    expect(jobResults([])).toEqual({});
  });

  test.each([["text"], ["[]"], ['{"ci":"success"}'], ['{"ci":{}}']])("%s is refused", (text) => {
    expect(() => jobResults([text])).toThrow(/toJSON\(needs\)/);
  });
});

describe("timelines", () => {
  test("lines that a kill has cut are counted, the rest is kept", () => {
    const ports = fakePorts();
    const file = join(ports.root, "setup-go-cached-3.jsonl");
    const good = line("ci", "compile", 0, 9);
    writeFileSync(file, `${good}${good.slice(0, 20)}`);
    const read = readTimelines([file]);
    expect(read.damaged).toBe(1);
    expect(read.events).toHaveLength(1);
    expect(read.events[0]?.n).toBe(3);
  });
});
