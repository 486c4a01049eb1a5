import { readFileSync, realpathSync, statSync, readdirSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { isWithin, slashed } from "./modules.ts";
import type { PlannedPackage } from "./packages.ts";
import type { Frame, Located } from "./transcript.ts";

/** A place that exists in the workspace, as an annotation needs it. */
export interface SourcePlace {
  /** Relative to the workspace, with forward slashes. */
  file: string;
  line: number;
}

/** Turns what tools print into places of the workspace; what is not there becomes undefined. */
export interface SourcePlaces {
  /** `bases` are folders (absolute) that a relative name may be meant from. */
  find(file: string, line: number, bases: readonly string[]): SourcePlace | undefined;
  /** The first frame that lies in the repository: not in GOROOT, the module cache or vendor. */
  firstFrame(frames: readonly Frame[]): SourcePlace | undefined;
  /** The place's line calls Log or Skip: it says something, and not a failure. */
  isLog(place: SourcePlace): boolean;
  /** Where a test function is declared. */
  declaration(dir: string, test: string): SourcePlace | undefined;
}

const MAX_SOURCE = 4 * 1024 * 1024;

interface Tree {
  workspace: string;
  /** Folders that hold other people's code even when they lie in the workspace. */
  foreign: readonly string[];
  packages: readonly PlannedPackage[];
}

export function sourcePlaces({ workspace, foreign, packages }: Tree): SourcePlaces {
  const roots = [...new Set([resolve(workspace), realPath(workspace)])];
  const outside = foreign.filter((path) => path !== "").map((path) => resolve(path));
  const dirs = new Map(packages.map(({ path, dir }) => [path, dir]));
  const sources = new Map<string, readonly string[] | undefined>();

  /** Lines of a source file, or undefined when it is none. */
  const linesOf = (file: string): readonly string[] | undefined => {
    if (!sources.has(file)) sources.set(file, readLines(join(workspace, file)));
    return sources.get(file);
  };
  const inWorkspace = (path: string): string | undefined => {
    if (outside.some((folder) => isWithin(slashed(path), slashed(folder)))) return undefined;
    for (const root of roots) {
      const inside = slashed(relative(root, path));
      if (inside !== "" && inside !== ".." && !inside.startsWith("../") && !isAbsolute(inside)) {
        return inside;
      }
    }
    return undefined;
  };
  const existing = (path: string, line: number): SourcePlace | undefined => {
    const file = inWorkspace(path);
    if (file === undefined) return undefined;
    const lines = linesOf(file);
    return lines === undefined || line < 1 || line > lines.length ? undefined : { file, line };
  };

  const places: SourcePlaces = {
    find: (file, line, bases) => {
      if (isAbsolute(file)) return existing(file, line);
      // Built with -trimpath: the folder is an import path.
      const dir = dirs.get(dirname(file));
      const trimmed = dir === undefined ? undefined : join(workspace, dir, basename(file));
      for (const path of [
        ...bases.map((base) => resolve(base, file)),
        ...(trimmed === undefined ? [] : [trimmed]),
      ]) {
        const place = existing(path, line);
        if (place !== undefined) return place;
      }
      return undefined;
    },
    firstFrame: (frames) => {
      for (const { file, line } of frames) {
        const place = places.find(file, line, []);
        if (place !== undefined && !place.file.split("/").includes("vendor")) return place;
      }
      return undefined;
    },
    isLog: ({ file, line }) => /\.(Logf?|Skip(f|Now)?)\(/.test(linesOf(file)?.[line - 1] ?? ""),
    declaration: (dir, test) => {
      const name = test.split("/")[0] ?? test;
      if (!/^[\p{L}\p{Nd}_]+$/u.test(name)) return undefined;
      const pattern = new RegExp(`^func ${name}\\(`);
      for (const file of testFiles(join(workspace, dir))) {
        const path = dir === "." ? file : `${dir}/${file}`;
        const index = linesOf(path)?.findIndex((line) => pattern.test(line)) ?? -1;
        if (index >= 0) return { file: path, line: index + 1 };
      }
      return undefined;
    },
  };
  return places;
}

/**
 * The place of a failed test: what Go calls an error (1.27), else the first located line whose
 * source does not call Log. Located lines that follow the chosen one are its company.
 */
export function errorLines(
  located: readonly Located[],
  places: SourcePlaces,
  dir: string,
): { place: SourcePlace; located: Located }[] {
  const known = located.some(({ error }) => error === true)
    ? located.filter(({ error }) => error === true)
    : located;
  return known
    .map((line) => ({ place: places.find(line.file, line.line, [dir]), located: line }))
    .filter((line): line is { place: SourcePlace; located: Located } => line.place !== undefined)
    .filter(({ place, located: { error } }) => error === true || !places.isLog(place));
}

/** A line of the compiler, the loader, vet or gofmt: `file.go:3:8: message`. */
export interface Diagnostic {
  file: string;
  line: number;
  column: number | null;
  message: string;
}

/** The diagnostics in a tool's text; indented lines below one belong to it. */
export function diagnostics(text: string): Diagnostic[] {
  const found: Diagnostic[] = [];
  let current: Diagnostic | undefined;
  for (const line of text.split("\n")) {
    const match = /^(?:vet: )?([^\s#:](?:[^:]|:(?=[\\/]))*\.go):(\d+)(?::(\d+))?: (.*)$/.exec(line);
    if (match !== null) {
      const [, file = "", row = "", column, message = ""] = match;
      current = {
        file,
        line: Number(row),
        column: column === undefined ? null : Number(column),
        message,
      };
      found.push(current);
    } else if (current !== undefined && /^[\t ]+\S/.test(line) && current.message.length < 2000) {
      current.message += `\n${line.trim()}`;
    } else {
      current = undefined;
    }
  }
  return found;
}

/** Parts of a text of builds by their headers: `# example.com/m [example.com/m.test]`. */
export function buildSections(text: string): Map<string, string> {
  const sections = new Map<string, string>();
  let name = "";
  for (const line of text.split("\n")) {
    const header = /^# \[?([^\s\]]+)\]?( \[[^\]]*\])?$/.exec(line);
    if (header !== null) name = header[1] ?? "";
    else if (name !== "") sections.set(name, `${sections.get(name) ?? ""}${line}\n`);
  }
  return sections;
}

function testFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith("_test.go"))
      .sort();
  } catch {
    return [];
  }
}

function readLines(path: string): readonly string[] | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true || stat.size > MAX_SOURCE) return undefined;
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return undefined;
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
