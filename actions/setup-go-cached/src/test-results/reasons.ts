import type { PackageRecord, TestRecord } from "./record.ts";
import type { InputState, InputStates, TestInput } from "./test-inputs.ts";
import type { PackageTests } from "./test-runs.ts";

/** The reason where no job before left a record: one for all. */
export const NOTHING_KNOWN = "nothing is known of earlier jobs";

/**
 * Why a package's tests ran: the first thing that differs from the run whose result could have been
 * used. The order is that of the go command: first the test ID (program, flags), then the inputs.
 */
export function whyRan(
  tests: PackageTests,
  record: TestRecord | undefined,
  inputs: readonly TestInput[] | undefined,
  states: InputStates,
): string {
  const before = record?.packages.get(tests.package);
  if (tests.kind === "kept nothing") return keptNothing(before, states);
  const why = record === undefined ? NOTHING_KNOWN : ranBecause(tests, before, states);
  const next = inputs?.map((input) => states.alwaysNew(input)).find((text) => text !== undefined);
  return next === undefined ? why : `${why}; will run again: ${next}`;
}

function ranBecause(
  tests: PackageTests,
  before: PackageRecord | undefined,
  states: InputStates,
): string {
  if (before === undefined) return "no earlier job kept a result";
  if (!before.kept) return "the last job that ran it kept no result (it failed, for one)";
  const log = tests.kind === "ran" ? tests.log : undefined;
  const changed = firstChange(before, states);
  // Of tests that end at the same moment it is not known which log is whose.
  if (log === undefined || before.ids.length === 0) {
    return changed ?? "its code, a dependency, Go or a flag changed, or a variable of the step";
  }
  if (!log.ids.some((id) => before.ids.includes(id))) {
    return "its code, a dependency, Go or a flag of the test changed";
  }
  return (
    changed ?? "something that it read differed while it ran: a variable of the step, or a file"
  );
}

function keptNothing(before: PackageRecord | undefined, states: InputStates): string {
  const why =
    "no result was kept: it failed, ran with a flag that go does not cache (such as -count; before Go 1.25 also -coverprofile), or read a file younger than 2 s";
  const changed = before === undefined ? undefined : firstChange(before, states);
  return changed === undefined ? why : `${changed}; ${why}`;
}

/** The first input of the earlier run that is not as it was. */
function firstChange({ inputs }: PackageRecord, states: InputStates): string | undefined {
  for (const { kind, name, state } of inputs) {
    const now = states.stateOf({ kind, name });
    const change = kind === "env" ? variableChange(name, state, now) : fileChange(name, state, now);
    if (change !== undefined) return change;
  }
  return undefined;
}

function variableChange(name: string, before: InputState, now: InputState): string | undefined {
  if (before.sum === now.sum) return undefined;
  if (now.sum === "unset") return `variable ${name} is not set any more`;
  return before.sum === "unset" ? `variable ${name} is set` : `variable ${name} has another value`;
}

function fileChange(name: string, before: InputState, now: InputState): string | undefined {
  const entry = firstEntry(before.entries ?? {}, now.entries ?? {});
  if (before.sum === now.sum && entry === undefined) return undefined;
  if (now.sum === "none") return `${name} is gone`;
  if (before.sum === "none") return `${name} is there now`;
  return entry === undefined ? `${name} changed` : `folder ${name} changed: ${entry}`;
}

function firstEntry(
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string | undefined {
  const [was, is] = [new Map(Object.entries(before)), new Map(Object.entries(now))];
  for (const name of [...new Set([...was.keys(), ...is.keys()])].sort()) {
    if (was.get(name) === is.get(name)) continue;
    if (!is.has(name)) return `${name} is gone`;
    return was.has(name) ? `${name} changed` : `${name} is new`;
  }
  return undefined;
}
