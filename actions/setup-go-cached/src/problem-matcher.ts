import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JOB_FOLDER } from "@go-cicd/core/names.ts";
import type { Ports } from "@go-cicd/core/ports.ts";

/** As actions/setup-go calls its own, so that `::remove-matcher owner=go::` in a job means this one. */
const OWNER = "go";

/**
 * What the compiler, `go vet` and linters print: `file.go:line:column: message`. A place without a
 * column is left alone: so prints `t.Log`, also in tests that pass.
 */
export const PATTERN = {
  regexp: "^\\s*(?:vet: )?((?:[A-Za-z]:)?[^\\s:][^:]*\\.go):(\\d+):(\\d+): (.+)$",
  file: 1,
  line: 2,
  column: 3,
  message: 4,
};

const ADDED = "problem-matcher";

/** Lets the runner turn such lines of all later steps into annotations. */
export function addProblemMatcher({
  context,
  log,
  state,
}: Pick<Ports, "context" | "log" | "state">): void {
  const folder = join(context.temp === "" ? tmpdir() : context.temp, JOB_FOLDER);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "go-problem-matcher.json");
  const matcher = { problemMatcher: [{ owner: OWNER, pattern: [PATTERN] }] };
  writeFileSync(file, JSON.stringify(matcher));
  log.addMatcher(file);
  state.save(ADDED, true);
}

/** So that the words of later post steps are not taken for problems of Go code. */
export function removeProblemMatcher({ log, state }: Pick<Ports, "log" | "state">): void {
  if (state.load(ADDED) === true) log.removeMatcher(OWNER);
}
