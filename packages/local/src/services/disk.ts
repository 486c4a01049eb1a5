import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

// Several servers may share one folder: every file appears whole by `rename` or `link`, and is
// never changed afterwards. `link` is the lock: of two that publish one name, one gets EEXIST.

/** Writes a JSON file that was not there. False when it was. */
export async function publish(path: string, value: unknown): Promise<boolean> {
  return withDraft(path, value, async (draft) => {
    try {
      await link(draft, path);
      return true;
    } catch (error) {
      if (isCode(error, "EEXIST")) return false;
      throw error;
    }
  });
}

/** Writes a JSON file, over any that was there. */
export async function replace(path: string, value: unknown): Promise<void> {
  await withDraft(path, value, (draft) => rename(draft, path));
}

async function withDraft<T>(
  path: string,
  value: unknown,
  work: (draft: string) => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID()}.draft`;
  try {
    await writeFile(draft, JSON.stringify(value));
    return await work(draft);
  } finally {
    await rm(draft, { force: true });
  }
}

/** The value of a JSON file, or undefined when there is none or it is unreadable. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    // A file that vanished or was cut by a full disk is no entry.
    return undefined;
  }
}

export function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === code;
}

let lastId = 0;

/** A number that grows, also from one server to the next: clients take the largest as the newest. */
export function nextId(): number {
  lastId = Math.max(lastId + 1, Date.now() * 1000);
  return lastId;
}
