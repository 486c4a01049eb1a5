import { ActionError, isSystemError, messageOf } from "../errors.ts";
import type { Log } from "../log.ts";

/**
 * A cancelled step is sent SIGINT, 7.5 s later SIGTERM, 2.5 s later SIGKILL (runner
 * ProcessInvoker). A stage that has not come to its end by then is ended a little earlier by us,
 * because only so its children end with it.
 */
const CANCEL_MS = 9_000;

/** The runner sends the first two; a terminal that is closed sends the third. */
const CANCEL_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * What has become of this step, and the process it runs in: signals, errors that nobody caught,
 * the exit code. One step is one process.
 */
export class Step {
  readonly #log: Log;
  readonly #level: "warning" | "error";
  readonly #cancelMs: number;
  readonly #abort = new AbortController();
  #ended = false;
  #abandoned = false;
  #hurry: NodeJS.Timeout | undefined;

  readonly #onSignal = (name: NodeJS.Signals): void => {
    if (this.#abort.signal.aborted) return;
    this.#log.info(`${name}: the step is cancelled; ending what runs.`);
    process.exitCode = 1;
    this.#stop(new ActionError("cancelled", `The step was cancelled (${name}).`));
  };
  /** An error outside every promise we wait for: what runs cannot be trusted to come to its end. */
  readonly #onStray = (error: unknown): void => {
    this.fail(error);
    this.#stop(error);
  };
  /** Node ends quietly when nothing is left that could settle what is waited for. */
  readonly #onExit = (): void => {
    if (this.#ended || this.#abort.signal.aborted) return;
    this.fail(new Error("the step came to an end before its work did"));
  };

  /** `warning` for a post stage whose failure must not fail the job. */
  constructor(log: Log, level: "warning" | "error", cancelMs = CANCEL_MS) {
    this.#log = log;
    this.#level = level;
    this.#cancelMs = cancelMs;
    for (const name of CANCEL_SIGNALS) process.on(name, this.#onSignal);
    // Whoever read the log is gone; what was begun still has to come to an orderly end.
    process.stdout.on("error", () => undefined);
    process.stderr.on("error", () => undefined);
    process.on("uncaughtException", this.#onStray);
    process.on("unhandledRejection", this.#onStray);
    process.on("exit", this.#onExit);
  }

  /** Aborted when the step is cancelled, or cannot go on. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /**
   * Turns what went wrong into one annotation and the exit code: what the user can mend is said
   * with its remedy, anything else is a defect and says so (its stack is in the debug log).
   */
  fail(thrown: unknown): void {
    const error = refusedByDisk(thrown) ?? thrown;
    if (this.#level === "error") process.exitCode = 1;
    const say = (message: string): void => this.#log[this.#level](message);
    if (error instanceof ActionError) {
      say(error.hint === undefined ? error.message : `${error.message}\n${error.hint}`);
      for (let cause = error.cause; cause !== undefined; cause = causeOf(cause)) {
        this.#log.debug(`caused by: ${messageOf(cause)}`);
      }
      return;
    }
    say(
      `${messageOf(error)}\nThis is a defect of go-cicd, not of your workflow: please report it ` +
        "with the debug log of this step.",
    );
    this.#log.debug(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }

  /** Waits for `work`, but not for ever; then says `late` and lets the process end without it. */
  async bounded(work: Promise<void>, ms: number, late: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), ms);
    });
    try {
      if ((await Promise.race([work, timeout])) !== "late") return;
    } finally {
      clearTimeout(timer);
    }
    this.abandon();
    this.#log.warning(late);
  }

  /** What was given up must not keep the process alive once the stage is over. */
  abandon(): void {
    this.#abandoned = true;
  }

  /** The stage is over: nothing is left to report. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#hurry);
    // A connection that does not answer would keep the process, and so the job, alive.
    if (this.#abandoned) process.exit();
  }

  #stop(reason: unknown): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(reason);
    this.#hurry = setTimeout(() => {
      this.#log.warning("The step did not come to its end in time.");
      // See CANCEL_MS: the runner is about to kill this process, and would leave its children.
      process.exit(process.exitCode ?? 1);
    }, this.#cancelMs);
    // A stage that has nothing left to do is not kept alive by this.
    this.#hurry.unref();
  }
}

/** What any write may meet is said in one place. */
function refusedByDisk(error: unknown): ActionError | undefined {
  if (isSystemError(error, "ENOSPC", "EDQUOT")) {
    return new ActionError("environment", `The disk is full: ${error.message}`, {
      hint: "Make room on this machine, or run on one with more of it.",
      cause: error,
    });
  }
  if (!isSystemError(error, "EROFS")) return undefined;
  return new ActionError("environment", `The disk is read-only: ${error.message}`, {
    hint: "Give a folder that this job may write to.",
    cause: error,
  });
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}
