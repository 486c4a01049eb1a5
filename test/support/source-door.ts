import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";

const root = join(import.meta.dirname, "../..");

/** A door whose bundle is its sources: for what was not bundled yet. */
export function sourceDoor(door: string): string {
  const folder = tempFolder("source-door-");
  const text = readFileSync(join(root, door, "action.yml"), "utf8");
  const main = /^ {2}main: (.+)$/m.exec(text)?.[1] ?? "";
  mkdirSync(join(folder, door));
  writeFileSync(join(folder, door, "action.yml"), text);
  const bundle = join(folder, door, main);
  mkdirSync(dirname(bundle), { recursive: true });
  const source = pathToFileURL(join(root, "actions", door, "src/main.ts")).href;
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(bundle, `await import(${JSON.stringify(source)});\n`);
  return join(folder, door);
}
