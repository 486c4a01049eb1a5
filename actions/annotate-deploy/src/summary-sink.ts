import type { Ports } from "@go-cicd/core/ports.ts";
import { escapeMarkdown, markdownTable } from "@go-cicd/core/summary.ts";
import { cleanText } from "./clean-text.ts";
import type { Deploy, DeployStatus } from "./deploy.ts";
import { duration } from "./format.ts";
import type { Sink } from "./sink.ts";

/** The deploy as a table in the job summary. */
export function summarySink({ summary }: Pick<Ports, "summary">): Sink {
  return {
    name: "summary",
    send: async (deploy) => {
      const added = await summary.add(deployMarkdown(deploy));
      switch (added.kind) {
        case "written":
          return { result: "ok", detail: "in this summary" };
        case "absent":
          return { result: "skipped", reason: "there is no GITHUB_STEP_SUMMARY here" };
        case "cut":
          return { result: "failed", reason: "the summary is full: earlier steps filled it" };
        case "failed":
          return { result: "failed", reason: `the summary cannot be written: ${added.detail}` };
      }
    },
  };
}

const TITLE: Record<DeployStatus, string> = {
  success: "✅ Deployed",
  failure: "❌ Deploy failed",
  cancelled: "⏹️ Deploy cancelled",
  rolled_back: "↩️ Rolled back",
};

function deployMarkdown(deploy: Deploy): string {
  const said = (text: string): string => escapeMarkdown(cleanText(text));
  const name = `${said(deploy.service)} ${said(deploy.version)} → ${said(deploy.environment)}`;
  if (deploy.end === null) return `### 🚀 Deploy started: ${name}`;
  const { record, status, finished } = deploy.end;
  const { detectMs, restoreMs } = record.times;
  const rows = [
    ["Result", said(`${record.result} (${record.reason})`)],
    ["What was seen", said(record.detail)],
    ["Release", said(record.release)],
    ["Serving now", said(record.serving ?? "none")],
    ["Image", `<code>${said(record.image.reference)}</code>`],
    ["Took", duration(finished - deploy.started)],
    ...(detectMs === null ? [] : [["Detected in", duration(detectMs)]]),
    ...(restoreMs === null ? [] : [["Restored in", duration(restoreMs)]]),
  ];
  return `### ${TITLE[status]}: ${name}\n\n${markdownTable(["", ""], rows)}`;
}
