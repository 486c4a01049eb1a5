import type { Log } from "@go-cicd/core/log.ts";
import type { Failure, TestReport } from "@go-cicd/core/test-report.ts";

/**
 * The runner keeps ten errors per step, first come (ExecutionContext.cs); the step's own verdict
 * is the tenth.
 */
const BUDGET = 9;
/** The runner cuts messages at 4096 characters. */
const LENGTH = 4000;

/** Annotates the gravest failures; what finds no room is counted in the last one. */
export function annotate(report: TestReport, log: Log): void {
  const rows = annotationsOf(report);
  for (const { message, place } of rows) log.error(message, place);
}

export interface Annotation {
  message: string;
  place: { title: string; file?: string; line?: number; column?: number };
}

/** Missing shards first, since they say that the rest is not all; then failures by rank. */
export function annotationsOf({ cells, failures }: TestReport): Annotation[] {
  const rows: Annotation[] = [];
  for (const { id, shards } of cells) {
    for (const { reasons, shard } of shards) {
      if (reasons.length === 0) continue;
      rows.push({
        message: reasons.join("\n").slice(0, LENGTH),
        place: { title: `Incomplete: shard ${shard} of ${id}` },
      });
    }
  }
  // Two tests that fail in one helper at one line are one place to look at.
  const places = new Map<string, Annotation>();
  for (const failure of failures) {
    const annotation = annotationOf(failure, cells.length);
    const key = `${failure.kind} ${failure.file ?? ""}:${failure.line ?? ""}`;
    const known = failure.file === null ? undefined : places.get(key);
    if (known === undefined) {
      rows.push(annotation);
      places.set(key, annotation);
    } else if (known.message.length < LENGTH) {
      known.message = `${known.message}\n${annotation.message}`.slice(0, LENGTH);
    }
  }
  if (rows.length <= BUDGET) return rows;
  const more = rows.length - (BUDGET - 1);
  return [
    ...rows.slice(0, BUDGET - 1),
    {
      message: `and ${more} more, see the summary of this job`,
      place: { title: "More failures" },
    },
  ];
}

const WORDS: Record<Failure["kind"], string> = {
  build: "Does not build",
  race: "Data race",
  panic: "Panic",
  timeout: "Timed out",
  incomplete: "Never ended",
  test: "Test failed",
  vet: "go vet",
  fmt: "gofmt",
};

export function failureTitle({ kind, test, package: path }: Failure): string {
  return test === null ? `${WORDS[kind]}: ${path}` : `${WORDS[kind]}: ${test} (${path})`;
}

function annotationOf(failure: Failure, cells: number): Annotation {
  const { message, file, line, column, repeat } = failure;
  const spread =
    cells > 1 ? `\nFails on ${failure.cells.length} of ${cells}: ${failure.cells.join(", ")}` : "";
  const again = repeat === null ? "" : `\nRepeat: ${repeat}`;
  const tail = spread + again;
  return {
    message: message.slice(0, Math.max(200, LENGTH - tail.length)) + tail,
    place: {
      title: failureTitle(failure).slice(0, 250),
      ...(file !== null && { file }),
      ...(line !== null && { line }),
      ...(column !== null && { column }),
    },
  };
}
