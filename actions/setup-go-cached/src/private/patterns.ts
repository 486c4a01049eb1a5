/** A pattern of GOPRIVATE, taken apart: `github.com/acme/*` is host `github.com`, path `acme/`. */
export interface PrivatePattern {
  text: string;
  /** First element; may hold wildcards. */
  host: string;
  /** What is fixed below the host: the path up to its first wildcard. */
  prefix: string;
}

/** Characters of module paths (https://go.dev/ref/mod#go-mod-file-ident) and of path.Match. */
const PATTERN = /^[A-Za-z0-9._~*?[\]^-]+(\/[A-Za-z0-9._~!*?[\]^-]+)*\/?$/;
const WILD = /[*?[\]]/;

/** Takes patterns apart; `problems` are full lines, one for each that is none. */
export function parsePatterns(texts: readonly string[]): {
  patterns: PrivatePattern[];
  problems: string[];
} {
  const patterns: PrivatePattern[] = [];
  const problems: string[] = [];
  for (const text of texts) {
    const why = whyNot(text);
    if (why === undefined) patterns.push(takeApart(text));
    else problems.push(`private: ${JSON.stringify(text)} ${why}`);
  }
  return { patterns, problems };
}

function whyNot(text: string): string | undefined {
  if (text.includes("://")) return "is an address; a pattern begins with the host: github.com/acme";
  if (text.includes("@")) return "holds an @; a pattern is a prefix of module paths";
  if (!PATTERN.test(text)) return "is no pattern of module paths such as github.com/acme/*";
  return undefined;
}

function takeApart(text: string): PrivatePattern {
  const [host = "", ...rest] = text.replace(/\/$/, "").split("/");
  const wild = rest.findIndex((element) => WILD.test(element));
  const fixed = wild === -1 ? rest : rest.slice(0, wild);
  // One element below a host is an owner, which no other owner's name may continue. A longer path
  // may be a repository, whose address can go on with `.git`.
  const closed = wild !== -1 || fixed.length === 1;
  const prefix = fixed.length === 0 ? "" : fixed.join("/") + (closed ? "/" : "");
  return { text, host: host.toLowerCase(), prefix };
}

/** What stands in the way of sending a token to where these patterns point; undefined for nothing. */
export function whyNoToken(patterns: readonly PrivatePattern[]): string | undefined {
  const hosts = [...new Set(patterns.map(({ host }) => host))];
  const [host] = hosts;
  if (host === undefined) return "private-token needs private: the patterns say where it is sent";
  const wild = hosts.find((each) => WILD.test(each));
  if (wild !== undefined) {
    return `private-token needs hosts that are written out: ${wild} could be anybody's`;
  }
  if (hosts.length > 1) {
    return (
      `private-token is sent to one host, but private names ${hosts.join(" and ")}: ` +
      "set up the second one in a step of its own, or name it in the variable GOPRIVATE"
    );
  }
  return host.includes(".") ? undefined : `private: ${host} is no host, it has no dot`;
}

/** GOPRIVATE with patterns added: one value, each pattern once (https://go.dev/ref/mod#environment-variables). */
export function joinPatterns(present: string, added: readonly PrivatePattern[]): string {
  const all = [...present.split(","), ...added.map(({ text }) => text)].map((text) => text.trim());
  return [...new Set(all.filter((text) => text !== ""))].join(",");
}
