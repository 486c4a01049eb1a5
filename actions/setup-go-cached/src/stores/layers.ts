import { digestOf, type Keys } from "./keys.ts";

/**
 * Names of entries. A store is kept in two layers: a *base*, saved seldom and by the default branch
 * alone, and *deltas*, each with what one job has that the base has not. So a small change saves
 * little, and what all branches share is there once. A job that finds no base of its own saves
 * everything: the default branch as a base, others as a delta on nothing.
 *
 *     <scope>-base-<content>
 *     <scope>-delta-<content>-on-<rest of the base's name, behind its family>
 *     <scope>-delta-<content>-on-nothing
 *
 * A content is 12 hex digits. Names come back from the cache service: what is not of this grammar
 * leads nowhere.
 */
const DELTA = /^(.+)-delta-[0-9a-f]{12}-on-(.+)$/;
const BASE = /^((?:(?!-delta-).)+)-base-[0-9a-f]{12}$/;
const BASE_REST = /^([0-9a-f]{16}-)?base-[0-9a-f]{12}$/;
const NOTHING = "nothing";

export function baseKey({ scope }: Keys, content: readonly string[]): string {
  return `${scope}-base-${digestOf(content, 12)}`;
}

/** `base` is the whole name of a base of this family, or undefined. */
export function deltaKey(
  { scope, family }: Keys,
  content: readonly string[],
  base: string | undefined,
): string {
  const rest = base === undefined ? NOTHING : base.slice(family.length + 1);
  return `${scope}-delta-${digestOf(content, 12)}-on-${rest}`;
}

/**
 * The base that an entry stands on. Undefined for a base, and for a delta on nothing. An entry of
 * another job stands on one of that job.
 */
export function baseBelow(key: string): string | undefined {
  const [, scope = "", rest = ""] = DELTA.exec(key) ?? [];
  const match = BASE_REST.exec(rest);
  if (match === null) return undefined;
  const family = match[1] === undefined ? scope : scope.replace(/-[0-9a-f]{16}$/, "");
  return `${family}-${rest}`;
}

export function isBase(key: string): boolean {
  return BASE.test(key);
}

/** Whether deltas of these keys may stand on the entry `key`. */
export function isBaseFor(key: string, { family }: Keys): boolean {
  const scope = BASE.exec(key)?.[1];
  return scope !== undefined && (scope === family || scope.startsWith(`${family}-`));
}

/** Whether `key` was saved for exactly this scope. */
export function inScope(key: string, { scope }: Keys): boolean {
  return (DELTA.exec(key) ?? BASE.exec(key))?.[1] === scope;
}

/** What goes into the next entry, given what lies in the base and how much of it is alive. */
export interface LayerSizes {
  /** Bytes of the base, and of what the job still needs of it. Undefined where there is no base. */
  base: { bytes: number; liveBytes: number } | undefined;
  /** Bytes that the job has and the base has not. */
  deltaBytes: number;
}

/** A delta that is larger than this part of its base costs more than a new base would. */
const DELTA_SHARE = 0.3;
/** So does a base that is mostly waste: each job downloads it. */
const LIVE_SHARE = 0.5;

/** Whether a job of the default branch begins a new base. */
export function wantsBase({ base, deltaBytes }: LayerSizes): boolean {
  if (base === undefined) return true;
  return deltaBytes > base.bytes * DELTA_SHARE || base.liveBytes < base.bytes * LIVE_SHARE;
}
