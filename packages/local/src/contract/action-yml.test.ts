import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { readActionManifest } from "./action-yml.ts";

function action(yml: string, file = "action.yml"): string {
  const folder = tempFolder();
  writeFileSync(join(folder, file), yml);
  writeFileSync(join(folder, "main.js"), "");
  return folder;
}

describe("readActionManifest", () => {
  it("keeps every scalar a text, as the runner does", () => {
    const folder = action(
      "name: X\ninputs:\n  a: {default: 1.20}\n  b: {default: true, required: true}\n  c:\n" +
        "outputs: {o: {description: x}}\nruns: {using: node24, main: main.js}\n",
    );
    const manifest = readActionManifest(folder);
    expect(manifest.inputs.map((input) => [input.name, input.default, input.required])).toEqual([
      ["a", "1.20", false],
      ["b", "true", true],
      ["c", "", false],
    ]);
    expect(manifest).toMatchObject({
      outputs: ["o"],
      main: join(folder, "main.js"),
      post: undefined,
      postIf: "always()",
    });
  });

  it("takes action.yaml, too", () => {
    const folder = action("runs: {using: node24, main: main.js}", "action.yaml");
    expect(readActionManifest(folder).using).toBe("node24");
  });

  test.each([
    ["runs: {using: composite, steps: []}", "runs.using"],
    ["runs: {using: node24}", "runs.main is missing"],
    ["runs: {using: node24, main: none.js}", "does not exist"],
    ["runs: {using: node24, main: main.js, post: none.js}", "runs.post does not exist"],
  ])("refuses %s", (yml, message) => {
    expect(() => readActionManifest(action(yml))).toThrow(message);
  });

  it("says so where there is no action", () => {
    expect(() => readActionManifest(tempFolder())).toThrow("there is no action.yml");
  });
});
