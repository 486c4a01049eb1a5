/** Ways in which the services can break their own rules, to show that a test notices. */
export type Lie =
  /** A key that exists is accepted again. */
  | "allow-overwrite"
  /** The last block of a list is left out. */
  | "forget-block"
  /** Blocks are joined in another order than the list's. */
  | "wrong-order"
  /** Every scope may be read. */
  | "ignore-scopes"
  /** Restore keys and the primary key match exactly or not at all. */
  | "exact-keys"
  /** The oldest match is taken. */
  | "oldest-first"
  /** Read-only tokens may write. */
  | "ignore-read-only"
  /** Signatures and expiry of URLs are not looked at. */
  | "ignore-signatures"
  /** Ranges are answered with the whole blob. */
  | "ignore-ranges"
  /** Artifacts have no digest, or a wrong one. */
  | "wrong-digest"
  /** Lists of artifacts are empty. */
  | "forget-artifacts"
  /** Identity tokens are made for another audience. */
  | "wrong-audience";

export type Lies = Set<Lie>;

/** What goes wrong with a request. */
export type Misbehaviour =
  /** An answer in place of the real one; nothing is done. */
  | {
      kind: "status";
      status: number;
      body?: string;
      headers?: Readonly<Record<string, string>>;
    }
  /** No answer until the server is closed or the client gives up. */
  | { kind: "hang" }
  /** The answer comes late. */
  | { kind: "delay"; ms: number }
  /** The connection is reset after so many bytes of the request's or the answer's body. */
  | { kind: "reset"; afterBytes: number; side: "request" | "response" }
  /** One byte of the answer's body is another. */
  | { kind: "alter"; at: number }
  /** The answer ends early, and its Content-Length says so: nothing looks broken. */
  | { kind: "truncate"; bytes: number };

export interface Fault {
  method?: string;
  /** Tried on the path without its query: `/CreateCacheEntry$/`, `/^\/act\/blobs\//`. */
  path?: RegExp;
  /** Tried on the query, as in `/comp=block(&|$)/`. */
  query?: RegExp;
  /** Requests that pass before the fault begins; 0 by default. */
  after?: number;
  /** Requests that meet it; all by default. */
  times?: number;
  misbehaviour: Misbehaviour;
}

/** Faults in the order they were given; the first that fits a request is met. */
export class Faults {
  readonly #faults: { fault: Fault; seen: number }[] = [];

  /** Adds a fault; the result takes it away again. */
  add(fault: Fault): () => void {
    const entry = { fault, seen: 0 };
    this.#faults.push(entry);
    return () => {
      const at = this.#faults.indexOf(entry);
      if (at >= 0) this.#faults.splice(at, 1);
    };
  }

  meet(method: string, url: URL): Misbehaviour | undefined {
    for (const entry of this.#faults) {
      const { fault } = entry;
      if (fault.method !== undefined && fault.method !== method) continue;
      if (fault.path?.test(url.pathname) === false) continue;
      if (fault.query?.test(url.search) === false) continue;
      const turn = entry.seen++ - (fault.after ?? 0);
      if (turn >= 0 && turn < (fault.times ?? Infinity)) return fault.misbehaviour;
    }
    return undefined;
  }
}
