/** Where an annotation points. Lines and columns count from 1, as GitHub's do. */
export interface Place {
  title?: string;
  /** Relative to the workspace, with forward slashes. */
  file?: string;
  line?: number;
  endLine?: number;
  column?: number;
}

/** The words a step says. Implementations escape workflow commands; callers pass plain text. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  notice(message: string, place?: Place): void;
  warning(message: string, place?: Place): void;
  error(message: string, place?: Place): void;
  /** Runs `work` inside a collapsible group. */
  group<T>(title: string, work: () => Promise<T>): Promise<T>;
  /**
   * Registers a secret with the runner, together with the forms it takes on its way (each line,
   * base64). Called in the same line that reads the secret.
   */
  mask(secret: string): void;
  /**
   * Lets the runner look for problems in the lines of later steps. `file` holds a problem matcher
   * (JSON), which the runner reads at once; one of the same owner is replaced.
   */
  addMatcher(file: string): void;
  /** Ends that, for the matcher of this owner. */
  removeMatcher(owner: string): void;
  /**
   * Hands `work` a writer whose text cannot speak to the runner: it is printed between
   * `stop-commands` and its token (runner contract: commands are scanned on both streams, the old
   * `##[…]` form anywhere in a line).
   */
  fenced<T>(work: (write: (text: string | Uint8Array) => void) => Promise<T>): Promise<T>;
}
