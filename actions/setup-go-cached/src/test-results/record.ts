import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { InputState, TestInput } from "./test-inputs.ts";

/**
 * Where the record is, relative to GOCACHE: beside the results that it explains. The go command
 * leaves alone what is not in its own folders of two hex digits.
 */
export const RECORD_PATH = "go-cicd/test-inputs.json";

/** A package's last run of which a result was kept. */
export interface PackageRecord {
  /** Test IDs, newest first. */
  ids: readonly string[];
  /** What the test consulted, in that order, and how it was at the end of the job. */
  inputs: readonly (TestInput & { state: InputState })[];
  /** Whether the last job that ran it kept a result. */
  kept: boolean;
}

/** What the jobs before knew about results, so that a job can say why a test ran again. */
export interface TestRecord {
  salt: string;
  packages: Map<string, PackageRecord>;
}

const VERSION = 1;
const BYTES_AT_MOST = 32 * 1024 * 1024;
const PACKAGES_AT_MOST = 5_000;
const INPUTS_AT_MOST = 1_000;
const IDS_AT_MOST = 8;

export function emptyRecord(): TestRecord {
  return { salt: randomBytes(8).toString("hex"), packages: new Map() };
}

/** Undefined when there is none that this version can read: it only explains, and is not missed. */
export function readRecord(gocache: string): TestRecord | undefined {
  const path = join(gocache, RECORD_PATH);
  try {
    if (statSync(path).size > BYTES_AT_MOST) return undefined;
    return decode(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}

/** @throws a system error when it cannot be written. */
export function writeRecord(gocache: string, record: TestRecord): void {
  const path = join(gocache, RECORD_PATH);
  const text = encode(record);
  if (text.length > BYTES_AT_MOST) {
    rmSync(path, { force: true });
    return;
  }
  mkdirSync(dirname(path), { recursive: true });
  // Whole or not at all, also when the job is ended here.
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** Packages share inputs: each is written once. */
function encode({ salt, packages }: TestRecord): string {
  const table = new Map<string, number>();
  const number = ({ kind, name, state }: PackageRecord["inputs"][number]): number => {
    const key = JSON.stringify([kind, name, state.sum, state.entries]);
    const at = table.get(key) ?? table.size;
    table.set(key, at);
    return at;
  };
  const list = [...packages].slice(0, PACKAGES_AT_MOST).map(([name, { ids, inputs, kept }]) => ({
    name,
    kept,
    ids: ids.slice(0, IDS_AT_MOST),
    inputs: inputs.slice(0, INPUTS_AT_MOST).map(number),
  }));
  const head = JSON.stringify({ version: VERSION, salt, packages: list });
  return `${head.slice(0, -1)},"inputs":[${[...table.keys()].join(",")}]}\n`;
}

/** The record comes out of a cache: whatever it says, it is text and numbers of these shapes. */
function decode(value: unknown): TestRecord | undefined {
  if (!isObject(value) || value["version"] !== VERSION || !isText(value["salt"])) return undefined;
  const { salt, packages, inputs } = value;
  if (!Array.isArray(packages) || !Array.isArray(inputs)) return undefined;
  const table = inputs.map(decodeInput);
  const found = new Map<string, PackageRecord>();
  for (const item of packages) {
    if (!isObject(item) || !isText(item["name"])) return undefined;
    const { name, ids, kept, inputs: numbers } = item;
    if (!Array.isArray(ids) || !ids.every(isText) || !Array.isArray(numbers)) return undefined;
    found.set(name, {
      ids,
      kept: kept === true,
      inputs: numbers.flatMap((at) => (typeof at === "number" ? (table[at] ?? []) : [])),
    });
  }
  return { salt, packages: found };
}

function decodeInput(value: unknown): PackageRecord["inputs"][number] | undefined {
  if (!Array.isArray(value)) return undefined;
  const [kind, name, sum, entries] = value as unknown[];
  if ((kind !== "env" && kind !== "stat" && kind !== "open") || !isText(name) || !isText(sum)) {
    return undefined;
  }
  if (!isObject(entries)) return { kind, name, state: { sum } };
  const sums = Object.entries(entries).filter((pair): pair is [string, string] => isText(pair[1]));
  return { kind, name, state: { sum, entries: Object.fromEntries(sums) } };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
