import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no address");
  return address.port;
}

/** Words of `agent.sh status`. */
export function statusOf(folder: string): Record<string, string> {
  const said = execFileSync("sh", [join(folder, ".deploy/agent.sh"), "status", folder], {
    encoding: "utf8",
  });
  return Object.fromEntries(
    said
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]),
  );
}

/** Ends the service of a target; what a test started, it stops. */
export function stopTarget(folder: string): void {
  const agent = join(folder, ".deploy/agent.sh");
  if (!existsSync(agent)) return;
  // A lock that a test holds itself would be respected.
  rmSync(join(folder, ".deploy/lock"), { force: true });
  execFileSync("sh", [agent, "stop", folder], { stdio: "pipe" });
}

/** Asks a service; undefined when nobody answers. */
export async function ask(
  port: number,
  path: string,
): Promise<{ status: number; body: string } | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, body: await response.text() };
  } catch {
    return undefined;
  }
}

/** Phases that stand in the journal, oldest first; empty when it is closed. */
export function journalOf(folder: string): string[] {
  let text: string;
  try {
    text = readFileSync(join(folder, ".deploy/journal"), "utf8");
  } catch {
    return [];
  }
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(" ")[0] ?? "");
}
