import * as core from "@actions/core";
import type { State } from "../state.ts";

/** State as the runner keeps it: `GITHUB_STATE` in main, `STATE_<name>` in post. */
export function runnerState(): State {
  return {
    save: (name, value) => core.saveState(name, JSON.stringify(value)),
    load: (name) => {
      const text = core.getState(name);
      if (text === "") return undefined;
      try {
        return JSON.parse(text) as unknown;
      } catch {
        // Not written by `save`: as good as absent.
        return undefined;
      }
    },
  };
}
