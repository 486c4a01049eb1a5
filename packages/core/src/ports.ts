import type { Artifacts } from "./artifacts.ts";
import type { ConfiguredValue } from "./config.ts";
import type { Clock } from "./clock.ts";
import type { JobContext } from "./context.ts";
import type { Http } from "./http.ts";
import type { Log } from "./log.ts";
import type { Environment, Processes } from "./process.ts";
import type { State } from "./state.ts";
import type { Store } from "./store.ts";
import type { Summary } from "./summary.ts";
import type { Timeline } from "./timeline.ts";

/** Everything a use case may touch outside its own memory and the file system. */
export interface Ports {
  env: Environment;
  context: JobContext;
  log: Log;
  processes: Processes;
  http: Http;
  store: Store;
  artifacts: Artifacts;
  state: State;
  summary: Summary;
  timeline: Timeline;
  clock: Clock;
  /** A structured key of the door's part of the config file (main only; see `Action.config`). */
  config(key: string): ConfiguredValue | undefined;
  /** Sets a variable for later steps and for `env` of this one's children. */
  exportVariable(name: string, value: string): void;
  /** Puts a folder in front of PATH for later steps. */
  addPath(folder: string): void;
  /** Aborted when the runner cancels the step (SIGINT, then SIGTERM 7.5 s later). */
  signal: AbortSignal;
}
