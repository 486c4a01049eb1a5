/**
 * What kind of thing the user can mend. The set is closed so that a caller can decide by code and
 * never by the words of a message.
 */
export type ErrorCode =
  /** An input, an argument or the config file is wrong. */
  | "input"
  /** The repository is not what the step needs: no go.mod, unreadable file, does not compile. */
  | "repository"
  /** The machine lacks a tool, a permission, disk space or a free port. */
  | "environment"
  /** A service did not answer, or refused. */
  | "network"
  /** Bytes are not what their checksum, digest or signature says. */
  | "integrity"
  /** A program that was started failed. */
  | "process"
  /** Tests or checks are red, or incomplete. */
  | "verdict"
  /** A release did not become healthy, or was refused. */
  | "deploy"
  /** The step was cancelled or ran out of time. */
  | "cancelled";

/**
 * An error that the user can mend: one message, one remedy, no stack. Anything else that is thrown
 * is a defect of the project and is reported as one.
 */
export class ActionError extends Error {
  override readonly name = "ActionError";
  readonly code: ErrorCode;
  /** What to do about it, as one or more full sentences. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** The message of anything that can be thrown. Never used on errors that may carry a secret. */
export function messageOf(error: unknown): string {
  return isErrorLike(error) ? error.message : String(error);
}

/** True for the Node.js system errors that carry one of these codes (`ENOENT`, `EACCES`, …). */
export function isSystemError(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return isErrorLike(error) && "code" in error && codes.includes(String(error.code));
}

/** Not `instanceof`: an error of another realm (a vm context, as Jest's) is one as well. */
function isErrorLike(error: unknown): error is Error {
  return (
    typeof error === "object" &&
    error !== null &&
    "message" in error &&
    typeof error.message === "string"
  );
}
