// Who is measured: each candidate is the steps before and after the same commands.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { filesOf } from "./machine.mjs";

export const OURS = "setup-go-cached";
export const SETUP_GO = "setup-go";
export const RECIPE = "setup-go + cache recipe";
export const PERSISTENT = "persistent machine";

/**
 * The candidates that can be had. `steps(job)` is what comes before the commands.
 * @returns {{ name: string, persistent: boolean, steps: (job: object) => object[] }[]}
 */
export function candidates(options, folders, root, say) {
  const found = [{ name: PERSISTENT, persistent: true, steps: () => [] }];
  for (const [index, bundle] of (options.bundles ?? [root]).entries()) {
    const action = join(bundle, "setup-go-cached");
    found.push({
      name: index === 0 ? OURS : `${OURS} of ${bundle}`,
      persistent: false,
      steps: ({ go }) => [{ id: "setup", action, with: { "go-version": go.version } }],
    });
  }
  const peer = (name, why) => {
    const folder = options.peers === undefined ? undefined : join(options.peers, name);
    if (folder !== undefined && existsSync(join(folder, "action.yml"))) return folder;
    say(`${why} is left out: there is no ${folder ?? `--peers DIR with ${name}`}`);
    return undefined;
  };
  const setupGo = peer("setup-go", SETUP_GO);
  if (setupGo !== undefined) {
    found.push({
      name: SETUP_GO,
      persistent: false,
      steps: ({ go }) => [{ id: "setup", action: setupGo, with: { "go-version": go.version } }],
    });
  }
  const cache = setupGo === undefined ? undefined : peer("cache", RECIPE);
  if (cache !== undefined) {
    found.push({
      name: RECIPE,
      persistent: false,
      steps: ({ go, sha, runId }) => {
        const prefix = `Linux-go-${go.version}-`;
        const sums = `${prefix}${sumOfSums(folders, sha)}-`;
        return [
          {
            id: "setup",
            action: setupGo,
            with: { "go-version": go.version, cache: "false" },
          },
          {
            id: "cache",
            action: cache,
            with: {
              path: "~/.cache/go-build\n~/go/pkg/mod",
              key: `${sums}${runId}`,
              "restore-keys": `${sums}\n${prefix}`,
            },
          },
        ];
      },
    });
  }
  return found;
}

/** Stands for hashFiles('**\/go.sum'). */
function sumOfSums(folders, sha) {
  const blobs = filesOf(folders, sha, /(^|\/)go\.sum$/).join("\n");
  return createHash("sha256").update(blobs).digest("hex");
}
