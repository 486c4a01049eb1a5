import type { ReleaseRecord } from "@go-cicd/core/record.ts";
import { cleanText } from "../clean-text.ts";
import type { DeployEntry } from "./report-model.ts";

/** The run's deploys, the first one first. */
export function deployHistory(records: readonly ReleaseRecord[]): DeployEntry[] {
  return records
    .map((record): DeployEntry => ({
      release: cleanText(record.release),
      service: cleanText(record.service),
      environment: cleanText(record.environment),
      target: cleanText(record.target),
      commit: cleanText(record.commit),
      image: cleanText(record.image.reference),
      kind: record.kind,
      result: record.result,
      reason: cleanText(record.reason),
      detail: cleanText(record.detail),
      previousRelease: clean(record.previousRelease),
      serving: clean(record.serving),
      started: record.times.started,
      finished: record.times.finished,
      detectMs: record.times.detectMs,
      restoreMs: record.times.restoreMs,
      steps: record.steps.map((step) => ({
        name: cleanText(step.name),
        start: step.start,
        end: Math.max(step.start, step.end),
        ok: step.ok,
        detail: cleanText(step.detail),
      })),
    }))
    .sort((one, other) => one.started - other.started || one.finished - other.finished);
}

function clean(text: string | null): string | null {
  return text === null ? null : cleanText(text);
}

/** Results after which the wanted release serves. */
export function succeeded({ result }: Pick<DeployEntry, "result">): boolean {
  return result === "deployed" || result === "unchanged";
}
