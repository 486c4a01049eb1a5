import { appendFile, stat } from "node:fs/promises";
import type { Log } from "../log.ts";
import type { Environment } from "../process.ts";
import { messageOf } from "../errors.ts";
import { cutMarkdown, type Summary, type SummaryResult } from "../summary.ts";

/** Bytes a step may write. The runner's limit is 1 MiB; the rest is room for what others add. */
export const SUMMARY_BUDGET = 900 * 1024;

/** The step's summary file; blocks beyond the budget are cut, and the cut is announced. */
export function stepSummary(env: Environment, log: Log, budget = SUMMARY_BUDGET): Summary {
  const path = env["GITHUB_STEP_SUMMARY"];
  /** Why nothing more is written. */
  let ended: SummaryResult | undefined;
  /** Blocks are written one after the other, so that each knows what room is left. */
  let queue: Promise<unknown> = Promise.resolve();

  async function append(file: string, markdown: string): Promise<SummaryResult> {
    if (ended !== undefined) return ended;
    try {
      const { text, cut } = cutMarkdown(`${markdown}\n\n`, budget - (await sizeOf(file)));
      await appendFile(file, text);
      if (!cut) return { kind: "written" };
      log.warning(
        `The step summary is full (${budget} bytes): the rest of it was left out. The log has everything.`,
      );
      ended = { kind: "cut" };
    } catch (error) {
      log.warning(`The step summary could not be written: ${messageOf(error)}`);
      ended = { kind: "failed", detail: messageOf(error) };
    }
    return ended;
  }

  return {
    add: (markdown) => {
      if (path === undefined || path === "") {
        log.debug("There is no GITHUB_STEP_SUMMARY: the summary is not written.");
        return Promise.resolve({ kind: "absent" });
      }
      const added = queue.then(() => append(path, markdown));
      queue = added;
      return added;
    },
  };
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    // Not there yet: it is empty.
    return 0;
  }
}
