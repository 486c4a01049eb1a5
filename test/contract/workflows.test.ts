import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  cpSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { parse } from "yaml";
import { requirePart } from "../support/real-parts.ts";
import { pages, workflowSnippets } from "../support/snippets.ts";

const root = join(import.meta.dirname, "../..");
const FOLDERS = [".github/workflows", "examples/workflows", "templates"];

/** One folder with every workflow of the project, laid out as a repository would have them. */
let repository = "";
beforeAll(() => {
  repository = mkdtempSync(join(tmpdir(), "workflows-"));
  const target = join(repository, ".github/workflows");
  mkdirSync(target, { recursive: true });
  for (const folder of FOLDERS) {
    for (const name of readdirSync(join(root, folder)).filter((each) => /\.ya?ml$/.test(each))) {
      cpSync(join(root, folder, name), join(target, `${basename(folder)}-${name}`));
    }
  }
  workflowSnippets(root, pages(root)).forEach(({ place, text }) => {
    writeFileSync(join(target, `${place.replace(/[^\w.-]/g, "_")}.yml`), text);
  });
  cpSync(join(root, ".github/zizmor.yml"), join(repository, ".github/zizmor.yml"));
  execFileSync("git", ["init", "-q"], { cwd: repository });
});
afterAll(() => rmSync(repository, { recursive: true, force: true }));

const workflows = (): string[] => readdirSync(join(repository, ".github/workflows"));

it("there are workflows to look at: own, examples, templates and pages", () => {
  const names = workflows();
  for (const prefix of ["workflows-ci", "workflows-", "README"]) {
    expect(names.some((name) => name.startsWith(prefix))).toBe(true);
  }
});

describe("actionlint", () => {
  const actionlint = requirePart("actionlint");
  (actionlint === undefined ? it.skip : it)("finds nothing in any workflow", () => {
    expect(lint(actionlint ?? "", workflows())).toBe("");
  });
  (actionlint === undefined ? it.skip : it)("would find an expression in a script", () => {
    const name = "hostile.yml";
    writeFileSync(
      join(repository, ".github/workflows", name),
      "on: pull_request\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ github.event.pull_request.title }}\n",
    );
    const said = lint(actionlint ?? "", [name]);
    rmSync(join(repository, ".github/workflows", name));
    expect(said).toContain("untrusted");
  });
  function lint(file: string, names: readonly string[]): string {
    const paths = names.map((name) => `.github/workflows/${name}`);
    try {
      return execFileSync(file, ["-no-color", "-shellcheck=", "-pyflakes=", ...paths], {
        cwd: repository,
        encoding: "utf8",
      });
    } catch (error) {
      return String((error as { stdout?: unknown }).stdout);
    }
  }
});

describe("zizmor", () => {
  const zizmor = requirePart("zizmor");
  (zizmor === undefined ? it.skip : it)("finds nothing in any workflow or action", () => {
    let said = "";
    try {
      execFileSync(
        zizmor ?? "",
        [
          "--offline",
          "--no-progress",
          "--color=never",
          "--config",
          ".github/zizmor.yml",
          ".github/workflows",
        ],
        {
          cwd: repository,
          encoding: "utf8",
          stdio: "pipe",
        },
      );
    } catch (error) {
      said = String((error as { stdout?: unknown }).stdout);
    }
    expect(said).toBe("");
  });
});

describe("own rules", () => {
  it("every foreign action is pinned to a commit and says its version", () => {
    for (const name of workflows()) {
      const text = readFileSync(join(repository, ".github/workflows", name), "utf8");
      for (const [, uses = ""] of text.matchAll(/uses: (.+)$/gm)) {
        if (/^(org\/go-cicd\/[\w./-]+@v1|\.\/.*)$/.test(uses.trim())) continue;
        expect(`${name}: ${uses}`).toMatch(/@[0-9a-f]{40} # v[\d.]+$/);
      }
    }
  });

  it("no job has more permissions than it names", () => {
    for (const name of workflows()) {
      const workflow = parse(readFileSync(join(repository, ".github/workflows", name), "utf8")) as {
        permissions?: unknown;
      };
      expect(`${name}: ${JSON.stringify(workflow.permissions)}`).toBe(`${name}: {}`);
    }
  });

  it("every starter template says what GitHub shows of it", () => {
    const templates = readdirSync(join(root, "templates")).filter((name) => name.endsWith(".yml"));
    expect(templates).not.toEqual([]);
    for (const name of templates) {
      const file = join(root, "templates", name.replace(/yml$/, "properties.json"));
      expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
        name: expect.stringMatching(/./),
        description: expect.stringMatching(/\.$/),
        iconName: expect.stringMatching(/^octicon [a-z-]+$/),
        categories: expect.arrayContaining(["Go"]),
      });
      expect(readFileSync(join(root, "templates", name), "utf8")).toContain("[$default-branch]");
    }
  });
});
