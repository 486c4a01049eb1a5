import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { DOORS } from "@go-cicd/core/names.ts";
import type { InputSpec } from "@go-cicd/core/inputs.ts";
import type { OutputSpec } from "@go-cicd/core/action.ts";
import { parse } from "yaml";

const root = join(import.meta.dirname, "../..");

interface Manifest {
  name: string;
  description: string;
  inputs?: Record<string, { description: string; default?: string; required?: boolean }>;
  outputs?: Record<string, { description: string }>;
  runs: { using: string; main: string; post?: string; "post-if"?: string };
}

interface Literals {
  action: { name: string; inputs: InputSpec; outputs: OutputSpec; post?: unknown };
}

it("there is a folder of sources for each door, and no other", () => {
  expect(readdirSync(join(root, "actions")).sort()).toEqual([...DOORS].sort());
});

describe.each(DOORS)("%s", (door) => {
  const manifest = parse(readFileSync(join(root, door, "action.yml"), "utf8")) as Manifest;
  const readme = readFileSync(join(root, door, "README.md"), "utf8");
  const literals = async (): Promise<Literals["action"]> =>
    ((await import(`../../actions/${door}/src/action.ts`)) as Literals).action;

  it("holds nothing but its metadata and its page", () => {
    expect(readdirSync(join(root, door)).sort()).toEqual(["README.md", "action.yml"]);
  });

  it("declares the inputs of its literal, and no default that would hide the config file", async () => {
    const { inputs } = await literals();
    expect(Object.keys(manifest.inputs ?? {})).toEqual(Object.keys(inputs));
    for (const [name, { default: text }] of Object.entries(manifest.inputs ?? {})) {
      if (text !== undefined) expect(`${name}: ${text}`).toContain("${{");
    }
  });

  it("declares the outputs of its literal", async () => {
    const { outputs } = await literals();
    expect(Object.keys(manifest.outputs ?? {})).toEqual(Object.keys(outputs));
  });

  it("describes everything in a sentence", () => {
    const all = [...Object.values(manifest.inputs ?? {}), ...Object.values(manifest.outputs ?? {})];
    expect(manifest.description).not.toBe("");
    for (const { description } of all) {
      expect(description).toMatch(/^[A-Z`].*[.)]$/s);
      // Runners refuse a manifest with an expression where none is evaluated.
      expect(description).not.toContain("${{");
    }
  });

  it("uses names that every runner keeps apart (act folds all but a-z, 0-9 and dashes)", () => {
    for (const name of Object.keys(manifest.inputs ?? {}))
      expect(name).toMatch(/^[a-z][a-z0-9-]*$/);
  });

  it("runs committed bundles on node24, and post whenever there is one", async () => {
    const { post } = await literals();
    const { using, main, post: postFile, "post-if": condition } = manifest.runs;
    expect(using).toBe("node24");
    expect(existsSync(join(root, door, main))).toBe(true);
    expect(postFile).toBe(post === undefined ? undefined : main);
    expect(condition).toBe(post === undefined ? undefined : "always()");
  });

  it("lists each input and output on its page, and the permissions it needs", async () => {
    const { inputs, outputs } = await literals();
    for (const name of [...Object.keys(inputs), ...Object.keys(outputs)]) {
      expect(readme).toContain(`| \`${name}\``);
    }
    expect(readme).toMatch(/^## Permissions$/m);
  });
});

it("the root guard fails and names the five doors", () => {
  const guard = readFileSync(join(root, "action.yml"), "utf8");
  for (const door of DOORS) expect(guard).toContain(`org/go-cicd/${door}@v1`);
  expect(guard).toContain("exit 1");
});
