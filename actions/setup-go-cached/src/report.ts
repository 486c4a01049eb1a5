import { escapeMarkdown, markdownTable } from "@go-cicd/core/summary.ts";
import { savingText, type ColdRun } from "./stores/cold-run.ts";
import type { Restored, Saved, SavedStore } from "./stores/store-plan.ts";
import type { InstalledTool } from "./tools/tools.ts";
import type { Toolchain } from "./toolchain/install.ts";

/** Bytes as people read them: `12.3 MB`. */
function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  if (bytes < 1_000_000_000) return `${(bytes / 1_000_000).toFixed(1)} MB`;
  return `${(bytes / 1_000_000_000).toFixed(2)} GB`;
}

/** One store in a few words: `exact, 12.3 MB in 345 files`. */
export function restoredText(restored: Restored): string {
  if (restored.kind === "seen") return `there, not restored (${restored.key})`;
  if (!("bytes" in restored)) return `${restored.kind} (${restored.detail})`;
  const { kind, bytes, files, skipped } = restored;
  const there = skipped > 0 ? `, ${skipped} were there` : "";
  return `${kind}, ${bytesText(bytes)} in ${files} files${there}`;
}

/** What became of saving a store. */
export function savedText(saved: Saved): string {
  switch (saved.kind) {
    case "saved":
      return `saved ${bytesText(saved.bytes)} in ${saved.files} files as ${saved.key}`;
    case "exists":
      return `not saved: ${saved.key} exists`;
    case "refused":
      return `not saved: ${saved.reason} (${saved.detail})`;
    case "failed":
    case "skipped":
      return `not saved: ${saved.detail}`;
  }
}

export interface StoreReport {
  title: string;
  restored: Restored;
  seconds: number;
}

/** The step's summary after main. */
export function mainSummary(
  toolchain: Toolchain,
  decidedBy: string,
  stores: readonly StoreReport[],
): string {
  const rows = stores.map(({ title, restored, seconds }) => [
    title,
    "bytes" in restored ? restored.kind : escapeMarkdown(restoredText(restored)),
    "bytes" in restored ? bytesText(restored.bytes) : "",
    "bytes" in restored ? String(restored.files) : "",
    seconds.toFixed(1),
  ]);
  return [
    `### Go ${escapeMarkdown(toolchain.version)}`,
    "",
    `Asked for by ${escapeMarkdown(decidedBy)}, from ${escapeMarkdown(toolchain.source)}.`,
    "",
    markdownTable(["store", "restored", "size", "files", "seconds"], rows),
    "",
  ].join("\n");
}

/** The step's summary after post; empty where there is nothing to say. */
export function savedSummary(
  stores: readonly SavedStore[],
  cold: ColdRun | undefined,
  jobMs: number,
): string {
  const rows = stores.map(({ title, saved, leftBehind }) => [
    title,
    escapeMarkdown(savedText(saved)),
    leftBehind === undefined ? "" : bytesText(leftBehind),
  ]);
  const table = markdownTable(["store", "at the end of the job", "left behind"], rows);
  return [
    ...(cold === undefined ? [] : [`${escapeMarkdown(savingText(cold, jobMs))}.\n`]),
    ...(rows.length === 0 ? [] : [`${table}\n`]),
  ].join("\n");
}

/** The programs of `tools`, and where each came from. */
export function toolsSummary(tools: readonly InstalledTool[]): string {
  const rows = tools.map(({ name, path, version, how }) => [
    escapeMarkdown(name),
    escapeMarkdown(`${path}@${version}`),
    how === "restored" ? "restored and checked" : "built",
  ]);
  return `${markdownTable(["tool", "version", "how"], rows)}\n\n`;
}
