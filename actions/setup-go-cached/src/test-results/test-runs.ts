import type { TestEntries, TestLog, TestResult } from "./cache-entries.ts";

/** What became of the tests of one package in this job. */
export type PackageTests = { package: string } & (
  | { kind: "cached" }
  /** Passed, with the log of what it consulted where that is known for sure. */
  | { kind: "ran"; log: KnownLog | undefined }
  /** Its test program was linked to be run, and no result was kept. */
  | { kind: "kept nothing" }
);

interface KnownLog {
  /** Test IDs of the run. */
  ids: string[];
  text: string;
}

/** The packages that were tested, by name. */
export function packageTests({ logs, results, linked }: TestEntries): PackageTests[] {
  const byPackage = new Map<string, TestResult[]>();
  for (const result of results) {
    byPackage.set(result.package, [...(byPackage.get(result.package) ?? []), result]);
  }
  const order = inOrder(logs.filter(({ fresh }) => fresh));
  const names = [...new Set([...linked, ...byPackage.keys()])].sort();
  return names.map((name): PackageTests => {
    const own = byPackage.get(name) ?? [];
    const ran = own.filter(({ fresh }) => fresh);
    if (ran.length > 0) return { package: name, kind: "ran", log: logOf(ran, order) };
    return { package: name, kind: own.length > 0 ? "cached" : "kept nothing" };
  });
}

function inOrder<T extends { putNs: bigint }>(entries: readonly T[]): T[] {
  return [...entries].sort((a, b) => (a.putNs < b.putNs ? -1 : 1));
}

/**
 * The log of a package's last run. Nothing in the cache says which log belongs to which result; but
 * they are written one after the other: log, result, the same log again, the same result again, for
 * the two test IDs (saveOutput). So the second log is the one between the two results. Where tests
 * ended at the same moment there can be several: they are told apart by the first log, and if they
 * cannot be, the log is not known.
 */
function logOf(results: readonly TestResult[], logs: readonly TestLog[]): KnownLog | undefined {
  const [second, first] = inOrder(results).reverse();
  if (first === undefined || second?.output !== first.output) return undefined;
  const between = logs.filter(({ putNs }) => putNs > first.putNs && putNs < second.putNs);
  const before = logs.filter(({ putNs }) => putNs < first.putNs);
  const found = between.flatMap((log): KnownLog[] => {
    const earlier = before.findLast(({ output }) => output === log.output);
    return earlier === undefined ? [] : [{ ids: [earlier.action, log.action], text: log.text }];
  });
  return found.length === 1 ? found[0] : undefined;
}
