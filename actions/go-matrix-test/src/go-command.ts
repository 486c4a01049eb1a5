import {
  expectSuccess,
  childEnvironment,
  type Command,
  type Environment,
} from "@go-cicd/core/process.ts";
import type { Ports } from "@go-cicd/core/ports.ts";

/** What decides which files and tests a `go` command sees; part of the plan. */
export interface GoFlags {
  race: boolean;
  tags: readonly string[];
  /** More flags of `go test`, already checked. */
  testFlags: readonly string[];
  timeoutMs: number;
}

/** Flags that `go list`, `go vet` and `go test` share. */
function buildFlags({ race, tags, testFlags }: GoFlags): string[] {
  const shared = testFlags.filter((flag) =>
    /^--?(mod|trimpath|msan|asan|buildvcs)(=|$)/.test(flag),
  );
  return [
    ...(race ? ["-race"] : []),
    ...(tags.length > 0 ? [`-tags=${tags.join(",")}`] : []),
    ...shared,
  ];
}

/** A duration as Go writes it. */
function goDuration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

const LIST_FIELDS =
  "ImportPath,Dir,Standard,DepOnly,Module,GoFiles,CgoFiles,IgnoredGoFiles,TestGoFiles,XTestGoFiles,InvalidGoFiles,Error";

/** `-e`: what does not load is listed with its error, so that the run can be red about it. */
export function listArgs(flags: GoFlags, patterns: readonly string[]): string[] {
  return ["list", "-e", `-json=${LIST_FIELDS}`, ...buildFlags(flags), "--", ...patterns];
}

/**
 * `-fullpath` makes the place of a failure exact (Go 1.21); both it and `-timeout` leave Go's test
 * cache usable (go help test). `vetToo` is off when vet runs as a check of its own.
 */
export function testArgs(flags: GoFlags, vetToo: boolean, packages: readonly string[]): string[] {
  const shared = new Set(buildFlags(flags));
  const vetGiven = flags.testFlags.some((flag) => /^--?vet=/.test(flag));
  return [
    "test",
    "-json",
    "-fullpath",
    ...buildFlags(flags),
    ...(vetToo || vetGiven ? [] : ["-vet=off"]),
    `-timeout=${goDuration(flags.timeoutMs)}`,
    ...flags.testFlags.filter((flag) => !shared.has(flag)),
    ...packages,
  ];
}

export function vetArgs(flags: GoFlags, packages: readonly string[]): string[] {
  return ["vet", ...buildFlags(flags), ...packages];
}

/** Words of a command for a POSIX shell. */
export function shellWords(words: readonly string[]): string {
  return words
    .map((word) =>
      /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`,
    )
    .join(" ");
}

/** `-run` pattern that names one test; each level of a name is matched on its own (go help testflag). */
export function exactTest(name: string): string {
  return name
    .split("/")
    .map((level) => `^${level.replace(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`)}$`)
    .join("/");
}

/**
 * The command that repeats a failure from the workspace. `-count=1` keeps it out of the test cache;
 * flags that choose tests give way to the one test.
 */
export function repeatCommand(
  flags: GoFlags,
  failure: { module: string; package: string; test: string | null; shuffleSeed: string | null },
): string {
  const flagsKept = flags.testFlags.filter(
    (flag) =>
      !/^--?(count|shuffle|bench|benchtime|benchmem)(=|$)/.test(flag) &&
      !(failure.test !== null && /^--?(run|skip)=/.test(flag)),
  );
  const chosen = failure.test?.startsWith("Benchmark") === true ? "-bench" : "-run";
  const words = [
    "go",
    "test",
    ...buildFlags({ ...flags, testFlags: [] }),
    ...flagsKept,
    ...(failure.shuffleSeed === null ? [] : [`-shuffle=${failure.shuffleSeed}`]),
    "-count=1",
    ...(failure.test === null ? [] : [`${chosen}=${exactTest(failure.test)}`]),
    failure.package,
  ];
  const command = shellWords(words);
  return failure.module === "." ? command : `(cd ${shellWords([failure.module])} && ${command})`;
}

/** A `go` command in a folder; output of more than 64 MiB is cut, which the caller will notice. */
export function goCommand(
  ports: Ports,
  cwd: string,
  args: readonly string[],
  changes: Environment = {},
): Command {
  return {
    file: "go",
    args,
    cwd,
    env: childEnvironment(ports.env, changes),
    keepBytes: 64 * 1024 * 1024,
    signal: ports.signal,
  };
}

/** What the go command says of itself in a folder. */
export interface GoEnvironment {
  GOVERSION: string;
  GOOS: string;
  GOARCH: string;
  GOROOT: string;
  GOMODCACHE: string;
  /** Path of the workspace file in force, or empty. */
  GOWORK: string;
}

/** @throws ActionError `environment` when there is no go, `process` when it refuses the folder. */
export async function goEnvironment(ports: Ports, cwd: string): Promise<GoEnvironment> {
  const names = ["GOVERSION", "GOOS", "GOARCH", "GOROOT", "GOMODCACHE", "GOWORK"];
  const command = goCommand(ports, cwd, ["env", "-json", ...names]);
  return JSON.parse(expectSuccess(command, await ports.processes.run(command))) as GoEnvironment;
}
