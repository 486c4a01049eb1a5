import { parseWanted, type Wanted } from "./wanted.ts";

/**
 * What .tool-versions asks for: `golang 1.26.3 1.25.9 # comment`, where the first version that can
 * be installed counts (https://asdf-vm.com/manage/configuration.html).
 * @throws ActionError when it is no version.
 */
export function readToolVersions(content: string, shown: string): Wanted | undefined {
  for (const line of content.split(/\r?\n/)) {
    const [name = "", ...words] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (name === "golang" || name === "go") return firstVersion(words, shown);
  }
  return undefined;
}

/**
 * The first of the versions of a tool, in the words of asdf and mise: `latest` is the newest
 * release, `prefix:1.26` and `latest:1.26` the newest of a line. `system`, `path:` and `ref:` name
 * no version.
 */
export function firstVersion(words: readonly string[], shown: string): Wanted | undefined {
  const word = words.find((each) => !/^(system$|path:|ref:|branch:|tag:|rev:)/.test(each));
  if (word === undefined) return undefined;
  if (word === "latest") return parseWanted("stable", shown);
  return parseWanted(word.replace(/^(prefix|latest):/, ""), shown);
}
