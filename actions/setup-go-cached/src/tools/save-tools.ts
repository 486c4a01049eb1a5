import { join } from "node:path";
import type { Ports } from "@go-cicd/core/ports.ts";
import { saveEntry, skipped } from "../stores/save-entry.ts";
import type { Saved } from "../stores/store-plan.ts";
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
): Promise<Saved> {
  for (const [file, sum] of Object.entries(programs)) {
    if (sumOf(join(folder, file)) !== sum) {
      return skipped(`the job changed ${file} after it was set up`);
    }
  }
  const content = Object.entries(programs).map((pair) => pair.join(" "));
  return saveEntry(
    {
      name: "tools",
      key: `${scope}-${digest(content.sort(), 12)}`,
      roots: { tools: folder },
      files: { tools: Object.keys(programs) },
    },
    ports,
  );
}

function sumOf(file: string): string | undefined {
  try {
    return sha256(file);
  } catch {
    // Removed by the job.
    return undefined;
  }
}
