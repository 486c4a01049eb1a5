import { AsyncLocalStorage } from "node:async_hooks";
import { basename } from "node:path";

/** What the toolkit said while it saved, and the entry's id; `undefined` when it saved nothing. */
export interface ToolkitSave {
  saved: boolean;
  said: string;
}

/** Output of the toolkit belongs to the save that it was called for. */
const listeners = new AsyncLocalStorage<(text: string) => void>();

/** The toolkit reads its folders from process-wide settings: one save at a time. */
let turn: Promise<unknown> = Promise.resolve();

/**
 * Saves one file through `@actions/cache` as an entry for `path`, a relative path whose last part
 * is the file's name.
 *
 * Why relative: the toolkit makes the entry's version from the path's text, so that has to be the
 * same on every machine, and resolves it against the working directory and GITHUB_WORKSPACE. Both
 * are set to `folder` (private to this process) while it runs: two jobs of one machine cannot get
 * into each other's way, the user's workspace stays untouched, and the archive's only member is
 * `path` itself.
 *
 * The toolkit never throws; it prints why it could not save and answers -1 (6.3). So its words are
 * caught, by the asynchronous context that they come from.
 */
export function saveThroughToolkit(
  folder: string,
  path: string,
  key: string,
): Promise<ToolkitSave> {
  const mine = turn.then(() => save(folder, path, key));
  turn = mine.catch(() => undefined);
  return mine;
}

async function save(folder: string, path: string, key: string): Promise<ToolkitSave> {
  const { loadCache } = await import("@go-cicd/core/adapters/toolkit.ts");
  const { saveCache } = await loadCache();
  const said: string[] = [];
  const home = process.cwd();
  const before = { ...process.env };
  const release = interceptStdout();
  process.chdir(folder);
  process.env["GITHUB_WORKSPACE"] = folder;
  // Without it the toolkit would write to /home/actions/temp.
  process.env["RUNNER_TEMP"] = folder;
  // The toolkit hands its whole environment to tar and zstd (tar.js); of ours it needs ACTIONS_ alone.
  const withheld = Object.keys(before).filter((name) => WITHHELD.test(name));
  for (const name of withheld) restore(name, undefined);
  try {
    const id = await listeners.run(
      (text) => said.push(text),
      () => saveCache([path], key),
    );
    return { saved: id !== -1, said: said.join("") };
  } catch (error) {
    said.push(error instanceof Error ? error.message : basename(path));
    return { saved: false, said: said.join("") };
  } finally {
    process.chdir(home);
    restore("GITHUB_WORKSPACE", before["GITHUB_WORKSPACE"]);
    restore("RUNNER_TEMP", before["RUNNER_TEMP"]);
    for (const name of withheld) restore(name, before[name]);
    release();
  }
}

/** What may hold secrets of the step. */
const WITHHELD = /^(INPUT_|STATE_)|^GITHUB_TOKEN$/;

function restore(name: string, value: string | undefined): void {
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- an empty variable is not a missing one
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

/** What is written from inside `listeners.run` goes to its listener, masks excepted. */
function interceptStdout(): () => void {
  const { stdout } = process;
  const original = stdout.write.bind(stdout);
  const write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    const listener = listeners.getStore();
    const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
    if (listener === undefined || text.startsWith("::add-mask::")) {
      return (original as (...all: unknown[]) => boolean)(chunk, ...rest);
    }
    listener(text);
    const done = rest.at(-1);
    if (typeof done === "function") (done as () => void)();
    return true;
  };
  stdout.write = write;
  return () => {
    stdout.write = original;
  };
}

/** Why the toolkit did not save, from what it said. */
export type WhyNotSaved =
  | { kind: "exists" }
  | { kind: "refused"; reason: "read-only" | "rate-limited" | "quota"; detail: string }
  | { kind: "failed"; detail: string };

/**
 * Statuses stand in the toolkit's debug lines as `(409)`; the words of a denied write and of a
 * used-up quota are constants of the service (@actions/cache 6.3, cache.js, errors.js). What is not
 * recognised is a failure with the toolkit's own words.
 */
export function whyNotSaved(said: string): WhyNotSaved {
  const detail = said
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^(::debug::|\[command\])/.test(line))
    .map((line) => line.replace(/^::\w+[^:]*::/, ""))
    .slice(-2)
    .join("; ")
    .slice(0, 500);
  if (said.includes("cache write denied:")) return { kind: "refused", reason: "read-only", detail };
  if (/insufficient usage/i.test(said)) return { kind: "refused", reason: "quota", detail };
  if (/\(429\)|Rate limited/.test(said)) return { kind: "refused", reason: "rate-limited", detail };
  if (/\(40[13]\)/.test(said)) return { kind: "refused", reason: "read-only", detail };
  if (/\(409\)|Cache already exists/.test(said)) return { kind: "exists" };
  return { kind: "failed", detail: detail || "the toolkit did not say why" };
}
