/** What main leaves for post. Values are JSON; the runner keeps them as `STATE_<name>`. */
export interface State {
  save(name: string, value: unknown): void;
  /** The value main saved, or undefined when it did not get that far. */
  load(name: string): unknown;
}
