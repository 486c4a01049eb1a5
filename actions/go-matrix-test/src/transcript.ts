/** A line of output that says where: `    file.go:12: message` and what is indented below it. */
export interface Located {
  file: string;
  line: number;
  column: number | null;
  message: string;
  /** Go 1.27 and later say which output is an error (`OutputType`); null where nothing says so. */
  error: boolean | null;
}

/** A frame of a stack trace. */
export interface Frame {
  file: string;
  line: number;
}

/** What a test or package printed: its head and tail, and what was recognised on the way. */
export interface Transcript {
  readonly located: readonly Located[];
  /** First `panic:` or `fatal error:` with the lines of its message; null when there was none. */
  readonly panic: string | null;
  readonly panicFrames: readonly Frame[];
  /** A report of the race detector, and its frames in order. */
  readonly race: boolean;
  readonly raceFrames: readonly Frame[];
  readonly timedOut: boolean;
  /** The tests that the time-out's text names. */
  readonly hanging: readonly string[];
  readonly text: string;
}

export interface TranscriptWriter extends Transcript {
  add(output: string, type?: string): void;
  /** Forgets all but `bytes` of the text. */
  shrink(bytes: number): void;
}

const HEAD = 16 * 1024;
const TAIL = 48 * 1024;
/** Longest line that is looked at; test2json cuts lines into events, so they are joined first. */
const LINE = 8 * 1024;
const MESSAGE = 4 * 1024;
const LOCATED_EACH_END = 16;
const FRAMES = 128;

const LOCATED = /^ {4,}(\S.*?\.go):(\d+)(?::(\d+))?: ?(.*)$/;
const TESTIFY = /^\s*Error Trace:\s+(\S.*\.go):(\d+)$/;
const FRAME = /^\t(\S.*\.go):(\d+)(?: \+0x[0-9a-f]+)?$/;
const RACE_FRAME = /^ {6}(\S.*\.go):(\d+) \+0x[0-9a-f]+$/;

/** Bounded whatever is printed: one test may write gigabytes. */
export function transcript(): TranscriptWriter {
  let head = "";
  let tail = "";
  let cut = 0;
  let pending = "";
  let pendingType: string | undefined;
  const first: Located[] = [];
  const last: Located[] = [];
  let current: Located | undefined;
  let panic: string | null = null;
  const panicFrames: Frame[] = [];
  let race = false;
  const raceFrames: Frame[] = [];
  let timedOut = false;
  let inRunning = false;
  const hanging: string[] = [];

  function keep(output: string): void {
    if (head.length < HEAD) {
      const room = HEAD - head.length;
      head += output.slice(0, room);
      output = output.slice(room);
    }
    if (output === "") return;
    tail += output;
    if (tail.length > 2 * TAIL) {
      cut += tail.length - TAIL;
      tail = tail.slice(-TAIL);
    }
  }

  function line(text: string, type: string | undefined): void {
    if (type === "frame") {
      current = undefined;
      return;
    }
    if (panic === null && /^(panic: |fatal error: )/.test(text)) {
      panic = text;
      timedOut = text.startsWith("panic: test timed out after ");
      current = undefined;
      return;
    }
    if (text === "WARNING: DATA RACE") race = true;
    if (timedOut) {
      if (text === "\trunning tests:") inRunning = true;
      else if (inRunning) {
        const name = /^\t\t(.+) \([^()]*\)$/.exec(text)?.[1];
        if (name === undefined) inRunning = false;
        else if (hanging.length < FRAMES) hanging.push(name);
      }
    }
    const frame = panic === null ? null : FRAME.exec(text);
    if (frame !== null) {
      if (panicFrames.length < FRAMES) panicFrames.push(place(frame));
      return;
    }
    const access = race ? RACE_FRAME.exec(text) : null;
    if (access !== null) {
      if (raceFrames.length < FRAMES) raceFrames.push(place(access));
      return;
    }
    const at = LOCATED.exec(text) ?? TESTIFY.exec(text);
    if (at !== null) {
      current = {
        ...place(at),
        column: at[3] === undefined ? null : Number(at[3]),
        message: at[4] ?? "",
        error: type === undefined ? null : type.startsWith("error"),
      };
      if (first.length < LOCATED_EACH_END) first.push(current);
      else {
        last.push(current);
        if (last.length > LOCATED_EACH_END) last.shift();
      }
    } else if (current !== undefined && /^ {8}|^\s*$/.test(text)) {
      // Continued lines of a message are indented deeper than its first.
      if (current.message.length < MESSAGE) {
        current.message += `\n${text.replace(/^ {1,8}/, "")}`.slice(0, MESSAGE);
      }
    } else if (/^(---|===) /.test(text)) {
      current = undefined;
    }
  }

  function takeLine(text: string, type: string | undefined): void {
    line(text.endsWith("\r") ? text.slice(0, -1) : text, type);
  }

  return {
    add: (output, type) => {
      keep(output);
      let from = 0;
      for (let at = output.indexOf("\n"); at >= 0; at = output.indexOf("\n", from)) {
        const text = output.slice(from, at);
        takeLine(pending === "" ? text : pending + text, pendingType ?? type);
        pending = "";
        pendingType = undefined;
        from = at + 1;
      }
      if (from < output.length && pending.length < LINE) {
        if (pending === "") pendingType = type;
        pending += output.slice(from, from + LINE);
      }
    },
    shrink: (bytes) => {
      if (head.length + tail.length <= bytes) return;
      cut += head.length + tail.length - bytes;
      head = head.slice(0, bytes / 2);
      tail = tail.slice(-bytes / 2);
    },
    get text() {
      return cut === 0 ? head + tail : `${head}\n… ${cut} characters left out …\n${tail}`;
    },
    get located() {
      return [...first, ...last];
    },
    get panic() {
      return panic;
    },
    get panicFrames() {
      return panicFrames;
    },
    get race() {
      return race;
    },
    get raceFrames() {
      return raceFrames;
    },
    get timedOut() {
      return timedOut;
    },
    get hanging() {
      return hanging;
    },
  };
}

function place(match: RegExpExecArray): Frame {
  return { file: match[1] ?? "", line: Number(match[2]) };
}
