// The licences of everything that is bundled: the closure of the workspaces' dependencies in the
// lock file. ncc's own list leaves out what webpack joins with the entry, so it is not used.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const LICENSE_FILE = /^(licen[cs]e|copying|notice)(\.|-|$)/i;

/** Text of dist/licenses.txt: each package with its licence files, by name. */
export function licenses(root) {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const seen = new Set();
  const visit = (path) => {
    const entry = packages[path];
    if (entry === undefined || seen.has(path)) return;
    seen.add(path);
    if (entry.link) return visit(entry.resolved);
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) {
      visit(resolve(packages, path, name));
    }
  };
  for (const path of Object.keys(packages))
    if (/^(actions|packages)\/[^/]+$/.test(path)) visit(path);
  return [...seen]
    .filter((path) => path.includes("node_modules/") && !packages[path].link)
    .filter((path) => existsSync(join(root, path)))
    .map((path) => text(root, path, packages[path]))
    .sort()
    .join(`\n${"-".repeat(80)}\n\n`);
}

/** Where `name` is found from `path`: the nearest node_modules upwards. */
function resolve(packages, path, name) {
  for (let folder = path; ;) {
    const candidate = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
    if (packages[candidate] !== undefined) return candidate;
    if (folder === "") return candidate;
    const cut = folder.lastIndexOf("node_modules/");
    folder = cut <= 0 ? "" : folder.slice(0, cut - 1);
  }
}

function text(root, path, { version, license }) {
  const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  const files = readdirSync(join(root, path)).filter((file) => LICENSE_FILE.test(file));
  const texts = files.sort().map((file) =>
    readFileSync(join(root, path, file), "utf8")
      .replaceAll("\r\n", "\n")
      .trim(),
  );
  return `${name} ${version} (${license ?? "see below"})\n\n${texts.join("\n\n") || "No licence file in the package."}\n`;
}
