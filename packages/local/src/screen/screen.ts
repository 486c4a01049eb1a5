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
const TITLE_WIDTH = 24;
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
    const text = render(event, palette, log);
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
    const head = `${running.title.padEnd(TITLE_WIDTH)} ${elapsed.padStart(8)}  `;
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
    const text = render(event, palette, log);
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
      return stepLine(event, palette, log.get(`${event.job}/${event.step}`) ?? []);
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
): string {
  const colour = {
    passed: palette.good,
    failed: palette.bad,
    expected: palette.good,
    cancelled: palette.warn,
  };
  const mark = colour[event.state](MARKS[event.state]);
  const time = seconds(event.durationMs).padStart(8);
  const before =
    event.beforeMs === undefined ? "" : palette.dim(` (before ${seconds(event.beforeMs)})`);
  const title = event.title.padEnd(TITLE_WIDTH);
  const line = `  ${mark} ${event.stage === "post" ? palette.dim(title) : title} ${time}  ${printable(event.result)}${before}`;
  if (event.state !== "failed") return line;
  const problems = event.problems.flatMap((problem) => problem.split("\n"));
  const details = problems.length > 0 ? problems : log;
  return [line, ...details.map((detail) => `      ${palette.bad(printable(detail))}`)].join("\n");
}

function finish(event: PipelineEvent & { kind: "pipeline-finished" }, palette: Palette): string {
  const mark = event.ok ? palette.good("✓") : palette.bad("✗");
  const before =
    event.beforeMs === undefined ? "" : palette.dim(` (before ${seconds(event.beforeMs)})`);
  const lines = [
    `${mark} ${palette.bold(event.verdict)}  ${seconds(event.durationMs)}${before}`,
    ...(event.serving === undefined ? [] : [`serving at ${event.serving}`]),
    ...(event.markdown === undefined ? [] : [palette.dim(`as on GitHub: ${event.markdown}`)]),
    // Last: the path that a reader wants to open.
    ...(event.report === undefined ? [] : [event.report]),
  ];
  return lines.join("\n");
}

/** Text from outside must not steer the terminal: sequences and control characters are dropped. */
function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}/gu, (mark) => (mark === "\t" ? " " : ""));
}
