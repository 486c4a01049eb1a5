import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { fakePorts, type FakePorts } from "./testing/ports.ts";
import { publishTimeline, timelineArtifactName, TIMELINE_ARTIFACT } from "./timeline-artifact.ts";

const step = { job: "ci", leg: '{"go":"1.25"}', attempt: 2 };

describe("timelineArtifactName", () => {
  it("names job, leg, attempt, door and file number", () => {
    expect(timelineArtifactName("/t/build-image-3.jsonl", step)).toMatch(
      /^go-cicd-timeline-ci-[0-9a-f]{8}-2-build-image-3$/,
    );
  });

  it("differs between legs", () => {
    expect(timelineArtifactName("/t/a-1.jsonl", step)).not.toBe(
      timelineArtifactName("/t/a-1.jsonl", { ...step, leg: '{"go":"1.26"}' }),
    );
  });

  it("is an artifact name whatever the job is called", () => {
    const name = timelineArtifactName("/t/a-1.jsonl", { ...step, job: 'a/b\\c:d"<>|*?\r\n é' });
    expect(name.slice(TIMELINE_ARTIFACT.length)).toMatch(/^[\w.-]+$/);
  });
});

describe("publishTimeline", () => {
  function timeline(): { file: string; ports: FakePorts } {
    const ports = fakePorts();
    const folder = join(ports.context.temp, "timeline");
    mkdirSync(folder);
    const file = join(folder, "build-image-1.jsonl");
    writeFileSync(file, "{}\n");
    return { file, ports };
  }

  it("uploads the file, and says nothing in the log", async () => {
    const { file, ports } = timeline();
    await publishTimeline(ports, file, step);
    const [artifact] = ports.artifacts.all;
    const kept = join(ports.artifacts.folderOf(artifact?.name ?? ""), "build-image-1.jsonl");
    expect(readFileSync(kept, "utf8")).toBe("{}\n");
    expect(ports.log.messages("warning")).toEqual([]);
  });

  it("takes another name when a job of the same name was first", async () => {
    const { file, ports } = timeline();
    await publishTimeline(ports, file, step);
    await publishTimeline(ports, file, step);
    expect(ports.artifacts.all).toHaveLength(2);
    expect(ports.log.messages("warning")).toEqual([]);
  });

  it("warns when the service is away", async () => {
    const { file, ports } = timeline();
    ports.artifacts.unavailable = true;
    await publishTimeline(ports, file, step);
    expect(ports.log.messages("warning")).toEqual([expect.stringContaining("not published")]);
  });
});
