// setup-go-cached in the place of actions/setup-go v7.0.0: its inputs as they stand in a workflow,
// and what later steps got from it.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it, jest } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { runJob } from "@go-cicd/local/contract/job.ts";
import { parse } from "yaml";
import { canary, ProgramRecorder, sightings } from "../support/canary.ts";
import { localGo } from "../support/consumer.ts";
import { requirePart } from "../support/real-parts.ts";

jest.setTimeout(240_000);

const root = join(import.meta.dirname, "../..");
const go = requirePart("go");
const git = requirePart("git");
const whole = go === undefined || git === undefined ? it.skip : it;

/** Its action.yml at the tag v7.0.0. */
const INPUTS = [
  "go-version",
  "go-version-file",
  "check-latest",
  "token",
  "cache",
  "cache-dependency-path",
  "architecture",
  "go-download-base-url",
];
const OUTPUTS = ["go-version", "cache-hit"];

describe("in the place of actions/setup-go", () => {
  it("every input is taken, or the page on moving says what to do with it", () => {
    const action = parse(readFileSync(join(root, "setup-go-cached/action.yml"), "utf8")) as {
      inputs: Record<string, unknown>;
      outputs: Record<string, unknown>;
    };
    expect(INPUTS.filter((name) => !(name in action.inputs))).toEqual(["token"]);
    expect(OUTPUTS.filter((name) => !(name in action.outputs))).toEqual([]);
    const page = readFileSync(join(root, "docs/migrate-to-setup-go-cached.md"), "utf8");
    for (const name of INPUTS) expect(page).toMatch(new RegExp(`^\\| \`${name}\` `, "m"));
  });

  whole("a step with all of them does what it did", async () => {
    const folder = tempFolder("drop-in-");
    const [workspace, home] = [join(folder, "work/orders"), join(folder, "home")];
    for (const each of [workspace, home]) mkdirSync(each, { recursive: true });
    writeFileSync(join(workspace, "go.mod"), "module example.com/acme/orders\n\ngo 1.24\n");
    writeFileSync(join(workspace, "go.sum"), "");
    const token = canary("token");
    const recorder = new ProgramRecorder(join(folder, "recorder"), {
      go: go ?? "",
      git: git ?? "",
    });
    const own = localGo().slice(2);
    const given: Record<string, string> = {
      "go-version": own.replace(/\.\d+$/, ".x"),
      "go-version-file": "go.mod",
      "check-latest": "false",
      token: token.value,
      cache: "true",
      "cache-dependency-path": "**/go.sum",
      architecture: process.arch,
      "go-download-base-url": "http://127.0.0.1:9/dl",
    };
    expect(Object.keys(given)).toEqual(INPUTS);
    const { stages, steps } = await runJob(
      { id: "ci", steps: [{ id: "go", action: "setup-go-cached", with: given }] },
      {
        workspace,
        temp: join(folder, "temp"),
        toolCache: join(folder, "tools"),
        inherited: {
          PATH: [recorder.folder, process.env["PATH"]].join(delimiter),
          HOME: home,
          LANG: "C.UTF-8",
          GOPROXY: "off",
        },
      },
    );
    const main = stages.find(({ of }) => of.stage === "main")?.result;
    expect(stages.map(({ result }) => result.conclusion)).toEqual(["success", "success"]);
    expect(steps["go"]?.outputs).toMatchObject({ "go-version": own, "cache-hit": "false" });
    expect(main?.env).toMatchObject({ GOTOOLCHAIN: "local" });
    expect(main?.env).not.toHaveProperty("GOROOT");
    expect(main?.path).toContain(join(home, "go/bin"));
    expect(main?.path).toContain(join(steps["go"]?.outputs["goroot"] ?? "", "bin"));
    expect(main?.log.join("\n")).toContain(
      "go-version-file is ignored, since go-version is given.",
    );
    // No program gets the token, which nobody needs.
    expect(recorder.programs()).toContain("go");
    expect(recorder.sightings([token])).toEqual([]);
    for (const { result } of stages) {
      const { stdout, stderr, outputs, state, summary } = result;
      const left = stdout + stderr + JSON.stringify({ outputs, state, summary });
      expect(sightings(Buffer.from(left), [token], "a stage")).toEqual([]);
    }
  });
});
