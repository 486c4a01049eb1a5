import { createHash } from "node:crypto";

/**
 * The h1 hash of a module (golang.org/x/mod/sumdb/dirhash, Hash1): SHA-256 over one line for each
 * file, sorted by name.
 * @param sums path inside the module → SHA-256 of the content in hex
 */
export function h1(prefix: string, sums: ReadonlyMap<string, string>): string {
  return hash1([...sums].map(([path, sum]) => [`${prefix}/${path}`, sum]));
}

/** The h1 hash of a go.mod file alone, from the SHA-256 of its content in hex. */
export function modSum(sha256: string): string {
  return hash1([["go.mod", sha256]]);
}

function hash1(files: readonly (readonly [name: string, sha256: string])[]): string {
  const lines = files
    .map(([name, sum]) => [Buffer.from(name), sum] as const)
    .sort(([one], [other]) => Buffer.compare(one, other))
    .map(([name, sum]) => `${sum}  ${name.toString("utf8")}\n`);
  return `h1:${createHash("sha256").update(lines.join("")).digest("base64")}`;
}
