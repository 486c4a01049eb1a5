import { randomBytes } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gunzipSync, inflateRawSync, zstdDecompressSync } from "node:zlib";

/** A secret that stands nowhere by chance, and the forms in which it could be carried away. */
export interface Canary {
  name: string;
  value: string;
  forms: readonly { form: string; bytes: Buffer }[];
}

/** Where a canary was seen that should not have been. */
export interface Sighting {
  canary: string;
  form: string;
  where: string;
}

export function canary(name: string, value = `canary${randomBytes(18).toString("hex")}`): Canary {
  const bytes = Buffer.from(value);
  const base64 = [0, 1, 2].map((skip) => ({
    // Whole groups of three only: they look the same whatever stands before and behind.
    form: `base64, shifted by ${skip}`,
    bytes: Buffer.from(
      bytes.subarray(skip, bytes.length - ((bytes.length - skip) % 3)).toString("base64"),
    ),
  }));
  return {
    name,
    value,
    forms: [
      { form: "plain", bytes },
      { form: "hex", bytes: Buffer.from(bytes.toString("hex")) },
      ...base64,
    ],
  };
}

export function sightings(bytes: Buffer, canaries: readonly Canary[], where: string): Sighting[] {
  return canaries.flatMap(({ name, forms }) =>
    forms
      .filter((form) => bytes.includes(form.bytes))
      .map(({ form }) => ({ canary: name, form, where })),
  );
}

/**
 * Looks through every file below `folder`: names, targets of links and contents, also inside zip,
 * gzip and zstd.
 */
export function searchTree(folder: string, canaries: readonly Canary[]): Sighting[] {
  const found: Sighting[] = [];
  for (const item of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(item.parentPath, item.name);
    found.push(...sightings(Buffer.from(item.name), canaries, `name of ${path}`));
    if (item.isSymbolicLink()) {
      found.push(...sightings(Buffer.from(readlinkSync(path)), canaries, `target of ${path}`));
    }
    if (!item.isFile()) continue;
    const bytes = readFileSync(path);
    found.push(...sightings(bytes, canaries, path));
    for (const inner of contents(bytes)) {
      found.push(...sightings(inner, canaries, `inside ${path}`));
    }
  }
  return found;
}

/** What a file holds in compressed form, two levels deep. */
function contents(bytes: Buffer, depth = 2): Buffer[] {
  if (depth === 0 || bytes.length < 4) return [];
  const start = bytes.readUInt32BE(0);
  let inner: Buffer[] = [];
  try {
    if (start >>> 8 === 0x1f8b08) inner = [gunzipSync(bytes)];
    else if (start === 0x28b52ffd) inner = [zstdDecompressSync(bytes)];
    else if (start === 0x504b0304) inner = zipMembers(bytes);
  } catch {
    // It only looked like one, or it is cut off.
  }
  return [...inner, ...inner.flatMap((each) => contents(each, depth - 1))];
}

/** Members by the central directory (APPNOTE 4.3.12), since local headers may lack sizes. */
function zipMembers(zip: Buffer): Buffer[] {
  const members: Buffer[] = [];
  const end = zip.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  if (end < 0) throw new Error("no end of central directory");
  let at = zip.readUInt32LE(end + 16);
  while (zip.readUInt32LE(at) === 0x02014b50) {
    const method = zip.readUInt16LE(at + 10);
    const size = zip.readUInt32LE(at + 20);
    const local = zip.readUInt32LE(at + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const data = zip.subarray(start, start + size);
    members.push(method === 8 ? inflateRawSync(data) : data);
    at += 46 + zip.readUInt16LE(at + 28) + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return members;
}

/** A process as it was seen. */
export interface SeenProcess {
  pid: number;
  /** argv */
  args: readonly string[];
  environ: Buffer;
}

export interface ProcessWatch {
  sightings: Sighting[];
  /** Programs that were seen, by the last part of their path. */
  programs: Set<string>;
  stop(): void;
}

/**
 * Looks at every process of this machine again and again (Linux). `mayHold` names those whose
 * environment may hold a canary; no argv may.
 */
export function watchProcesses(
  canaries: readonly Canary[],
  mayHold: (process: SeenProcess, canary: string) => boolean,
): ProcessWatch {
  const watch: ProcessWatch = { sightings: [], programs: new Set(), stop: () => undefined };
  const look = (): void => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      if (Number(pid) === process.pid) continue;
      const seen = snapshot(`/proc/${pid}`, Number(pid));
      if (seen !== undefined) take(watch, seen, canaries, mayHold);
    }
  };
  const timer = setInterval(look, 50);
  watch.stop = () => clearInterval(timer);
  return watch;
}

const STAND_IN = /^cat \/proc\/\d+\/(cmdline|environ)$/;

function take(
  watch: Pick<ProcessWatch, "sightings" | "programs">,
  seen: SeenProcess,
  canaries: readonly Canary[],
  mayHold: (process: SeenProcess, canary: string) => boolean,
): void {
  const line = seen.args.join(" ");
  // A stand-in that writes down what it was given: that is looked through in its record.
  if (STAND_IN.test(line)) return;
  watch.programs.add((seen.args[0] ?? "").replace(/^.*\//, ""));
  watch.sightings.push(...sightings(Buffer.from(line), canaries, `argv of ${line}`));
  const held = sightings(seen.environ, canaries, `environment of ${line}`);
  watch.sightings.push(...held.filter(({ canary: name }) => !mayHold(seen, name)));
}

/** argv first: between fork and exec a child shows its parent's argv *and* environment. */
function snapshot(folder: string, pid: number): SeenProcess | undefined {
  try {
    const args = readFileSync(`${folder}/cmdline`, "utf8").split("\0").slice(0, -1);
    // A process in the middle of its exec has no argv yet; it is looked at the next time.
    return args.length === 0
      ? undefined
      : { pid, args, environ: readFileSync(`${folder}/environ`) };
  } catch {
    // It has ended, or is another user's.
    return undefined;
  }
}

/**
 * A folder for PATH with a stand-in for each program: it writes down the argv and environment that
 * it was given and becomes the program. So none is missed, however short it runs.
 */
export class ProgramRecorder {
  readonly folder: string;
  readonly #records: string;

  /** @param programs name → path */
  constructor(folder: string, programs: Readonly<Record<string, string>>) {
    this.folder = join(folder, "bin");
    this.#records = join(folder, "records");
    mkdirSync(this.folder, { recursive: true });
    mkdirSync(this.#records);
    for (const [name, path] of Object.entries(programs)) this.add(this.folder, name, path);
  }

  /** Puts a stand-in for the program at `path` into another folder, in place of what is there. */
  add(folder: string, name: string, path: string): void {
    const file = join(folder, name);
    const record = join(this.#records, `${name}-$$`);
    rmSync(file, { force: true });
    writeFileSync(
      file,
      `#!/bin/sh\ncat /proc/$$/cmdline >>${record}.cmdline\ncat /proc/$$/environ >>${record}.environ\nexec ${path} "$@"\n`,
    );
    chmodSync(file, 0o755);
  }

  /** Names of the programs that were started, once per start. */
  programs(): string[] {
    return readdirSync(this.#records)
      .filter((name) => name.endsWith(".cmdline"))
      .map((name) => name.replace(/-\d+\.cmdline$/, ""));
  }

  /** What no argv may hold, and no environment but those that `mayHold` names. */
  sightings(
    canaries: readonly Canary[],
    mayHold: (args: readonly string[], canary: string) => boolean = () => false,
  ): Sighting[] {
    return this.#starts().flatMap(({ args, environ }) => {
      const line = args.join(" ");
      const held = sightings(environ, canaries, `environment of ${line}`);
      return [
        ...sightings(Buffer.from(line), canaries, `argv of ${line}`),
        ...held.filter(({ canary: name }) => !mayHold(args, name)),
      ];
    });
  }

  /** argv of each start. */
  commands(): string[][] {
    return this.#starts().map(({ args }) => args);
  }

  #starts(): { args: string[]; environ: Buffer }[] {
    return readdirSync(this.#records)
      .filter((name) => name.endsWith(".cmdline"))
      .map((name) => {
        const path = join(this.#records, name);
        return {
          // `/bin/sh <stand-in> …`: the stand-in is what was asked for.
          args: readFileSync(path, "utf8").split("\0").slice(1, -1),
          environ: readFileSync(path.replace(/cmdline$/, "environ")),
        };
      });
  }
}
