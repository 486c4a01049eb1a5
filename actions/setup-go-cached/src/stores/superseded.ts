import { ActionError, messageOf } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { Keys } from "./keys.ts";
import { baseBelow, inScope, isBase } from "./layers.ts";

interface ListedEntry {
  id: number;
  key: string;
}

const DEADLINE_MS = 10_000;
const PAGE = 100;

/**
 * Which entries of one scope and branch nobody needs once `saved` is there. What `saved` stands on
 * stays, and so does what this job was given: others that run now may have been given the same.
 */
export function superseded(
  entries: readonly ListedEntry[],
  keys: Keys,
  saved: string,
  restored: string,
): ListedEntry[] {
  const needed = new Set([saved, restored].flatMap((key) => [key, baseBelow(key) ?? key]));
  return entries.filter(
    ({ key }) =>
      inScope(key, keys) &&
      !needed.has(key) &&
      // Deltas of other sums may stand on a base of these.
      (keys.family === keys.scope || !isBase(key)),
  );
}

/**
 * Deletes them (https://docs.github.com/rest/actions/cache, `actions: write`). A failure is said and
 * fails nothing.
 */
export async function deleteSuperseded(
  keys: Keys,
  saved: string,
  restored: string,
  token: string,
  ports: Ports,
): Promise<void> {
  const { context, log } = ports;
  const url = `${context.apiUrl}/repos/${context.repository}/actions/caches`;
  try {
    const entries = await listed(
      `${url}?key=${encodeURIComponent(`${keys.scope}-`)}&ref=${encodeURIComponent(context.ref)}`,
      token,
      ports,
    );
    const old = superseded(entries, keys, saved, restored);
    for (const { id } of old) await ask("DELETE", `${url}/${id}`, token, ports);
    if (old.length > 0) log.info(`Deleted ${old.length} entries that ${saved} takes the place of`);
  } catch (error) {
    ports.signal.throwIfAborted();
    log.warning(`Entries that are not needed any more were not deleted: ${messageOf(error)}`);
  }
}

async function listed(url: string, token: string, ports: Ports): Promise<ListedEntry[]> {
  const body = await ask("GET", `${url}&per_page=${PAGE}`, token, ports);
  const { actions_caches: caches } = JSON.parse(body.toString("utf8")) as {
    actions_caches?: unknown;
  };
  if (!Array.isArray(caches)) throw new ActionError("network", "the list has another shape");
  return caches.filter(
    (entry): entry is ListedEntry =>
      typeof (entry as Partial<ListedEntry>).id === "number" &&
      typeof (entry as Partial<ListedEntry>).key === "string",
  );
}

async function ask(
  method: "GET" | "DELETE",
  url: string,
  token: string,
  { http, signal }: Ports,
): Promise<Buffer> {
  const { status, body } = await http.request({
    method,
    url,
    headers: {
      authorization: `Bearer ${token}`,
      accept: "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
    },
    timeoutMs: DEADLINE_MS,
    attempts: 2,
    signal,
  });
  // 404 on a deletion: another job was faster.
  if (status === 200 || status === 204 || (method === "DELETE" && status === 404)) return body;
  const remedy = status === 403 ? ": cache-token needs `actions: write`" : "";
  throw new ActionError("network", `the GitHub API answered ${status}${remedy}`);
}
