import { join } from "node:path";
import { FAILURE_KINDS, type Failure } from "@go-cicd/core/test-report.ts";
import { repeatCommand, type GoFlags } from "./go-command.ts";
import type { Finding, JudgedPackage, Judgement } from "./judgement.ts";
import { byText } from "./modules.ts";
import type { PlannedPackage } from "./packages.ts";
import {
  buildSections,
  diagnostics,
  errorLines,
  type Diagnostic,
  type SourcePlace,
  type SourcePlaces,
} from "./source-places.ts";
import type { TestStream } from "./test-stream.ts";

/** What a module's run needs besides its stream to say where failures are. */
export interface FailureContext {
  workspace: string;
  /** Relative to the workspace. */
  module: string;
  cell: string;
  flags: GoFlags;
  packages: readonly PlannedPackage[];
  places: SourcePlaces;
  /** What `go test` said on standard error: builds of older Go versions. */
  stderr: string;
}

/** Longest output and message that a failure carries. */
const OUTPUT = 16 * 1024;
const MESSAGE = 4 * 1024;
const DIAGNOSTICS_PER_BUILD = 10;
const ERRORS_PER_TEST = 5;

/** All failures of a run, each with its place where the workspace has it; gravest first. */
export function failuresOf(
  judgement: Judgement,
  stream: TestStream,
  context: FailureContext,
): Failure[] {
  const builds = new Map<string, BrokenBuild>();
  const failures: Failure[] = [];
  for (const item of judgement.packages) {
    for (const finding of item.findings) {
      if (finding.kind === "build") {
        const id = finding.build ?? item.path;
        // `p` and `p [p.test]` are one source: what is wrong with it is said once.
        const path = id.replace(/ \[.*\]$/, "").replace(/\.test$/, "");
        const build = builds.get(path) ?? { ids: new Set(), stopped: [] };
        build.ids.add(id);
        build.stopped.push(item.path);
        builds.set(path, build);
      } else {
        failures.push(testFailure(item, finding, context));
      }
    }
  }
  for (const [path, build] of builds) {
    failures.push(...buildFailures(path, build, stream, context));
  }
  return rankFailures(failures);
}

/** Gravest first, then by place, so that every run says the same. */
export function rankFailures(failures: readonly Failure[]): Failure[] {
  return [...failures].sort(
    (one, other) =>
      FAILURE_KINDS.indexOf(one.kind) - FAILURE_KINDS.indexOf(other.kind) ||
      byText(one.file ?? "\uffff", other.file ?? "\uffff") ||
      (one.line ?? 0) - (other.line ?? 0) ||
      byText(one.package, other.package) ||
      byText(one.test ?? "", other.test ?? ""),
  );
}

function testFailure(item: JudgedPackage, finding: Finding, context: FailureContext): Failure {
  const { places, packages, workspace } = context;
  const dir = packages.find(({ path }) => path === item.path)?.dir ?? ".";
  const output = finding.output;
  let place: SourcePlace | undefined;
  let column: number | null = null;
  let message = finding.summary;
  if (output !== undefined) {
    switch (finding.kind) {
      case "test": {
        const errors = errorLines(output.located, places, join(workspace, dir));
        place = errors[0]?.place;
        column = errors[0]?.located.column ?? null;
        const said = errors.slice(0, ERRORS_PER_TEST).map(({ place: at, located }, index) => {
          const text = located.message.trim();
          return index === 0 ? text : `${at.file}:${at.line}: ${text}`;
        });
        if (errors.length > 0) message = `${finding.summary}: ${said.join("\n")}`;
        else if (finding.test === null || output.located.length === 0) {
          message = withTail(finding.summary, output.text);
        }
        break;
      }
      case "race":
        place = places.firstFrame(output.raceFrames);
        message = `${finding.summary}\n${raceReport(output.text)}`;
        break;
      case "panic":
      case "timeout":
        place = places.firstFrame(output.panicFrames);
        if (output.hanging.length > 0) {
          message = `${message}; still running: ${output.hanging.join(", ")}`;
        }
        break;
      default:
    }
  }
  if (place === undefined && finding.test !== null) {
    place = places.declaration(dir, finding.test);
  }
  return {
    kind: finding.kind,
    cells: [context.cell],
    package: item.path,
    test: finding.test,
    message: clip(message, MESSAGE),
    file: place?.file ?? null,
    line: place?.line ?? null,
    column,
    repeat: repeatCommand(context.flags, {
      module: context.module,
      package: argumentOf(item.path, context),
      test: finding.test,
      shuffleSeed: item.shuffleSeed,
    }),
    output: clip(output?.text ?? "", OUTPUT),
  };
}

interface BrokenBuild {
  /** As in the stream: `p`, `p [p.test]`, `p.test`. */
  ids: Set<string>;
  /** Import paths of the packages that it stops, itself among them. */
  stopped: string[];
}

/** One failure per line of the compiler; packages that only depend on the broken one are named. */
function buildFailures(
  path: string,
  { ids, stopped }: BrokenBuild,
  stream: TestStream,
  context: FailureContext,
): Failure[] {
  const texts = [...ids].map((id) => stream.builds.get(id)?.output.text ?? "");
  // Older Go versions write the text of builds beside the stream.
  const beside = buildSections(`${stream.text.text}\n${context.stderr}`).get(path);
  const text = texts.join("") || (beside ?? "");
  const others = stopped.filter((other) => other !== path);
  const dependents =
    others.length === 0
      ? ""
      : `\nStops ${others.slice(0, 10).join(", ")}${others.length > 10 ? ` and ${others.length - 10} more` : ""}`;
  const dir = context.packages.find((item) => item.path === path)?.dir;
  const bases = [
    join(context.workspace, context.module),
    ...(dir === undefined ? [] : [join(context.workspace, dir)]),
  ];
  const common = {
    kind: "build" as const,
    cells: [context.cell],
    package: path,
    test: null,
    repeat: repeatCommand(context.flags, {
      module: context.module,
      package: argumentOf(stopped.includes(path) ? path : (stopped[0] ?? path), context),
      test: null,
      shuffleSeed: null,
    }),
    output: clip(text, OUTPUT),
  };
  const found = distinct(diagnostics(text)).slice(0, DIAGNOSTICS_PER_BUILD);
  if (found.length === 0) {
    const message = withTail(`${path} did not build`, text) + dependents;
    return [{ ...common, message: clip(message, MESSAGE), file: null, line: null, column: null }];
  }
  return found.map((line, index) => {
    const place = context.places.find(line.file, line.line, bases);
    const where = place === undefined ? `${line.file}:${line.line}: ` : "";
    return {
      ...common,
      message: clip(`${where}${line.message}${index === 0 ? dependents : ""}`, MESSAGE),
      file: place?.file ?? null,
      line: place?.line ?? null,
      column: place === undefined ? null : line.column,
      output: index === 0 ? common.output : "",
    };
  });
}

/** Without repetitions: a package is compiled again for its tests, and vet reads it once more. */
export function distinct(found: readonly Diagnostic[]): Diagnostic[] {
  const known = new Set<string>();
  return found.filter(({ file, line, column, message }) => {
    const key = JSON.stringify([file, line, column, message]);
    if (known.has(key)) return false;
    known.add(key);
    return true;
  });
}

/** The package as an argument inside its module: reads better, and works in every module. */
export function packageArgument({ dir }: Pick<PlannedPackage, "dir">, module: string): string {
  if (dir === module) return ".";
  return `./${module === "." ? dir : dir.slice(module.length + 1)}`;
}

function argumentOf(path: string, { packages, module }: FailureContext): string {
  const own = packages.find((item) => item.path === path && item.module === module);
  return own === undefined ? path : packageArgument(own, module);
}

function raceReport(text: string): string {
  const from = text.indexOf("WARNING: DATA RACE");
  const to = text.indexOf("\n==================", from);
  return text.slice(from, to < 0 ? undefined : to);
}

function withTail(summary: string, text: string): string {
  const lines = text
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^(=== |--- |FAIL|PASS|exit status |# )/.test(line));
  return lines.length === 0 ? summary : `${summary}:\n${lines.slice(-15).join("\n")}`;
}

/** Head and tail of a text that is longer than `length`. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  const half = Math.floor(length / 2) - 20;
  return `${text.slice(0, half)}\n… ${text.length - 2 * half} characters left out …\n${text.slice(-half)}`;
}
