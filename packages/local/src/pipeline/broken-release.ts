import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Replacements in the sources of examples/orders that make its next release a bad one. */
const CHANGES = [
  { file: "cmd/orders/version.go", from: '"1.0.0"', to: '"1.1.0"' },
  {
    file: "internal/httpapi/httpapi.go",
    from: 'reply(w, http.StatusOK, map[string]string{"status": "ok"})',
    to: 'reply(w, http.StatusInternalServerError, map[string]string{"status": "no connection to the stock"})',
  },
] as const;

/** Versions that the two releases answer at `/version`. */
export const VERSIONS = { good: "1.0.0", broken: "1.1.0" } as const;

/**
 * Turns a checkout of examples/orders into its broken release: it compiles, starts and serves, and
 * answers 500 on its health endpoint.
 */
export function breakHealth(workspace: string): void {
  for (const { file, from, to } of CHANGES) {
    const path = join(workspace, file);
    const source = readFileSync(path, "utf8");
    if (!source.includes(from)) throw new Error(`${file} no longer holds ${from}`);
    writeFileSync(path, source.replace(from, to));
  }
}
