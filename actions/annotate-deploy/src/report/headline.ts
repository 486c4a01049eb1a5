import { duration } from "../format.ts";
import type { ReportModel } from "./report-model.ts";

/** The verdict as a sentence, for the head of page and summary. */
export function headline({ verdict, span, deploys }: ReportModel): string {
  const total = span === null ? "" : ` in ${duration(span.end - span.start)}`;
  switch (verdict.kind) {
    case "passed":
      return `Everything passed${total}`;
    case "failed":
      return `Failed${total === "" ? "" : ` after ${total.slice(4)}`}`;
    case "incomplete":
      return "Incomplete: not everything is known to be good";
    case "rolled-back": {
      const serving = deploys.at(-1)?.serving ?? null;
      return serving === null
        ? "A release was rolled back"
        : "A broken release was caught and rolled back";
    }
  }
}
