import {
  worst,
  type Failure,
  type ShardResult,
  type TestReport,
} from "@go-cicd/core/test-report.ts";
import { rankFailures } from "./failures.ts";
import { isRed } from "./judgement.ts";
import type { Plan, PlannedCell, PlannedShard, PlanReference } from "./plan.ts";
import { attemptOf, countResults, type ShardResults } from "./results.ts";
import type { FoundResults } from "./results-store.ts";

/** Facts of the run that the report is about. */
export interface RunFacts {
  repository: string;
  commit: string;
  runId: string;
  runAttempt: number;
  now: number;
}

/**
 * One report out of the results of all shards. The newest attempt of a shard counts, none before
 * the plan's own; a planned shard, package or check without a result makes the report red, and so
 * does a result that contradicts its parts or another one of the same attempt.
 */
export function mergeResults(
  { plan, reference }: { plan: Plan; reference: PlanReference },
  found: FoundResults,
  run: RunFacts,
): TestReport {
  const hash = `sha256:${reference.sha256}`;
  const used: ShardResults[] = [];
  const cells = plan.cells.map((cell) => {
    const shards = cell.shards.map((shard): ShardResult => {
      const candidates = newest(cell, shard, reference, found);
      const [results] = candidates;
      const reasons: string[] = [];
      if (results === undefined) {
        reasons.push(
          `shard ${shard.shard} of ${cell.id} has no results: its job was cancelled, was killed or did not start`,
        );
      } else {
        used.push(results);
        reasons.push(...results.reasons, ...contradictions(results, plan, shard, hash));
        if (candidates.some(({ verdict }) => verdict !== results.verdict)) {
          reasons.push(
            `shard ${shard.shard} of ${cell.id} ran ${candidates.length} times in attempt ${results.attempt} and came to different ends`,
          );
        }
      }
      // What cannot be read may be the newest word.
      const since = Math.max(reference.attempt, results?.attempt ?? 0);
      const where = { cell: cell.id, shard: shard.shard };
      for (const { artifact, detail } of found.troubles) {
        if ((attemptOf(artifact, reference, where) ?? -1) >= since) reasons.push(detail);
      }
      return {
        shard: shard.shard,
        verdict: worst([
          results?.verdict ?? "incomplete",
          ...(reasons.length > 0 ? (["incomplete"] as const) : []),
        ]),
        attempt: results?.attempt ?? 0,
        estimate: shard.estimate,
        durationMs: results === undefined ? 0 : results.finished - results.started,
        reasons,
      };
    });
    const ran = used.filter((results) => results.cell === cell.id);
    return {
      id: cell.id,
      go: ran[0]?.go ?? cell.go,
      os: cell.os,
      verdict: worst(shards.map(({ verdict }) => verdict)),
      shards,
    };
  });
  const packages = used.flatMap((results) => results.packages);
  return {
    version: 1,
    verdict: cells.length === 0 ? "incomplete" : worst(cells.map(({ verdict }) => verdict)),
    plan: hash,
    repository: run.repository,
    commit: run.commit,
    runId: run.runId,
    runAttempt: run.runAttempt,
    times: {
      started: Math.min(run.now, ...used.map(({ started }) => started)),
      finished: Math.max(...used.map(({ finished }) => finished), 0) || run.now,
    },
    counts: countResults(packages),
    cells,
    checks: used.flatMap(({ checks }) => checks),
    packages,
    failures: mergeFailures(used.flatMap(({ failures }) => failures)),
  };
}

/** The results of a shard's newest attempt: one, where no two jobs ran it; the reddest first. */
function newest(
  cell: PlannedCell,
  { shard }: PlannedShard,
  reference: PlanReference,
  { results }: FoundResults,
): ShardResults[] {
  const own = results.filter((one) => one.cell === cell.id && one.shard === shard);
  const last = Math.max(...own.map(({ attempt }) => attempt));
  if (last < reference.attempt) return [];
  const redness = ({ verdict }: ShardResults): number =>
    ["fail", "incomplete", "pass"].indexOf(verdict);
  return own
    .filter(({ attempt }) => attempt === last)
    .sort((one, other) => redness(one) - redness(other));
}

/** What speaks against a shard's results although they are there. */
function contradictions(
  results: ShardResults,
  plan: Plan,
  shard: PlannedShard,
  hash: string,
): string[] {
  const reasons: string[] = [];
  const name = `shard ${shard.shard} of ${results.cell}`;
  if (results.plan !== hash) reasons.push(`${name} ran another plan: ${results.plan}`);
  const seen = new Set(results.packages.map(({ module, path }) => `${module}\0${path}`));
  const missing = shard.packages.filter(({ module, path }) => !seen.has(`${module}\0${path}`));
  if (missing.length > 0) {
    reasons.push(
      `${name} has no result for ${missing
        .slice(0, 5)
        .map(({ path }) => path)
        .join(", ")}` + (missing.length > 5 ? ` and ${missing.length - 5} more packages` : ""),
    );
  }
  for (const check of shard.checks) {
    const folders =
      check === "fmt"
        ? plan.modules.map(({ folder }) => folder)
        : [...new Set(shard.packages.map(({ module }) => module))];
    for (const folder of folders) {
      if (!results.checks.some((row) => row.name === check && row.module === folder)) {
        reasons.push(`${name} has no result of ${check} for module ${folder}`);
      }
    }
  }
  const red =
    results.packages.some(
      ({ status, tests }) =>
        isRed(status) ||
        tests.some((test) => test.status === "fail" || test.status === "incomplete"),
    ) ||
    results.failures.length > 0 ||
    results.checks.some(({ verdict }) => verdict !== "pass");
  if (red && results.verdict === "pass") reasons.push(`${name} says pass and holds failures`);
  return reasons;
}

/** The same failure of several cells becomes one that names them all. */
function mergeFailures(failures: readonly Failure[]): Failure[] {
  const merged = new Map<string, Failure>();
  for (const failure of failures) {
    const { kind, test, file, line, message } = failure;
    const key = JSON.stringify([kind, failure.package, test, file, line, message.split("\n")[0]]);
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { ...failure, cells: [...failure.cells] });
    else known.cells = [...new Set([...known.cells, ...failure.cells])];
  }
  return rankFailures([...merged.values()]);
}
