import { isAbsolute, relative, sep } from "node:path";

export type AnnotationLevel = "error" | "warning" | "notice";

/** An annotation as the runner hands it on. Lines and columns count from 1. */
export interface Annotation {
  level: AnnotationLevel;
  message: string;
  title?: string;
  /** Relative to the workspace where it lies inside, with forward slashes. */
  file?: string;
  line?: number;
  endLine?: number;
  column?: number;
  endColumn?: number;
}

/** Per step and level; what comes later stands in the log only. */
export const ANNOTATION_LIMIT = 10;
/** Characters of a message. */
export const MESSAGE_LIMIT = 4096;

/**
 * An annotation from a command's properties, repaired as the runner does it
 * (IssueCommandExtension.ValidateLinesAndColumns).
 */
export function normalizeAnnotation(
  level: AnnotationLevel,
  message: string,
  properties: ReadonlyMap<string, string>,
  workspace: string,
): Annotation {
  const annotation: Annotation = { level, message: message.slice(0, MESSAGE_LIMIT) };
  const title = properties.get("title");
  if (title !== undefined) annotation.title = title;
  const file = properties.get("file");
  if (file !== undefined) annotation.file = workspacePath(file, workspace);
  let line = whole(properties.get("line"));
  let endLine = whole(properties.get("endline"));
  let column = whole(properties.get("col"));
  let endColumn = whole(properties.get("endcolumn"));
  line ??= endLine;
  column ??= endColumn;
  if (line === undefined || (endLine !== undefined && endLine !== line)) {
    column = undefined;
    endColumn = undefined;
  }
  if (line !== undefined && endLine !== undefined && endLine < line) {
    line = undefined;
    endLine = undefined;
  }
  if (column !== undefined && endColumn !== undefined && endColumn < column) {
    column = undefined;
    endColumn = undefined;
  }
  if (line !== undefined) annotation.line = line;
  if (endLine !== undefined) annotation.endLine = endLine;
  if (column !== undefined) annotation.column = column;
  if (endColumn !== undefined) annotation.endColumn = endColumn;
  return annotation;
}

/** The annotations that are kept, and how many of each level were too many. */
export function limitAnnotations(all: readonly Annotation[]): {
  kept: Annotation[];
  dropped: Record<AnnotationLevel, number>;
} {
  const seen = { error: 0, warning: 0, notice: 0 };
  const kept = all.filter(({ level }) => ++seen[level] <= ANNOTATION_LIMIT);
  const over = (level: AnnotationLevel): number => Math.max(0, seen[level] - ANNOTATION_LIMIT);
  return {
    kept,
    dropped: { error: over("error"), warning: over("warning"), notice: over("notice") },
  };
}

function workspacePath(file: string, workspace: string): string {
  if (!isAbsolute(file)) return file;
  const inside = relative(workspace, file);
  return inside === "" || inside.startsWith("..") ? file : inside.split(sep).join("/");
}

function whole(text: string | undefined): number | undefined {
  return text !== undefined && /^[+-]?\d+$/.test(text.trim()) ? Number(text) : undefined;
}
