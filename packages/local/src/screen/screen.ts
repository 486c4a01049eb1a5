import { stripVTControlCharacters } from "node:util";
import type { Listener, PipelineEvent, StepState } from "../pipeline/events.ts";
import type { Palette } from "./colour.ts";
import { seconds } from "./units.ts";

/** A terminal's width and how to write to it. */
export interface Terminal {
  write(text: string): void;
  columns(): number;
}

const MARKS: Record<StepState, string> = {
  passed: "✓",
  failed: "✗",
  expected: "✓",
  cancelled: "■",
};
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/** As wide as the longest title, `after: deploy and roll back`. */
const TITLE_WIDTH = 27;
const TIME_WIDTH = 10;
/** Where the result of a step begins. */
const RESULT_COLUMN = 4 + TITLE_WIDTH + 1 + TIME_WIDTH + 2;
/** A terminal that is narrower wraps lines by itself. */
const NARROWEST = RESULT_COLUMN + 24;
/** Lines of a red step's own log that are shown with it. */
const LOG_LINES = 25;

/** One line of JSON per event, for programs. */
export function jsonScreen(terminal: Terminal): Listener {
  return (event) => terminal.write(`${JSON.stringify(event)}\n`);
}

/** Finished lines only: for logs, pipes and CI. */
export function plainScreen(terminal: Terminal, palette: Palette): Listener {
  const log = new Map<string, string[]>();
  return (event) => {
    keepLog(log, event);
    const text = render(event, palette, log, Infinity);
    if (text !== undefined) terminal.write(`${text}\n`);
  };
}

/** The same, and below it one live line for the step that runs. */
export function liveScreen(terminal: Terminal, palette: Palette): Listener & { stop(): void } {
  const log = new Map<string, string[]>();
  let running: { title: string; since: number; line: string } | undefined;
  let frame = 0;
  const clear = (): void => terminal.write("\r\u001b[2K");
  const draw = (): void => {
    if (running === undefined) return;
    const spinner = palette.accent(FRAMES[frame++ % FRAMES.length] ?? "");
    const elapsed = seconds(Date.now() - running.since);
    const head = `${running.title.padEnd(TITLE_WIDTH)} ${elapsed.padStart(TIME_WIDTH)}  `;
    const room = Math.max(0, terminal.columns() - head.length - 6);
    clear();
    terminal.write(`  ${spinner} ${head}${palette.dim(printable(running.line).slice(0, room))}`);
  };
  const timer = setInterval(draw, 100);
  const listener = (event: PipelineEvent): void => {
    keepLog(log, event);
    if (event.kind === "step-started") {
      running = { title: event.title, since: event.at, line: "" };
    } else if (event.kind === "step-line") {
      if (running !== undefined && event.line.trim() !== "") running.line = event.line;
      return;
    } else if (event.kind === "step-finished") {
      running = undefined;
    }
    const text = render(event, palette, log, terminal.columns());
    if (text !== undefined) {
      clear();
      terminal.write(`${text}\n`);
    }
    draw();
  };
  return Object.assign(listener, {
    stop: () => {
      clearInterval(timer);
      clear();
    },
  });
}

function keepLog(log: Map<string, string[]>, event: PipelineEvent): void {
  if (event.kind === "step-started") log.set(`${event.job}/${event.step}`, []);
  if (event.kind !== "step-line") return;
  const lines = log.get(`${event.job}/${event.step}`);
  lines?.push(event.line);
  if (lines !== undefined && lines.length > LOG_LINES) lines.shift();
}

function render(
  event: PipelineEvent,
  palette: Palette,
  log: ReadonlyMap<string, readonly string[]>,
  columns: number,
): string | undefined {
  switch (event.kind) {
    case "pipeline-started": {
      const changes = event.changed === 0 ? "" : `, ${event.changed} uncommitted changes`;
      const runs = event.runs === 0 ? "first run, nothing cached" : `run ${event.runs + 1}`;
      return `${palette.bold("go-cicd")}  ${event.project} @ ${event.sha.slice(0, 12)}${changes}  ${palette.dim(`(${runs})`)}`;
    }
    case "note":
      return `  ${palette.dim("·")} ${palette.dim(printable(event.text))}`;
    case "job-started":
      return `\n${palette.bold(event.title)}`;
    case "step-finished":
      return stepLine(event, palette, log.get(`${event.job}/${event.step}`) ?? [], columns);
    case "pipeline-finished":
      return `\n${finish(event, palette)}`;
    case "step-started":
    case "step-line":
    case "job-finished":
      return undefined;
  }
}

function stepLine(
  event: PipelineEvent & { kind: "step-finished" },
  palette: Palette,
  log: readonly string[],
  columns: number,
): string {
  const colour = {
    passed: palette.good,
    failed: palette.bad,
    expected: palette.good,
    cancelled: palette.warn,
  };
  const mark = colour[event.state](MARKS[event.state]);
  const time = seconds(event.durationMs).padStart(TIME_WIDTH);
  const title = event.title.padEnd(TITLE_WIDTH);
  const before =
    event.beforeMs === undefined ? "" : palette.dim(`(before ${seconds(event.beforeMs)})`);
  const result = folded([printable(event.result), before].join(" ").trim(), columns);
  const line =
    `  ${mark} ${event.stage === "post" ? palette.dim(title) : title} ${time}  ${result}`.trimEnd();
  if (event.state !== "failed") return line;
  const problems = event.problems.flatMap((problem) => problem.split("\n"));
  const details = problems.length > 0 ? problems : log;
  return [line, ...details.map((detail) => `      ${palette.bad(printable(detail))}`)].join("\n");
}

function finish(event: PipelineEvent & { kind: "pipeline-finished" }, palette: Palette): string {
  const mark = event.ok ? palette.good("✓") : palette.bad("✗");
  const before =
    event.beforeMs === undefined ? "" : palette.dim(` (before ${seconds(event.beforeMs)})`);
  const { serving } = event;
  const lines = [
    `${mark} ${palette.bold(event.verdict)}  ${seconds(event.durationMs)}${before}`,
    ...(serving === undefined
      ? []
      : [`serving at ${serving.url}`, palette.dim(`to stop it: ${serving.stop}`)]),
    ...(event.markdown === undefined ? [] : [palette.dim(`as on GitHub: ${event.markdown}`)]),
    // Last: the path that a reader wants to open.
    ...(event.report === undefined ? [] : [event.report]),
  ];
  return lines.join("\n");
}

/** Words in lines that fit beside the columns before them, each below the first. */
function folded(text: string, columns: number): string {
  if (columns < NARROWEST) return text;
  const room = columns - RESULT_COLUMN;
  const lines = [""];
  // A number stays with its unit.
  for (const word of text.split(/ (?!(?:[kMG]?B|ms|s|min)\b)/)) {
    const line = lines.at(-1) ?? "";
    const longer = line === "" ? word : `${line} ${word}`;
    if (stripVTControlCharacters(longer).length <= room || line === "") {
      lines[lines.length - 1] = longer;
    } else {
      lines.push(word);
    }
  }
  return lines.join(`\n${" ".repeat(RESULT_COLUMN)}`);
}

/** Text from outside must not steer the terminal: sequences and control characters are dropped. */
function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}/gu, (mark) => (mark === "\t" ? " " : ""));
}
