import semver from "semver";
import { ActionError } from "@go-cicd/core/errors.ts";

/** The oldest Go line that the action sets up. */
const OLDEST = "1.24";

/** What is asked for. Versions are written as Go writes them, without `go`: `1.26.3`, `1.27rc1`. */
export type Wanted =
  | { kind: "exact"; version: string; text: string }
  | {
      kind: "range";
      range: string;
      text: string;
      /** For a minimum: what does as well when the range cannot be settled. */
      otherwise?: string;
    }
  | { kind: "stable" | "oldstable"; text: string };

const ALLOWED =
  "Allowed are an exact version (1.26.3, 1.27rc1), a line (1.26 or 1.26.x), a range (>=1.25 <1.27), stable and oldstable.";

/**
 * Go's version in the notation of semantic versions: `1.27rc1` → `1.27.0-rc.1`. Undefined when it is
 * no version (https://go.dev/doc/toolchain#version).
 */
export function toSemver(version: string): string | undefined {
  const match = /^(\d+)\.(\d+)(?:\.(\d+)|(rc|beta)(\d+))?$/.exec(version);
  if (match === null) return undefined;
  const [, major, minor, patch, pre, number] = match;
  const suffix = pre === undefined ? "" : `-${pre}.${number ?? "0"}`;
  return `${major ?? ""}.${minor ?? ""}.${patch ?? "0"}${suffix}`;
}

/** Go's version from its semantic form: `1.27.0-rc.1` → `1.27rc1`. Undefined when it is none. */
export function fromSemver(form: string): string | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)(?:-(rc|beta)\.?(\d+))?$/.exec(form);
  if (match === null) return undefined;
  const [, major = "", minor = "", patch = "", pre, number = "0"] = match;
  if (pre === undefined) return `${major}.${minor}.${patch}`;
  return patch === "0" ? `${major}.${minor}${pre}${number}` : undefined;
}

/** The oldest form that a version or a line stands for, for comparison: `1.25` → `1.25.0`. */
export function lowest(wanted: Wanted): string {
  if (wanted.kind === "exact") return toSemver(wanted.version) ?? "0.0.0";
  const range = wanted.kind === "range" ? wanted.range : "*";
  return semver.minVersion(range)?.version ?? "0.0.0";
}

/** Whether a Go that is `wanted` also does for something whose minimum is `other`. */
export function covers(wanted: Wanted, other: Wanted): boolean {
  if (wanted.kind === "stable" || wanted.kind === "oldstable") return true;
  const minimum = lowest(other);
  return (
    semver.gte(lowest(wanted), minimum) ||
    (wanted.kind === "range" && semver.satisfies(minimum, wanted.range))
  );
}

/**
 * The three versions that are closest to one that does not exist, closest first, of those that can be
 * set up. Candidates are among them where the wanted one is a candidate, or of the same line.
 * @param form semantic form of the version, or the lowest one of a range
 */
export function nearestVersions(form: string, known: readonly string[]): string[] {
  const target = semver.parse(form);
  if (target === null) return [];
  return known
    .map((each) => ({ each, form: semver.parse(toSemver(each)) }))
    .flatMap(({ each, form: other }) => {
      if (other === null || semver.lt(other, `${OLDEST}.0-0`)) return [];
      const lines = Math.abs(other.minor - target.minor);
      const candidate = other.prerelease.length > 0;
      if (candidate && target.prerelease.length === 0 && lines > 0) return [];
      // Of one line, what is of the wanted kind comes first; then the next number of the wanted line,
      // and the newest of any other.
      const kinds = Number(candidate !== target.prerelease.length > 0);
      const number = ({ patch, prerelease }: semver.SemVer): number =>
        prerelease.length > 0 ? Number(prerelease[1] ?? 0) : patch;
      const numbers = lines === 0 ? Math.abs(number(other) - number(target)) : -number(other);
      return [{ each, far: [lines, kinds, numbers] as const }];
    })
    .sort(({ far: [a, b, c] }, { far: [x, y, z] }) => a - x || b - y || c - z)
    .slice(0, 3)
    .map(({ each }) => each);
}

/**
 * Reads a version or a range as users write it.
 * @throws ActionError `input` that names what is allowed.
 */
export function parseWanted(text: string, from: string): Wanted {
  const bare = text.trim().replace(/^go(?=\d)/, "");
  if (bare === "stable" || bare === "oldstable") return { kind: bare, text: bare };
  if (/^\d+\.\d+(\.\d+|(rc|beta)\d+)$/.test(bare)) {
    return supported({ kind: "exact", version: bare, text: bare }, from);
  }
  // A candidate in its semantic form, as the tool cache and actions/setup-go write it.
  const candidate = bare.includes("-") ? fromSemver(bare) : undefined;
  if (candidate !== undefined) {
    return supported({ kind: "exact", version: candidate, text: bare }, from);
  }
  const range = semver.validRange(bare.replace(/(\d)(rc|beta)(\d+)\b/g, "$1.0-$2.$3"));
  if (bare === "" || range === null) {
    throw new ActionError("input", `${from}: ${JSON.stringify(text)} is no Go version`, {
      hint: ALLOWED,
    });
  }
  return supported({ kind: "range", range, text: bare }, from);
}

/**
 * What a `go` line of go.mod or go.work asks for. It is a minimum, so a line older than the oldest
 * one supported takes any that is.
 * @throws ActionError
 */
export function wantedByGoLine(text: string, from: string): Wanted {
  const wanted = toSemver(text);
  if (wanted !== undefined && semver.lt(wanted, `${OLDEST}.0-0`)) {
    return { kind: "range", range: `>=${OLDEST}.0`, text: `${text}, and so ${OLDEST} or newer` };
  }
  const parsed = parseWanted(text, from);
  return parsed.kind === "range" ? { ...parsed, otherwise: `>=${wanted ?? OLDEST}` } : parsed;
}

function supported(wanted: Wanted, from: string): Wanted {
  const newest = wanted.kind === "exact" ? toSemver(wanted.version) : undefined;
  const tooOld =
    wanted.kind === "exact"
      ? semver.lt(newest ?? "0.0.0", `${OLDEST}.0-0`)
      : wanted.kind === "range" && !semver.intersects(wanted.range, `>=${OLDEST}.0-0`);
  if (tooOld) {
    throw new ActionError("input", `${from}: Go ${wanted.text} is older than ${OLDEST}`, {
      hint: `Go ${OLDEST} and newer can be set up. A version needs quotes in YAML: 1.30 without them is the number 1.3.`,
    });
  }
  return wanted;
}

/** Whether a version is what is wanted. `stable` and `oldstable` only follow from a list. */
export function fits(version: string, wanted: Wanted): boolean {
  if (wanted.kind === "exact") return version === wanted.version;
  if (wanted.kind !== "range") return false;
  const form = toSemver(version);
  return (
    form !== undefined && semver.gte(form, `${OLDEST}.0-0`) && semver.satisfies(form, wanted.range)
  );
}

/** The newest version of `known` that is wanted, or undefined. */
export function newest(known: readonly string[], wanted: Wanted): string | undefined {
  if (wanted.kind === "exact") return wanted.version;
  const sorted = known
    .map((version) => ({ version, form: toSemver(version) ?? "" }))
    .filter(({ form }) => form !== "")
    .sort((a, b) => semver.rcompare(a.form, b.form));
  if (wanted.kind === "range") return sorted.find(({ version }) => fits(version, wanted))?.version;
  const releases = sorted.filter(({ form }) => semver.prerelease(form) === null);
  const stable = releases[0];
  if (stable === undefined || wanted.kind === "stable") return stable?.version;
  return releases.find(({ form }) => semver.minor(form) < semver.minor(stable.form))?.version;
}
