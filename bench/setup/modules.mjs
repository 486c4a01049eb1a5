// Modules come from a folder over the same line as the cache: the network of the day decides
// nothing, and a candidate that fetches pays for it.
import { execFileSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { Refusal } from "../../packages/local/src/services/exchange.ts";
import { filesOf, wipe } from "./machine.mjs";

/** GOPROXY's path below the services' origin. */
export const MODULES = "/modules/";

/** Serves the download folder of a module cache, which has the layout of a proxy. */
export function moduleRoute(folder) {
  return {
    method: "GET",
    path: /^\/modules\/(.+)$/,
    answer: async (exchange, [path]) => {
      const file = normalize(join(folder, "cache/download", decodeURIComponent(path)));
      const size = file.startsWith(folder)
        ? statSync(file, { throwIfNoEntry: false })?.size
        : undefined;
      if (size === undefined) throw new Refusal(404, "not found");
      await exchange.sendFile(200, file, { start: 0, end: size - 1 }, {});
    },
  };
}

/** Fetches what the commits need, each go.sum once. */
export async function fetchModules(folders, modules, shas, go, say) {
  mkdirSync(modules, { recursive: true });
  const seen = new Set();
  for (const sha of shas) {
    const files = filesOf(folders, sha, /(^|\/)go\.(mod|sum)$/);
    const id = files.join("\n");
    if (seen.has(id) || !files.some((line) => line.endsWith("\tgo.mod"))) continue;
    seen.add(id);
    const place = join(folders.work, "modules");
    await wipe(place);
    for (const line of files) {
      const [meta, path] = line.split("\t");
      if (/(^|\/)(testdata|vendor)\//.test(path)) continue;
      const blob = execFileSync("git", [
        "-C",
        folders.source,
        "cat-file",
        "blob",
        meta.split(" ")[2],
      ]);
      mkdirSync(dirname(join(place, path)), { recursive: true });
      writeFileSync(join(place, path), blob);
    }
    say(`modules of ${sha.slice(0, 9)}`);
    execFileSync(join(go.bin, "go"), ["mod", "download"], {
      cwd: place,
      env: { ...process.env, GOMODCACHE: modules, GOFLAGS: "-modcacherw", GOTOOLCHAIN: "local" },
      stdio: ["ignore", "ignore", "ignore"],
    });
  }
}
