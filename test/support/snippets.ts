import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A whole workflow that stands in a page. */
export interface Snippet {
  /** `README.md:17` */
  place: string;
  text: string;
}

/** Every YAML block with `jobs:` in the given Markdown files. */
export function workflowSnippets(root: string, pages: readonly string[]): Snippet[] {
  return pages.flatMap((page) => {
    const text = readFileSync(join(root, page), "utf8");
    return [...text.matchAll(/^```ya?ml\n([\s\S]*?)^```$/gm)]
      .filter(([, block = ""]) => /^jobs:$/m.test(block))
      .map((match) => ({
        place: `${page}:${text.slice(0, match.index).split("\n").length}`,
        text: match[1] ?? "",
      }));
  });
}

/** The pages that users read, relative to the root. */
export function pages(root: string): string[] {
  const doors = readdirSync(root, { withFileTypes: true })
    .filter((item) => item.isDirectory() && item.name !== "node_modules")
    .map((item) => `${item.name}/README.md`);
  const docs = readdirSync(join(root, "docs")).map((name) => `docs/${name}`);
  return ["README.md", ...doors, ...docs].filter((page) => {
    try {
      return page.endsWith(".md") && readFileSync(join(root, page)).length > 0;
    } catch {
      return false;
    }
  });
}
