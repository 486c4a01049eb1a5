import { ActionError } from "@go-cicd/core/errors.ts";

/** Something of this machine that no other source of a toolchain would change. */
export class MachineProblem extends ActionError {
  constructor(message: string, options: { hint: string; cause?: unknown }) {
    super("environment", message, options);
  }
}

/** Said by the programs of a system whose disk is full. */
export const DISK_FULL =
  /no space left on device|disk quota exceeded|not enough space on the disk/i;

/** No room for a toolchain below a folder. */
export function diskFull(folder: string, cause: unknown): MachineProblem {
  return new MachineProblem(`The disk is full: Go does not fit below ${folder}`, {
    hint: "A toolchain needs about 300 MB. Free space, or let RUNNER_TOOL_CACHE name another disk.",
    cause,
  });
}
