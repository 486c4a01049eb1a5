import { createHash } from "node:crypto";
import { basename, dirname } from "node:path";
import type { Ports } from "./ports.ts";

/** What all timeline artifacts of a run begin with; the report looks for it. */
export const TIMELINE_ARTIFACT = "go-cicd-timeline-";

interface Step {
  job: string;
  /** The matrix leg as compact JSON, or empty. */
  leg: string;
  attempt: number;
}

/** The artifact's name: artifact names allow few characters, and job ids of a matrix are equal. */
export function timelineArtifactName(file: string, { job, leg, attempt }: Step): string {
  const legHash = createHash("sha256").update(leg).digest("hex").slice(0, 8);
  const name = [job === "" ? "job" : job, legHash, String(attempt), basename(file, ".jsonl")].join(
    "-",
  );
  return TIMELINE_ARTIFACT + name.replace(/[^\w.-]+/g, "_").slice(0, 180);
}

/**
 * Hands a step's timeline to the report through the artifact service. Where there is none the file
 * stays on this machine, which is enough for a report in the same job. Never fails a step.
 */
export async function publishTimeline(
  { log, artifacts }: Pick<Ports, "log" | "artifacts">,
  file: string,
  step: Step,
): Promise<void> {
  const name = timelineArtifactName(file, step);
  let result = await artifacts.upload(name, [file], dirname(file));
  if (result.kind === "exists") {
    // Two calls of one reusable workflow have the same job id; names are unique in a run.
    const suffix = createHash("sha256").update(`${Date.now()} ${process.pid}`).digest("hex");
    result = await artifacts.upload(`${name}-${suffix.slice(0, 8)}`, [file], dirname(file));
  }
  switch (result.kind) {
    case "uploaded":
      log.debug(`timeline: artifact ${result.artifact.name}`);
      return;
    case "exists":
      log.warning(`The timeline was not published: the name ${result.name} is taken.`);
      return;
    case "unavailable":
      log.warning(`The timeline was not published: ${result.detail}`);
  }
}
