import { createHash } from "node:crypto";
import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { readIndexEntry } from "../stores/action-map.ts";
import { HEAD_BYTES, isMainArchive, testedPackage } from "./go-object.ts";

/** An index entry of the build cache that names a test log or a test result. */
interface TestEntry {
  /** Hash that the go command asked for. */
  action: string;
  /** Hash of what it names. */
  output: string;
  /** When it was written, in nanoseconds since the epoch. */
  putNs: bigint;
  /** Written by this job, not only used. */
  fresh: boolean;
}

/** What a test consulted: the test ID is its action. */
export interface TestLog extends TestEntry {
  text: string;
}

/** That a package passed. */
export interface TestResult extends TestEntry {
  package: string;
}

/** What the build cache says of the tests of a job. */
export interface TestEntries {
  logs: TestLog[];
  results: TestResult[];
  /** Packages whose test program this job linked: it was run, whatever came of it. */
  linked: Set<string>;
}

const LOG_MAGIC = "# test log\n";
const RESULT_LINE = /(?:^|\n)ok {2}\t([^\t\n]+)\t[^\n]*\n$/;
/** More than the last line of a result, with coverage and all. */
const TAIL_BYTES = 1024;
/** Logs and main packages are read whole. */
const READ_BYTES = 16 * 1024 * 1024;
/** Files made right after the start can carry a time a few ticks before it. */
const TICK_MS = 1_000;
/** An index entry is written and then given its time, one after the other. */
const PUT_MS = 2_000;
/** What was used gets a new time when the one it has is as old as this (cache.go, mtimeInterval). */
const TOUCHED_AFTER_MS = 60 * 60 * 1000;

/**
 * Reads what a job's tests left in the build cache (cmd/go/internal/test, tryCacheWithID and
 * saveOutput; cmd/go/internal/cache). Only entries that were used since `startMs` are looked into:
 * their times say so, as all others were given an older one when the job began.
 *
 * For each package that passed, the go command writes a log of what the test consulted and the
 * output, under two test IDs each; for one whose result it finds, it reads both. What failed, or ran
 * in a way that is not cached, leaves nothing but what the linker said to its test program, which is
 * written each time one is linked (cmd/go/internal/work, updateBuildID) and never for a result that
 * is found. (That the program's main package was compiled says less: linters ask for that, too.)
 */
export function readTestEntries(gocache: string, startMs: number): TestEntries {
  const entries: TestEntries = { logs: [], results: [], linked: new Set() };
  const programs = new Map<string, string>();
  const written = new Set<string>();
  const expiry = readExpiry(gocache);
  const head = Buffer.alloc(HEAD_BYTES);
  const seen = new Map<string, Output>();
  for (const folder of readdirSync(gocache)) {
    if (!/^[0-9a-f]{2}$/.test(folder)) continue;
    for (const name of readdirSync(join(gocache, folder))) {
      if (!name.endsWith("-a")) continue;
      const path = join(gocache, folder, name);
      const { mtimeMs } = statSync(path);
      if (mtimeMs < startMs - TICK_MS) continue;
      const found = readIndexEntry(path, name.slice(0, -2));
      if (found === undefined) continue;
      const { action, output } = found;
      let content = seen.get(output);
      if (content === undefined) {
        content = readOutput(join(gocache, output.slice(0, 2), `${output}-d`), head);
        seen.set(output, content);
      }
      const putNs = BigInt(found.time);
      const fresh = isFresh(Number(putNs / 1_000_000n), mtimeMs, startMs);
      if (fresh) written.add(action);
      const entry = { action, output, putNs, fresh };
      if (content.kind === "log") entries.logs.push({ ...entry, text: content.text });
      if (content.kind === "program") programs.set(linkKey(action), content.package);
      if (content.kind === "result" && putNs >= expiry) {
        entries.results.push({ ...entry, package: content.package });
      }
    }
  }
  for (const [key, name] of programs) if (written.has(key)) entries.linked.add(name);
  return entries;
}

/**
 * Whether an entry was written since the start, not only used. The clock of the machine that wrote
 * it need not be ours: what was restored can bear a later time than now, but then the file has that
 * of its use.
 */
function isFresh(putMs: number, mtimeMs: number, startMs: number): boolean {
  if (putMs < Math.floor(startMs)) return false;
  return Math.abs(mtimeMs - putMs) < PUT_MS || mtimeMs - putMs >= TOUCHED_AFTER_MS;
}

/** Where the linker's words for a main package are kept (cmd/go/internal/cache, Subkey). */
function linkKey(action: string): string {
  return createHash("sha256")
    .update("subkey:")
    .update(action, "hex")
    .update("link-stdout")
    .digest("hex");
}

/** `go clean -testcache` leaves the time before which nothing counts. */
function readExpiry(gocache: string): bigint {
  try {
    const text = readFileSync(join(gocache, "testexpire.txt"), "utf8").trim();
    return /^\d+$/.test(text) ? BigInt(text) : 0n;
  } catch {
    // Most caches have none.
    return 0n;
  }
}

type Output =
  | { kind: "log"; text: string }
  | { kind: "result" | "program"; package: string }
  | { kind: "other" };

function readOutput(path: string, head: Buffer): Output {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    // Trimmed, or swept by another job.
    return { kind: "other" };
  }
  try {
    const { size } = fstatSync(file);
    const start = head.subarray(0, readSync(file, head, 0, HEAD_BYTES, 0));
    if (start[0] === 0x21) {
      if (!isMainArchive(start) || size > READ_BYTES) return { kind: "other" };
      const tested = testedPackage(readAt(file, 0, size));
      return tested === undefined ? { kind: "other" } : { kind: "program", package: tested };
    }
    if (start.toString("latin1").startsWith(LOG_MAGIC)) {
      if (size > READ_BYTES) return { kind: "other" };
      return { kind: "log", text: readAt(file, LOG_MAGIC.length, size).toString("utf8") };
    }
    const tail = size <= start.length ? start : readAt(file, Math.max(0, size - TAIL_BYTES), size);
    const passed = RESULT_LINE.exec(tail.toString("utf8"))?.[1];
    return passed === undefined ? { kind: "other" } : { kind: "result", package: passed };
  } catch {
    // A program is kept as a folder.
    return { kind: "other" };
  } finally {
    closeSync(file);
  }
}

function readAt(file: number, from: number, to: number): Buffer {
  const buffer = Buffer.alloc(to - from);
  return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, from));
}
