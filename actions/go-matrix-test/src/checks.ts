import { existsSync, lstatSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";
import { childEnvironment, type Exit } from "@go-cicd/core/process.ts";
import type { CheckResult, Failure, Verdict } from "@go-cicd/core/test-report.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { clip, distinct, packageArgument } from "./failures.ts";
import { goCommand, shellWords, vetArgs, type GoFlags } from "./go-command.ts";
import { byText, isWithin } from "./modules.ts";
import { moduleEnvironment, type ModulePlan, type PlannedPackage } from "./packages.ts";
import { diagnostics, type SourcePlaces } from "./source-places.ts";

export interface CheckContext {
  ports: Ports;
  workspace: string;
  cell: string;
  shard: number;
  flags: GoFlags;
  places: SourcePlaces;
  goroot: string;
}

/** A check's row in the report, what it found, and what it printed. */
export interface CheckOutcome {
  result: CheckResult;
  failures: Failure[];
  text: string;
}

/** Files whose first change is looked up. */
const SHOWN_CHANGES = 50;
/** Bytes of arguments of one gofmt; Linux takes 2 MiB in all, Windows 32 KiB. */
const ARGUMENT_BYTES = process.platform === "win32" ? 24_000 : 512_000;

/** `go vet` over packages of one module. */
export async function vet(
  module: ModulePlan,
  packages: readonly PlannedPackage[],
  context: CheckContext,
): Promise<CheckOutcome> {
  const { ports, workspace, flags } = context;
  const cwd = join(workspace, module.folder);
  const args = vetArgs(
    flags,
    packages.map(({ path }) => path),
  );
  const exit = await ports.processes.run({
    ...goCommand(ports, cwd, args, moduleEnvironment(module)),
    keepBytes: 1024 * 1024,
  });
  const text = exit.stderr;
  const ended = exitVerdict(exit);
  const failures: Failure[] = [];
  const bases = [cwd, ...packages.map(({ dir }) => join(workspace, dir))];
  for (const line of ended.verdict === "pass" ? [] : distinct(diagnostics(text))) {
    const found = failure("vet", module.folder, line, context, bases);
    const dir = found.file === null ? undefined : posix.dirname(found.file);
    const own = packages.find((item) => item.dir === dir);
    if (own !== undefined) {
      found.package = own.path;
      const argument = packageArgument(own, module.folder);
      found.repeat = inModule(module.folder, ["go", ...vetArgs(flags, [argument])]);
    }
    failures.push(found);
  }
  if (ended.verdict !== "pass" && failures.length === 0) {
    failures.push(wholeFailure("vet", module.folder, `go vet ${ended.detail}`, text, context));
  }
  return outcome("vet", module.folder, ended, exit.durationMs, failures, text, context);
}

/** `gofmt -l` over the tracked Go files of a module, without vendor, testdata and nested modules. */
export async function fmt(
  module: ModulePlan,
  modules: readonly string[],
  context: CheckContext,
): Promise<CheckOutcome> {
  const { ports, workspace, goroot } = context;
  const cwd = join(workspace, module.folder);
  const files = await goFiles(module.folder, modules, context);
  const suffix = process.platform === "win32" ? ".exe" : "";
  const bundled = join(goroot, "bin", `gofmt${suffix}`);
  const file = goroot !== "" && existsSync(bundled) ? bundled : "gofmt";
  const failures: Failure[] = [];
  let text = "";
  const ugly: string[] = [];
  let durationMs = 0;
  let ended: { verdict: Verdict; detail: string } = { verdict: "pass", detail: "" };
  for (const chunk of chunks(files)) {
    const env = childEnvironment(ports.env);
    const exit = await ports.processes.run({
      ...{ file, args: ["-l", ...chunk], cwd, env, signal: ports.signal },
      keepBytes: 8 * 1024 * 1024,
    });
    durationMs += exit.durationMs;
    const own = exitVerdict(exit);
    if (own.verdict !== "pass") ended = own;
    for (const line of diagnostics(exit.stderr)) {
      failures.push(failure("fmt", module.folder, line, context, [cwd]));
    }
    ugly.push(...exit.stdout.split("\n").filter((line) => line !== ""));
    text += exit.stdout + exit.stderr;
  }
  const lines = await firstChanges(file, ugly.slice(0, SHOWN_CHANGES), cwd, context);
  for (const name of ugly) {
    const message = `${name} is not formatted as gofmt does it`;
    const line = { file: name, line: lines.get(name) ?? 1, column: null, message };
    const repeat = inModule(module.folder, ["gofmt", "-d", name]);
    failures.push(failure("fmt", module.folder, line, context, [cwd], { repeat }));
  }
  if (ended.verdict === "pass" && failures.length > 0) {
    ended = { verdict: "fail", detail: "would change files" };
  }
  if (ended.verdict !== "pass" && failures.length === 0) {
    failures.push(wholeFailure("fmt", module.folder, `gofmt ${ended.detail}`, text, context));
  }
  return outcome("fmt", module.folder, ended, durationMs, failures, text, context);
}

/** The first line that gofmt would change, by file. */
async function firstChanges(
  file: string,
  names: readonly string[],
  cwd: string,
  { ports }: CheckContext,
): Promise<Map<string, number>> {
  if (names.length === 0) return new Map();
  const exit = await ports.processes.run({
    ...{ file, args: ["-d", ...names], cwd, env: childEnvironment(ports.env) },
    ...{ signal: ports.signal, keepBytes: 8 * 1024 * 1024 },
  });
  return changedLines(exit.stdout);
}

/** File → first removed or added line (in the old file's numbers) of a unified diff. */
export function changedLines(diff: string): Map<string, number> {
  const found = new Map<string, number>();
  let name: string | undefined;
  let line = 0;
  for (const text of diff.split("\n")) {
    const header = /^\+\+\+ (.*)$/.exec(text);
    const hunk = /^@@ -(\d+)(?:,\d+)? \+/.exec(text);
    if (header !== null) {
      name = header[1]?.replace(/\t.*$/, "");
      line = 0;
    } else if (hunk !== null) {
      line = Number(hunk[1]);
    } else if (name !== undefined && line > 0 && !found.has(name)) {
      if (/^[-+]/.test(text)) found.set(name, Math.max(1, line));
      else line += 1;
    }
  }
  return found;
}

async function goFiles(
  module: string,
  modules: readonly string[],
  { ports, workspace }: CheckContext,
): Promise<string[]> {
  const cwd = join(workspace, module);
  const exit = await ports.processes.run({
    file: "git",
    // A checkout that another user made is still only read.
    args: ["-c", "safe.directory=*", "ls-files", "-z", "--", "*.go"],
    ...{ cwd, env: childEnvironment(ports.env), signal: ports.signal },
    keepBytes: 64 * 1024 * 1024,
  });
  const tracked = exit.kind === "exited" && exit.code === 0;
  const names = tracked ? exit.stdout.split("\0").filter((name) => name !== "") : walk(cwd, "");
  const nested = modules
    .filter((other) => other !== module && isWithin(other, module))
    .map((other) => (module === "." ? other : other.slice(module.length + 1)));
  return (
    names
      // What the go command itself does not look at (go help packages).
      .filter((name) => !/(^|\/)((vendor|testdata)\/|[._])/.test(name))
      .filter((name) => !nested.some((folder) => isWithin(name, folder)))
      .filter((name) => lstatSync(join(cwd, name), { throwIfNoEntry: false })?.isFile() === true)
      .map((name) => (name.startsWith("-") ? `./${name}` : name))
      .sort(byText)
  );
}

function walk(root: string, below: string): string[] {
  return readdirSync(join(root, below), { withFileTypes: true }).flatMap((item) => {
    const name = below === "" ? item.name : `${below}/${item.name}`;
    if (item.isDirectory()) return item.name.startsWith(".") ? [] : walk(root, name);
    return item.isFile() && item.name.endsWith(".go") ? [name] : [];
  });
}

function* chunks(names: readonly string[]): Generator<string[]> {
  let chunk: string[] = [];
  let bytes = 0;
  for (const name of names) {
    bytes += Buffer.byteLength(name) + 1;
    if (bytes > ARGUMENT_BYTES && chunk.length > 0) {
      yield chunk;
      chunk = [];
      bytes = Buffer.byteLength(name) + 1;
    }
    chunk.push(name);
  }
  if (chunk.length > 0) yield chunk;
}

function exitVerdict(exit: Exit): { verdict: Verdict; detail: string } {
  switch (exit.kind) {
    case "exited":
      return exit.code === 0
        ? { verdict: "pass", detail: "" }
        : { verdict: "fail", detail: `exited with ${exit.code}` };
    case "signalled":
      return { verdict: "incomplete", detail: `was ended by ${exit.signal}` };
    case "timed-out":
      return { verdict: "incomplete", detail: `was ended after ${exit.afterMs / 1000} s` };
    case "cancelled":
      return { verdict: "incomplete", detail: "was cancelled" };
    case "not-found":
      return { verdict: "incomplete", detail: "is not on PATH" };
  }
}

function outcome(
  name: CheckResult["name"],
  module: string,
  { verdict, detail }: { verdict: Verdict; detail: string },
  durationMs: number,
  failures: Failure[],
  text: string,
  { cell, shard }: CheckContext,
): CheckOutcome {
  const said = verdict === "pass" ? "nothing found" : `${failures.length} found, ${name} ${detail}`;
  return {
    result: { name, module, cell, shard, verdict, durationMs, detail: said },
    failures,
    text,
  };
}

function failure(
  kind: "vet" | "fmt",
  path: string,
  line: { file: string; line: number; column: number | null; message: string },
  { places, cell }: CheckContext,
  bases: readonly string[],
  { repeat = null }: { repeat?: string | null } = {},
): Failure {
  const place = places.find(line.file, line.line, bases);
  const where = place === undefined ? `${line.file}:${line.line}: ` : "";
  return {
    ...{ kind, cells: [cell], package: path, test: null, repeat, output: "" },
    message: clip(`${where}${line.message}`, 4096),
    file: place?.file ?? null,
    line: place?.line ?? null,
    column: place === undefined ? null : line.column,
  };
}

function wholeFailure(
  kind: "vet" | "fmt",
  module: string,
  message: string,
  text: string,
  { cell }: CheckContext,
): Failure {
  return {
    ...{ kind, cells: [cell], package: module, test: null, repeat: null },
    ...{ message, file: null, line: null, column: null, output: clip(text, 16 * 1024) },
  };
}

function inModule(module: string, words: readonly string[]): string {
  const command = shellWords(words);
  return module === "." ? command : `(cd ${shellWords([module])} && ${command})`;
}
