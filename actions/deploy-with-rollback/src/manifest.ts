import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

/**
 * The sums of all regular files below `root`, as `sha256sum -c` reads them: names relative with a
 * leading `./`, sorted; a line whose name holds a backslash or line break begins with a backslash
 * (GNU coreutils manual, "md5sum invocation").
 */
export async function manifestOf(root: string): Promise<string> {
  const lines: string[] = [];
  for (const name of await filesBelow(root)) {
    const hash = createHash("sha256");
    await pipeline(createReadStream(join(root, name)), hash);
    const escaped = name.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
    const mark = escaped === name ? "" : "\\";
    lines.push(`${mark}${hash.digest("hex")}  ./${escaped}\n`);
  }
  return lines.join("");
}

async function filesBelow(root: string, folder = ""): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await filesBelow(root, name)));
    else if (entry.isFile()) found.push(name);
  }
  return found.sort();
}
