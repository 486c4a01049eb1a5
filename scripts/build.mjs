// Bundles the doors and the local runner into dist/: `npm run build [name …]`.
// Output is a function of the sources and the lock file alone; `--check` compares instead of
// writing and exits 1 when the committed bytes differ.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { createRequire } from "node:module";
import { licenses } from "./licenses.mjs";
import { root } from "./toolchain.mjs";

const ncc = createRequire(import.meta.url)("@vercel/ncc");

/** Bundle name → entry. `dist/local` is export-ignored: users of an action never download it. */
const ENTRIES = Object.fromEntries([
  ...readdirSync(join(root, "actions"))
    .sort()
    .map((name) => [name, `actions/${name}/src/main.ts`]),
  ["toolkit", "packages/core/src/adapters/toolkit.ts"],
  ["local", "packages/local/src/main.ts"],
]);

/** What a bundle takes from another one at run time, instead of holding a copy of it. */
const SHARED = { "@go-cicd/core/adapters/toolkit.ts": "../toolkit/index.js" };

const args = process.argv.slice(2);
const check = args.includes("--check");
const wanted = args.filter((arg) => !arg.startsWith("-"));
const names = wanted.length > 0 ? wanted : Object.keys(ENTRIES);

let stale = [];
for (const name of names) {
  const entry = ENTRIES[name];
  if (entry === undefined) {
    console.error(`no bundle is called ${name}; there are: ${Object.keys(ENTRIES).join(", ")}`);
    process.exit(2);
  }
  const started = performance.now();
  const files = await bundle(resolve(root, entry), name === "toolkit" ? {} : SHARED);
  const folder = join(root, "dist", name);
  if (check) stale = stale.concat(differences(folder, files));
  else write(folder, files);
  const bytes = [...files.values()].reduce((sum, content) => sum + content.length, 0);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${name}: ${files.size} files, ${(bytes / 1e6).toFixed(2)} MB, ${seconds} s`);
}
if (wanted.length === 0) {
  const path = join(root, "dist/licenses.txt");
  const text = licenses(root);
  if (!check) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, "utf8") !== text)
    stale.push("dist/licenses.txt");
}
if (stale.length > 0) {
  console.error(
    `dist/ is not what the sources build (run npm run build):\n  ${stale.join("\n  ")}`,
  );
  process.exit(1);
}

async function bundle(entry, externals) {
  const { code, assets } = await ncc(entry, {
    cache: false,
    minify: false,
    transpileOnly: true,
    externals,
    quiet: true,
  });
  const files = new Map([["index.js", Buffer.from(code)]]);
  for (const [name, asset] of Object.entries(assets)) files.set(name, Buffer.from(asset.source));
  return files;
}

function write(folder, files) {
  rmSync(folder, { recursive: true, force: true });
  for (const [name, content] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

function differences(folder, files) {
  const found = existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((item) => item.isFile())
        .map((item) => relative(folder, join(item.parentPath, item.name)))
    : [];
  const wrong = [...files]
    .filter(
      ([name, content]) =>
        !found.includes(name) || !readFileSync(join(folder, name)).equals(content),
    )
    .map(([name]) => name);
  const extra = found.filter((name) => !files.has(name));
  return [...wrong, ...extra].map((name) => join(relative(root, folder), name));
}
