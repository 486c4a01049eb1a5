import type { Job, PhaseEntry, Step } from "./report-model.ts";
import type { StepEvent } from "./timelines.ts";
import { cleanText } from "../clean-text.ts";

const TITLES: Record<string, string> = {
  "setup-go-cached": "Set up Go",
  "go-matrix-test": "Test",
  "build-image": "Build image",
  "deploy-with-rollback": "Deploy",
  "annotate-deploy": "Annotate",
};

/** What `needs` says of a job. */
export type JobResults = Readonly<Record<string, string>>;

/**
 * Jobs with their steps and phases, by start. Of a job that ran in several attempts only the
 * latest counts; a job that finished in an earlier attempt than the run's latest is reused.
 */
export function jobsOf(events: readonly StepEvent[], results: JobResults = {}): Job[] {
  const newest = Math.max(0, ...events.map(({ attempt }) => attempt));
  const groups = groupBy(events, ({ job, leg }) => JSON.stringify([job, leg]));
  return [...groups.values()]
    .map((group): Job => {
      const attempt = Math.max(...group.map((event) => event.attempt));
      const latest = group.filter((event) => event.attempt === attempt);
      const { job, leg } = first(latest);
      const key = leg === "" ? job : `${job} ${leg}`;
      const steps = stepsOf(latest, key);
      return {
        key,
        name: cleanText(job) || "job",
        leg: legLabel(leg),
        attempt,
        reused: attempt < newest,
        start: Math.min(...steps.map(({ start }) => start)),
        end: Math.max(...steps.map(({ end }) => end)),
        onPath: false,
        result: Object.hasOwn(results, job) ? (results[job] ?? null) : null,
        steps,
      };
    })
    .sort((one, other) => one.start - other.start);
}

function stepsOf(events: readonly StepEvent[], jobKey: string): Step[] {
  const groups = groupBy(events, ({ door, n, stage }) => JSON.stringify([door, n, stage]));
  const steps = [...groups.values()].map((group): Step => {
    const { door, n, stage } = first(group);
    return {
      key: [jobKey, door, String(n), stage].join(" | "),
      door: cleanText(door),
      title: stepTitle(
        door,
        group.map(({ phase }) => phase),
        stage,
      ),
      stage,
      start: Math.min(...group.map(({ start }) => start)),
      end: Math.max(...group.map(({ end }) => end)),
      ok: group.every(({ ok }) => ok),
      pending: false,
      onPath: false,
      phases: phasesOf(group),
    };
  });
  return numbered(
    [...steps, ...pendingPosts(steps)].sort(
      (one, other) => one.start - other.start || one.end - other.end,
    ),
  );
}

/** What a step did, by its door and, where a door does several things, by its phases. */
function stepTitle(door: string, phases: readonly string[], stage: Step["stage"]): string {
  const all = (pattern: RegExp): boolean => phases.every((phase) => pattern.test(phase));
  let title = TITLES[door] ?? cleanText(door);
  if (door === "go-matrix-test" && all(/^plan/)) title = "Plan tests";
  if (door === "go-matrix-test" && all(/^report/)) title = "Merge test results";
  if (door === "annotate-deploy" && all(/^gather/)) title = "Report";
  return stage === "post" ? `${title} · post step` : title;
}

/** Steps of one title in a job are numbered from the second one on. */
function numbered(steps: readonly Step[]): Step[] {
  const seen = new Map<string, number>();
  return steps.map((step) => {
    const count = (seen.get(step.title) ?? 0) + 1;
    seen.set(step.title, count);
    return count === 1 ? step : { ...step, title: `${step.title} (${count})` };
  });
}

/**
 * Set-up saves its caches when the job ends. Where it had something to save (a restore that was
 * not exact) and its end is not known yet, that is said instead of left out.
 */
function pendingPosts(steps: readonly Step[]): Step[] {
  return steps
    .filter(
      (step) =>
        step.door === "setup-go-cached" &&
        step.stage === "main" &&
        step.phases.some(
          ({ cache }) => cache !== null && !["hit", "exact"].includes(cache.result),
        ) &&
        !steps.some((other) => other.key === postKey(step)),
    )
    .map((step) => {
      const end = Math.max(...steps.map((other) => other.end));
      return {
        ...step,
        key: postKey(step),
        title: `${step.title} · post step`,
        stage: "post",
        start: end,
        end,
        ok: true,
        pending: true,
        phases: [],
      };
    });
}

function postKey({ key }: Step): string {
  return key.replace(/main$/, "post");
}

function phasesOf(events: readonly StepEvent[]): PhaseEntry[] {
  const sorted = [...events].sort((one, other) => one.start - other.start || other.end - one.end);
  /** Phases that the present one lies in, outermost first. */
  const around: { start: number; end: number }[] = [];
  return sorted.map((event) => {
    // A step of the clock may turn times around.
    const end = Math.max(event.start, event.end);
    while (
      (around.at(-1)?.end ?? Infinity) < end ||
      (around.at(-1)?.end ?? Infinity) <= event.start
    ) {
      around.pop();
    }
    const depth = around.length;
    around.push({ start: event.start, end });
    return {
      // The folder of the only module says nothing.
      name: cleanText(event.phase).replace(/ \.$/, ""),
      start: event.start,
      end,
      ok: event.ok,
      onPath: false,
      depth,
      counters: event.counters,
      cache: event.cache ?? null,
    };
  });
}

/** `{"go":"1.26","os":"linux"}` as `1.26, linux`; other text as it is. */
export function legLabel(leg: string): string {
  if (leg === "" || leg === "{}" || leg === "null") return "";
  try {
    const value: unknown = JSON.parse(leg);
    if (typeof value === "object" && value !== null) {
      return cleanText(
        Object.values(value)
          .map((part) => (typeof part === "string" ? part : JSON.stringify(part)))
          .join(", "),
      );
    }
  } catch {
    // Not JSON: shown as it is.
  }
  return cleanText(leg);
}

export function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return groups;
}

function first<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error("an empty group");
  return item;
}
