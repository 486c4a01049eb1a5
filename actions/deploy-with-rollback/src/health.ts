import type { Reason } from "./reason.ts";
import type { HealthContract } from "./release.ts";

/** One look at the service. */
export type Sighting =
  | { kind: "ended"; exit: string }
  | {
      kind: "running";
      pid: string;
      /** A status, or why there was none. */
      answer: number | "refused" | "timeout" | "error";
      /** The beginning of the body. */
      body: string;
    };

export type HealthVerdict =
  { kind: "wait" } | { kind: "healthy" } | { kind: "failed"; reason: Reason; detail: string };

/** True when `status` is one of `spans` (`200-299`, `404`). */
export function isAccepted(spans: readonly string[], status: number): boolean {
  return spans.some((span) => {
    const [low = "", high = low] = span.split("-");
    return status >= Number(low) && status <= Number(high);
  });
}

/** Names what is wrong with a span of statuses, or undefined. */
export function spanProblem(span: string): string | undefined {
  const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(span);
  if (match === null)
    return `must hold statuses such as 200 or 200-299, not ${JSON.stringify(span)}`;
  if (match[2] !== undefined && Number(match[2]) < Number(match[1])) {
    return `has a range that goes backwards: ${span}`;
  }
  return undefined;
}

/**
 * Judges a service that has just been started. Until it was healthy, refused connections and bad
 * statuses only use up its time; a process that has ended is judged at once.
 */
export class Startup {
  readonly #contract: HealthContract;
  readonly #started: number;
  #good = 0;
  #lastStatus: { status: number; body: string } | undefined;

  /** `started`: epoch milliseconds. */
  constructor(contract: HealthContract, started: number) {
    this.#contract = contract;
    this.#started = started;
  }

  see(sighting: Sighting, now: number): HealthVerdict {
    if (sighting.kind === "ended") return crashed(sighting);
    const { answer, body } = sighting;
    if (typeof answer === "number" && isAccepted(this.#contract.statuses, answer)) {
      this.#good++;
      if (this.#good >= this.#contract.successes) return { kind: "healthy" };
    } else {
      this.#good = 0;
      this.#lastStatus = typeof answer === "number" ? { status: answer, body } : undefined;
    }
    const waited = now - this.#started;
    if (waited < this.#contract.waitMs) return { kind: "wait" };
    const within = `within ${this.#contract.waitMs / 1000} s`;
    if (this.#lastStatus !== undefined) {
      return {
        kind: "failed",
        reason: "health-status",
        detail: `GET ${this.#contract.path} was not well ${within}: ${answered(this.#lastStatus, this.#contract)}.`,
      };
    }
    const last =
      answer === "refused" ? "the connection was refused" : `the last try ended in: ${answer}`;
    return {
      kind: "failed",
      reason: "health-timeout",
      detail: `GET ${this.#contract.path} on port ${this.#contract.port} did not become healthy ${within}: ${last}.`,
    };
  }
}

/** Tries without an answer in a row that end a release that was healthy; one may be a hiccup. */
const SILENT_TRIES = 2;

/** Judges a service that was healthy: from here on a bad status ends it at once. */
export class Stability {
  readonly #contract: HealthContract;
  #silent = 0;

  constructor(contract: HealthContract) {
    this.#contract = contract;
  }

  see(sighting: Sighting): HealthVerdict {
    if (sighting.kind === "ended") return crashed(sighting);
    const { answer, body } = sighting;
    if (typeof answer === "number") {
      this.#silent = 0;
      if (isAccepted(this.#contract.statuses, answer)) return { kind: "wait" };
      return {
        kind: "failed",
        reason: "unstable",
        detail: `It was healthy, then ${answered({ status: answer, body }, this.#contract)}.`,
      };
    }
    this.#silent++;
    if (this.#silent < SILENT_TRIES) return { kind: "wait" };
    return {
      kind: "failed",
      reason: "unstable",
      detail: `It was healthy, then GET ${this.#contract.path} failed ${this.#silent} times (${answer}).`,
    };
  }
}

function crashed({ exit }: { exit: string }): HealthVerdict {
  const code = Number(exit);
  // A shell reports a signal as 128 and its number (XCU 2.8.2).
  const how = !Number.isInteger(code)
    ? "its exit status is not known"
    : code > 128
      ? `ended by signal ${code - 128}`
      : `exit status ${code}`;
  return { kind: "failed", reason: "crash", detail: `The process ended by itself (${how}).` };
}

function answered(
  { status, body }: { status: number; body: string },
  contract: HealthContract,
): string {
  const text = body.trim().replace(/\s+/g, " ").slice(0, 200);
  const said = text === "" ? "" : `, saying ${JSON.stringify(text)}`;
  return `it answered ${status} (accepted: ${contract.statuses.join(", ")})${said}`;
}
