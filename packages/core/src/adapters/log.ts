import { randomUUID } from "node:crypto";
import * as core from "@actions/core";
import type { Log, Place } from "../log.ts";
import { formsOfSecret, mayCommand } from "../workflow-command.ts";

/**
 * The step's log on standard output, where the runner reads workflow commands.
 *
 * While a fence is open every command is dead, ours too. So each command of our own closes the
 * fence for its one line and opens it again behind it, with a new token each time.
 */
export function runnerLog(out: NodeJS.WritableStream = process.stdout): Log {
  /** How many `fenced` calls are running, and the token that ends the open fence. */
  let fences = 0;
  let token: string | undefined;
  let atLineStart = true;

  const write = (text: string | Uint8Array): void => {
    if (text.length === 0) return;
    out.write(text);
    atLineStart = text.at(-1) === "\n" || text.at(-1) === 10;
  };
  const endLine = (): void => {
    if (!atLineStart) write("\n");
  };
  const open = (): void => {
    endLine();
    token = randomUUID();
    write(`::stop-commands::${token}\n`);
  };
  const close = (): void => {
    if (token === undefined) return;
    endLine();
    write(`::${token}::\n`);
    token = undefined;
  };
  /** Says something that the runner must hear. */
  const command = (say: () => void): void => {
    const fenced = token !== undefined;
    if (fenced) close();
    else endLine();
    say();
    if (fenced) open();
  };

  const annotate =
    (say: (message: string, properties: core.AnnotationProperties) => void) =>
    (message: string, place: Place = {}): void =>
      command(() => say(message, annotation(place)));

  return {
    debug: (message) => command(() => core.debug(message)),
    info: (message) => {
      endLine();
      if (token !== undefined || !mayCommand(message)) {
        write(`${message}\n`);
        return;
      }
      open();
      write(message);
      close();
    },
    notice: annotate(core.notice),
    warning: annotate(core.warning),
    error: annotate(core.error),
    group: async (title, work) => {
      command(() => core.startGroup(title));
      try {
        return await work();
      } finally {
        command(() => core.endGroup());
      }
    },
    mask: (secret) => {
      for (const form of formsOfSecret(secret)) command(() => core.setSecret(form));
    },
    addMatcher: (file) => command(() => write(`::add-matcher::${escapeData(file)}\n`)),
    removeMatcher: (owner) =>
      command(() => write(`::remove-matcher owner=${escapeProperty(owner)}::\n`)),
    fenced: async (work) => {
      fences += 1;
      if (token === undefined) open();
      try {
        return await work(write);
      } finally {
        fences -= 1;
        if (fences === 0) close();
      }
    },
  };
}

/** As the toolkit writes commands (@actions/core, command.ts); it has no function for matchers. */
function escapeData(text: string): string {
  return text.replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replace(/:/g, "%3A").replace(/,/g, "%2C");
}

function annotation({ title, file, line, endLine, column }: Place): core.AnnotationProperties {
  return {
    ...(title !== undefined && { title }),
    ...(file !== undefined && { file }),
    ...(line !== undefined && { startLine: line }),
    ...(endLine !== undefined && { endLine }),
    ...(column !== undefined && { startColumn: column }),
  };
}
