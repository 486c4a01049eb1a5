import type { Environment } from "@go-cicd/core/process.ts";
import type { Listener } from "../pipeline/events.ts";
import { palette } from "./colour.ts";
import { jsonScreen, liveScreen, plainScreen, type Terminal } from "./screen.ts";

export interface OpenScreen {
  listen: Listener;
  close(): void;
}

/** The screen that fits: JSON when asked for, live on a terminal, else plain lines. */
export function openScreen(json: boolean, env: Environment): OpenScreen {
  const out = process.stdout;
  const terminal: Terminal = {
    write: (text) => void out.write(text),
    columns: () => out.columns,
  };
  const nothing = (): void => undefined;
  if (json) return { listen: jsonScreen(terminal), close: nothing };
  const colours = palette(out.isTTY, env);
  const live = out.isTTY && (env["CI"] ?? "") === "" && env["TERM"] !== "dumb";
  if (!live) return { listen: plainScreen(terminal, colours), close: nothing };
  const screen = liveScreen(terminal, colours);
  return { listen: screen, close: () => screen.stop() };
}
