import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ActionError } from "@go-cicd/core/errors.ts";
import { IMAGE_ARTIFACT_PREFIX, IMAGE_REPORT_FILE } from "@go-cicd/core/image-report.ts";
import { at } from "@go-cicd/core/context.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { ReleaseRecord } from "@go-cicd/core/record.ts";
import {
  TEST_REPORT_ARTIFACT,
  TEST_REPORT_FILE,
  type TestReport,
} from "@go-cicd/core/test-report.ts";
import { TIMELINE_ARTIFACT } from "@go-cicd/core/timeline-artifact.ts";
import { timelineFolder } from "@go-cicd/core/timeline.ts";
import { cleanText } from "../clean-text.ts";
import { filesBelow, gatherArtifacts, type Gathered } from "../gather.ts";
import type { Inputs } from "../inputs.ts";
import { parseRecord, readRecord, RECORD_PREFIX } from "../release-records.ts";
import type { Evidence } from "./build-model.ts";
import { readPrevious, type PreviousRun } from "./comparison.ts";
import { readImage } from "./images.ts";
import type { JobResults } from "./jobs.ts";
import type { Image, RunFacts } from "./report-model.ts";
import { readTestReport, testsOf } from "./tests.ts";
import { readTimelines } from "./timelines.ts";

/**
 * Gathers what the run's steps left: artifacts of this run, and this machine's timelines. What
 * cannot be had is noted, never passed over.
 */
export async function gatherEvidence(inputs: Inputs, ports: Ports): Promise<Evidence> {
  const { context } = ports;
  const notes: string[] = [];
  const lost: string[] = [];
  const results = jobResults(inputs.needs);

  const get = (prefix: string, file: string): Promise<Gathered> =>
    gatherArtifacts(prefix, file, ports);
  const [timelines, testFiles, imageFiles, recordFiles] = await Promise.all([
    get(TIMELINE_ARTIFACT, "*.jsonl"),
    get(TEST_REPORT_ARTIFACT, TEST_REPORT_FILE),
    get(IMAGE_ARTIFACT_PREFIX, IMAGE_REPORT_FILE),
    get(RECORD_PREFIX, "record.json"),
  ]);
  const local = [
    ...filesBelow(timelineFolder(context.temp), "*.jsonl"),
    ...(inputs.timelineFolder === undefined
      ? []
      : filesBelow(resolve(context.workspace, inputs.timelineFolder), "*.jsonl")),
  ];
  const { events, damaged } = readTimelines([...local, ...timelines.files]);
  if (damaged > 0) {
    notes.push(
      `${damaged} ${damaged === 1 ? "line" : "lines"} of the timelines could not be read.`,
    );
  }
  const given =
    inputs.record === undefined
      ? []
      : [readRecord(resolve(context.workspace, inputs.record)).record];
  if (timelines.away) {
    // Every other question got the same answer.
    lost.push(
      `${timelines.problems.join(" ")} Only what is on this machine is shown; other jobs, tests, images and deploys are missing.`,
    );
    return {
      run: runFacts(ports),
      events,
      tests: null,
      images: [],
      records: given,
      results,
      previous: previousRun(inputs, ports, notes),
      notes,
      lost,
    };
  }
  notes.push(...timelines.problems);

  lost.push(...testFiles.problems, ...recordFiles.problems);
  notes.push(...imageFiles.problems);

  const tests: TestReport[] = [];
  for (const file of testFiles.files) {
    const read = readTestReport(readJson(file));
    if (typeof read === "string") lost.push(`A test report cannot be read: ${read}.`);
    else tests.push(read);
  }
  const images: Image[] = [];
  for (const file of imageFiles.files) {
    const read = readImage(readJson(file));
    if (typeof read === "string") notes.push(`An image report cannot be read: ${read}.`);
    // Artifacts come newest first; a story is told from its begin.
    else images.unshift(read);
  }
  const records: ReleaseRecord[] = [...given];
  for (const file of recordFiles.files) {
    const read = parseRecord(readFileSync(file, "utf8"));
    if (typeof read === "string") lost.push(`A release record cannot be read: ${read}.`);
    else if (!records.some(({ release }) => release === read.release)) records.push(read);
  }
  return {
    run: runFacts(ports),
    events,
    tests: testsOf(tests),
    images,
    records,
    results,
    previous: previousRun(inputs, ports, notes),
    notes,
    lost,
  };
}

function previousRun(
  { previous }: Pick<Inputs, "previous">,
  { context }: Pick<Ports, "context">,
  notes: string[],
): PreviousRun | undefined {
  if (previous === undefined) return undefined;
  const read = readPrevious(resolve(context.workspace, previous));
  if (typeof read !== "string") return read;
  notes.push(read);
  return undefined;
}

function runFacts({ context, clock }: Pick<Ports, "context" | "clock">): RunFacts {
  const { repository, runId, runAttempt, serverUrl } = context;
  const known = repository !== "" && runId !== "" && /^https?:\/\//.test(serverUrl);
  return {
    repository: cleanText(repository),
    commit: cleanText(context.sha),
    ref: cleanText(context.ref.replace(/^refs\/(heads|tags)\//, "")),
    workflow: cleanText(context.workflow),
    event: cleanText(context.eventName),
    runId: cleanText(runId),
    attempt: runAttempt,
    url: known ? `${serverUrl}/${repository}/actions/runs/${runId}/attempts/${runAttempt}` : "",
    generated: clock.now(),
  };
}

/** Job → result, out of `toJSON(needs)`. @throws ActionError `input` */
export function jobResults(lines: readonly string[]): JobResults {
  if (lines.length === 0) return {};
  let json: unknown;
  try {
    json = JSON.parse(lines.join("\n"));
  } catch {
    json = undefined;
  }
  const problem = new ActionError("input", "Input needs is not what toJSON(needs) gives", {
    hint: "Give needs: ${{ toJSON(needs) }}, and list the jobs of the report under `needs:`.",
  });
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw problem;
  return Object.fromEntries(
    Object.entries(json).map(([job, value]) => {
      const result = at(value, "result");
      if (typeof result !== "string") throw problem;
      return [cleanText(job), cleanText(result)];
    }),
  );
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
