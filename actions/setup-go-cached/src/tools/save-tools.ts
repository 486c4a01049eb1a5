import { join } from "node:path";
import { messageOf } from "@go-cicd/core/errors.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { SaveResult } from "@go-cicd/core/store.ts";
import { digest } from "./key.ts";
import { sha256, type ToolsPlan } from "./tools.ts";

/** Name of the state that main leaves for post. */
export const TOOLS = "tools";

/**
 * Saves the programs that main left, if they still are what they were then: the job's own steps
 * could have written to them.
 */
export async function saveTools(
  { scope, folder, programs }: ToolsPlan,
  ports: Pick<Ports, "signal" | "store" | "timeline">,
): Promise<SaveResult | { kind: "skipped"; detail: string }> {
  for (const [file, sum] of Object.entries(programs)) {
    if (sumOf(join(folder, file)) !== sum) {
      return { kind: "skipped", detail: `the job changed ${file} after it was set up` };
    }
  }
  const content = Object.entries(programs).map((pair) => pair.join(" "));
  return ports.timeline.phase("save tools", async (phase) => {
    let result: SaveResult;
    try {
      result = await ports.store.save({
        name: "tools",
        key: `${scope}-${digest(content.sort(), 12)}`,
        roots: { tools: folder },
        files: { tools: Object.keys(programs) },
        signal: ports.signal,
      });
    } catch (error) {
      ports.signal.throwIfAborted();
      result = { kind: "failed", detail: messageOf(error) };
    }
    phase.cache("tools", result.kind, result.kind === "saved" ? result.bytes : 0);
    return result;
  });
}

function sumOf(file: string): string | undefined {
  try {
    return sha256(file);
  } catch {
    // Removed by the job.
    return undefined;
  }
}
