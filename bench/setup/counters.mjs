// What a job did, counted from what it left: cache entries, test lines, requests.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { MODULES } from "./modules.mjs";

/** Packages by what became of their tests, from the lines of `go test`. */
export function testLines(text) {
  const cached = [];
  const ran = [];
  const failed = [];
  for (const line of text.split("\n")) {
    const ok = /^ok\s+(\S+)\s+(\(cached\)|[\d.]+s)/.exec(line);
    if (ok !== null) (ok[2] === "(cached)" ? cached : ran).push(ok[1]);
    const fail = /^FAIL\s+(\S+)\s+(?:[\d.]+s|\[)/.exec(line);
    if (fail !== null) failed.push(fail[1]);
  }
  return { cached, ran, failed };
}

/**
 * What Go's build cache got since a time: distinct new outputs (archives, programs, vet facts and
 * test logs). An entry tells when it was made; restored ones are older, however they came.
 */
export function newOutputs(gocache, sinceMs) {
  const outputs = new Map();
  let files = 0;
  for (const prefix of folders(gocache)) {
    for (const name of readdirSync(join(gocache, prefix))) {
      files += 1;
      if (!name.endsWith("-a")) continue;
      const path = join(gocache, prefix, name);
      if (statSync(path).mtimeMs < sinceMs - 1000) continue;
      const [, , output, size, nanos] = readFileSync(path, "latin1").trim().split(/\s+/);
      if (Number(nanos) / 1e6 >= sinceMs && Number(size) > 0) outputs.set(output, Number(size));
    }
  }
  const bytes = [...outputs.values()].reduce((sum, size) => sum + size, 0);
  return { files, outputs: outputs.size, bytes };
}

function folders(gocache) {
  try {
    return readdirSync(gocache).filter((name) => /^[0-9a-f]{2}$/.test(name));
  } catch {
    return [];
  }
}

/** Files below a folder. */
export function countFiles(folder) {
  if (!existsSync(folder)) return 0;
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).length;
}

/** Bytes and requests of a job; modules are counted apart. */
export function traffic(requests) {
  const sum = (list, name) => list.reduce((total, each) => total + each[name], 0);
  const modules = requests.filter(({ path }) => path.startsWith(MODULES));
  const cache = requests.filter(({ path }) => !path.startsWith(MODULES));
  return {
    requests: cache.length,
    down: sum(cache, "sent"),
    up: sum(cache, "received"),
    moduleRequests: modules.length,
    moduleBytes: sum(modules, "sent"),
  };
}
