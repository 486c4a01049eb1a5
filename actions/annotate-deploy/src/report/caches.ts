import type { CacheUse, ColdTimes, Job, Saving } from "./report-model.ts";

/** Results of a restore that brought something. */
const FOUND = ["hit", "exact", "prefix"];

/** Every use of a cache, in the order of the run. */
export function cacheUses(jobs: readonly Job[]): CacheUse[] {
  return jobs.flatMap((job) =>
    job.steps.flatMap((step) =>
      step.phases.flatMap(({ cache, start, end }) =>
        cache === null
          ? []
          : [
              {
                job: jobLabel(job),
                store: cache.store,
                stage: step.stage,
                result: cache.result,
                bytes: cache.bytes,
                ms: end - start,
              },
            ],
      ),
    ),
  );
}

/** A job's name with its matrix leg. */
export function jobLabel({ name, leg }: Pick<Job, "name" | "leg">): string {
  return leg === "" ? name : `${name} (${leg})`;
}

/**
 * The times to hold against in later runs: of every job that looked into caches and found all of
 * them empty those of this run; of other jobs what the previous run knew.
 */
export function coldTimes(jobs: readonly Job[], before: ColdTimes | null): ColdTimes | null {
  const cold = jobs.filter((job) => {
    const results = restores([job]);
    return results.length > 0 && !results.some((result) => FOUND.includes(result));
  });
  const steps = { ...before?.steps, ...stepTimes(cold) };
  return Object.keys(steps).length === 0 ? null : { steps };
}

/** Jobs that found a cache, against the same steps of the run that found none. */
export function savings(jobs: readonly Job[], cold: ColdTimes | null): Saving[] {
  if (cold === null) return [];
  return jobs.flatMap((job) => {
    if (!restores([job]).some((result) => FOUND.includes(result))) return [];
    const steps = job.steps.filter(
      ({ key, pending, stage }) => !pending && stage === "main" && Object.hasOwn(cold.steps, key),
    );
    if (steps.length === 0) return [];
    return [
      {
        job: jobLabel(job),
        nowMs: sum(steps.map(({ start, end }) => end - start)),
        coldMs: sum(steps.map(({ key }) => cold.steps[key] ?? 0)),
      },
    ];
  });
}

/** Step key → milliseconds, without what is pending. */
export function stepTimes(jobs: readonly Job[]): Record<string, number> {
  return Object.fromEntries(
    jobs.flatMap(({ steps }) =>
      steps.filter(({ pending }) => !pending).map(({ key, start, end }) => [key, end - start]),
    ),
  );
}

function restores(jobs: readonly Job[]): string[] {
  return cacheUses(jobs)
    .filter(({ stage }) => stage === "main")
    .map(({ result }) => result);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
