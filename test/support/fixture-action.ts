import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";

/** Scripts of an action by stage; plain Node, CommonJS. */
export interface FixtureScripts {
  main: string;
  pre?: string;
  post?: string;
}

/**
 * Writes a tiny action that uses no toolkit, so that what it does on the wire is what the test
 * says. `metadata` is YAML for the top level; `runs` is YAML that joins the stages.
 */
export function fixtureAction(
  scripts: FixtureScripts,
  { metadata = "", runs = "" }: { metadata?: string; runs?: string } = {},
): string {
  const folder = tempFolder("fixture-action-");
  const stages = Object.keys(scripts).map((stage) => `  ${stage}: ${stage}.cjs`);
  const yml = ["name: Fixture", metadata, "runs:", "  using: node24", ...stages, runs].join("\n");
  writeFileSync(join(folder, "action.yml"), yml);
  const prelude = `
const fs = require("node:fs");
const { spawn } = require("node:child_process");
const env = process.env;
const put = (file, text) => fs.appendFileSync(env["GITHUB_" + file], text);
`;
  for (const [stage, script] of Object.entries<string>({ ...scripts })) {
    writeFileSync(join(folder, `${stage}.cjs`), prelude + script);
  }
  return folder;
}
