import { plural } from "../format.ts";
import { jobLabel } from "./caches.ts";
import { succeeded } from "./deploys.ts";
import type { JobResults } from "./jobs.ts";
import type { ReportModel, Tests, Verdict, VerdictKind } from "./report-model.ts";

const GRAVITY: readonly VerdictKind[] = ["failed", "incomplete", "rolled-back", "passed"];

/**
 * What the run came to. Only evidence makes it green: tests that ran without a report, or nothing
 * at all, are incomplete. A deploy that was rolled back is told apart from one that failed: what
 * served before serves again.
 */
export function verdictOf(
  model: Pick<ReportModel, "jobs" | "tests" | "deploys">,
  results: JobResults,
  /** Evidence that should be there and could not be had or read. */
  lost: readonly string[] = [],
): Verdict {
  const found: [VerdictKind, string][] = lost.map((reason) => ["incomplete", reason]);
  const { jobs, tests, deploys } = model;

  if (tests !== null && tests.verdict !== "passed") {
    found.push(
      tests.verdict === "failed"
        ? ["failed", testsFailed(tests)]
        : [
            "incomplete",
            tests.problems[0] ?? "Not all tests that were planned are known to have run.",
          ],
    );
  }
  const doors = new Set(jobs.flatMap(({ steps }) => steps.map(({ door }) => door)));
  if (tests === null && doors.has("go-matrix-test")) {
    found.push(["incomplete", "Tests ran, and there is no test report."]);
  }

  /** A later good deploy of the same service and environment mends an earlier one. */
  deploys.forEach((deploy, index) => {
    const mended = deploys
      .slice(index + 1)
      .some(
        (later) =>
          later.service === deploy.service &&
          later.environment === deploy.environment &&
          succeeded(later),
      );
    if (succeeded(deploy) || mended) return;
    const name = `Release ${deploy.release} of ${deploy.service}`;
    found.push(
      deploy.result === "rolled-back"
        ? ["rolled-back", `${name} was rolled back (${deploy.reason}).`]
        : ["failed", `${name}: ${deploy.result} (${deploy.reason}).`],
    );
  });

  // Records and test reports say better than a failed phase what came of it.
  const told = [
    ...(deploys.length > 0 ? ["deploy-with-rollback"] : []),
    ...(tests?.verdict === "failed" ? ["go-matrix-test"] : []),
  ];
  for (const job of jobs) {
    for (const step of job.steps) {
      const failed = step.phases.find(({ ok }) => !ok);
      if (failed === undefined || told.includes(step.door)) continue;
      found.push(["failed", `${jobLabel(job)}: ${step.title}: ${failed.name} failed.`]);
    }
  }
  for (const [name, result] of Object.entries(results)) {
    if (result === "success" || result === "skipped") continue;
    const explained =
      result === "failure" &&
      jobs.some(
        (job) => job.name === name && job.steps.some(({ door, ok }) => !ok && told.includes(door)),
      );
    if (!explained) {
      found.push(
        result === "failure"
          ? ["failed", `Job ${name} failed.`]
          : ["incomplete", `Job ${name}: ${result}.`],
      );
    }
  }
  if (jobs.length === 0 && tests === null && deploys.length === 0) {
    found.push(["incomplete", "Nothing of this run could be found."]);
  }

  const sorted = found.sort(([one], [other]) => GRAVITY.indexOf(one) - GRAVITY.indexOf(other));
  return {
    kind: sorted[0]?.[0] ?? "passed",
    reasons: [...new Set(sorted.map(([, reason]) => reason))],
  };
}

function testsFailed({ failed, failures, checks }: Tests): string {
  const red = checks.filter(({ ok }) => !ok).length;
  const unbuilt = failures.filter(({ kind }) => kind === "build").length;
  const parts = [
    ...(unbuilt > 0 ? [plural(unbuilt, "build")] : []),
    ...(failed > 0 ? [plural(failed, "test")] : []),
    ...(red > 0 ? [plural(red, "check")] : []),
  ];
  return parts.length === 0
    ? "The tests failed."
    : `${[parts.slice(0, -1).join(", "), parts.at(-1)].filter((part) => part !== "").join(" and ")} failed.`;
}
