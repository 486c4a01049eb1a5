import type { Job, PathSegment, PhaseEntry, Step } from "./report-model.ts";

interface Piece {
  step: Step;
  phase: PhaseEntry;
}

/**
 * The chain that decided how long the run took, from its start to its end without holes: segments
 * are phases, and gaps in which none of ours ran (queue, runner start, checkout, other steps).
 *
 * The timelines do not tell which job waited for which, so it is inferred from the end backwards:
 * a job waited for the one that ended last before it started; within a job the phase that ended
 * last before the one after it started. Marks what lies on the path.
 */
export function criticalPath(jobs: readonly Job[]): PathSegment[] {
  const own = jobs.filter(({ reused }) => !reused);
  if (own.length === 0) return [];
  const start = Math.min(...own.map((job) => job.start));
  const segments: PathSegment[] = [];
  const left = new Set(own);
  let edge = Math.max(...own.map((job) => job.end));
  let later = "";
  for (;;) {
    const job = lastBefore([...left], edge);
    if (job === undefined) break;
    left.delete(job);
    job.onPath = true;
    if (job.end < edge) {
      segments.unshift(gap(job.name, later, job.end, edge));
    }
    segments.unshift(...withinJob(job));
    edge = job.start;
    later = job.name;
  }
  // Jobs that overlap the chain's first one do not move the run's start: it may lie before.
  if (edge > start) segments.unshift({ kind: "gap", label: `before ${later}`, start, end: edge });
  return segments;
}

/**
 * From the job's end backwards: the phase that was at work just before the edge. Of phases side by
 * side it is the one that ended last; what came before the later one's start belongs to the other.
 */
function withinJob(job: Job): PathSegment[] {
  const pieces = job.steps
    .flatMap((step) => step.phases.map((phase): Piece => ({ step, phase })))
    .filter(({ phase }) => phase.end > phase.start);
  const segments: PathSegment[] = [];
  let edge = job.end;
  let later: Step | undefined;
  for (;;) {
    const piece = atWork(pieces, edge);
    if (piece === undefined) break;
    const { step, phase } = piece;
    const end = Math.min(phase.end, edge);
    if (end < edge) segments.unshift(gap(step.title, later?.title ?? "", end, edge));
    phase.onPath = true;
    step.onPath = true;
    segments.unshift({
      kind: "phase",
      label: [job.name, step.title, phase.name].join(" › "),
      start: phase.start,
      end,
    });
    edge = phase.start;
    later = step;
  }
  if (job.start < edge) {
    segments.unshift(gap(job.name, later?.title ?? "", job.start, edge));
  }
  return segments;
}

function atWork(pieces: readonly Piece[], edge: number): Piece | undefined {
  let best: Piece | undefined;
  for (const piece of pieces) {
    const { start, end } = piece.phase;
    if (start >= edge) continue;
    const reach = Math.min(end, edge);
    const bestReach = best === undefined ? -Infinity : Math.min(best.phase.end, edge);
    if (reach > bestReach || (reach === bestReach && start < (best?.phase.start ?? Infinity))) {
      best = piece;
    }
  }
  return best;
}

/** The item that ends last, but not after `edge`; of equals the longest. */
function lastBefore<T extends { start: number; end: number }>(
  items: readonly T[],
  edge: number,
): T | undefined {
  let best: T | undefined;
  for (const item of items) {
    if (item.end > edge) continue;
    if (
      best === undefined ||
      item.end > best.end ||
      (item.end === best.end && item.start < best.start)
    ) {
      best = item;
    }
  }
  return best;
}

function gap(before: string, after: string, start: number, end: number): PathSegment {
  const label =
    after === "" || after === before ? `within ${before}` : `between ${before} and ${after}`;
  return { kind: "gap", label, start, end };
}
