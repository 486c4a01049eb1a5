import * as v from "valibot";

const result = v.picklist([
  "deployed",
  "unchanged",
  "rolled-back",
  "rollback-failed",
  "failed",
  "refused",
  "inconclusive",
]);

/** One step on the way of a deploy, for the report: `switch`, `health`, `rollback`. */
const step = v.object({
  name: v.string(),
  /** Epoch milliseconds. */
  start: v.number(),
  end: v.number(),
  ok: v.boolean(),
  detail: v.string(),
});

/**
 * What was deployed where and what came of it. Written by deploy-with-rollback, read by
 * annotate-deploy; free of masked values, since the runner drops a job output that holds one.
 */
export const releaseRecordSchema = v.object({
  version: v.literal(1),
  /** Unique per target: `<UTC time>-<digest or commit prefix>`. */
  release: v.string(),
  previousRelease: v.nullable(v.string()),
  /** The release that serves when the step ended, or null when none does. */
  serving: v.nullable(v.string()),
  service: v.string(),
  environment: v.string(),
  /** `local:<dir>`; kinds are told apart by the prefix. */
  target: v.string(),
  commit: v.string(),
  repository: v.string(),
  runId: v.string(),
  runAttempt: v.number(),
  image: v.object({
    reference: v.string(),
    digest: v.string(),
    /** Platform → manifest digest. */
    platforms: v.record(v.string(), v.string()),
  }),
  kind: v.picklist(["deploy", "rollback", "recover"]),
  result,
  /** A code of the deploy notes: `health-status`, `crash`, `version-mismatch`, … or `ok`. */
  reason: v.string(),
  /** The reason in a sentence, with what was seen. */
  detail: v.string(),
  times: v.object({
    /** Epoch milliseconds. */
    started: v.number(),
    finished: v.number(),
    /** Milliseconds from the switch to the verdict, and from the verdict to the old release serving. */
    detectMs: v.nullable(v.number()),
    restoreMs: v.nullable(v.number()),
  }),
  steps: v.array(step),
});

export type ReleaseRecord = v.InferOutput<typeof releaseRecordSchema>;
export type DeployResult = v.InferOutput<typeof result>;
