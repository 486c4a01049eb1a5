// Refreshes the table of toolchain sums: `node scripts/go-checksums.mjs`; `--check` compares and
// verifies without writing.
//
// A sum is the h1 hash of the module golang.org/toolchain for one version and platform, as the
// checksum database has recorded it. It is looked up through the first proxy of the machine's own
// configuration, and nothing is believed before `gosumcheck`, the checksum database's own client,
// has found each line in the signed tree of the database.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { format } from "prettier";
import { root } from "./toolchain.mjs";

const run = promisify(execFile);

const TABLE = join(root, "actions/setup-go-cached/src/toolchain/sums.ts");
/** The oldest line that the action sets up (version/wanted.ts). */
const OLDEST_MINOR = 24;
const PLATFORMS = [
  "darwin-amd64",
  "darwin-arm64",
  "linux-386",
  "linux-amd64",
  "linux-arm",
  "linux-arm64",
  "windows-386",
  "windows-amd64",
  "windows-arm64",
];
const GOSUMCHECK = "golang.org/x/mod/gosumcheck@v0.29.0";
/** The database whose key gosumcheck knows. */
const DATABASE = "sum.golang.org";
/** Lines that gosumcheck asks for at once; it has no bound of its own. */
const AT_ONCE = 24;

const check = process.argv.includes("--check");
const scratch = mkdtempSync(join(tmpdir(), "go-cicd-sums-"));
try {
  const old = readTable();
  const table = {};
  let fresh = 0;
  const database = await databaseAddress();
  for (const version of await versions(Object.keys(old))) {
    const known = old[version] ?? {};
    const missing = PLATFORMS.filter((platform) => known[platform] === undefined);
    const found = await Promise.all(
      missing.map(async (platform) => [platform, await lookUp(database, version, platform)]),
    );
    fresh += found.filter(([, sum]) => sum !== undefined).length;
    const sums = { ...known, ...Object.fromEntries(found) };
    const sorted = PLATFORMS.filter((platform) => sums[platform] !== undefined);
    if (sorted.length > 0) {
      table[version] = Object.fromEntries(sorted.map((platform) => [platform, sums[platform]]));
    }
  }
  const count = await verify(database, table);
  const text = await format(source(table), { parser: "typescript", printWidth: 100 });
  const stale = text !== readFileSync(TABLE, "utf8");
  if (stale && !check) writeFileSync(TABLE, text);
  console.log(
    `${count} sums of ${Object.keys(table).length} versions are in the checksum database, ${fresh} of them new`,
  );
  if (stale && check) {
    console.error("The table is not what the database says: node scripts/go-checksums.mjs");
    process.exitCode = 1;
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** The go command outside of every module, with caches of its own. */
async function go(args) {
  const { stdout, stderr } = await run("go", args, {
    cwd: scratch,
    maxBuffer: 64 * 1024 * 1024,
    env: {
      ...process.env,
      GOFLAGS: "-modcacherw",
      GOWORK: "off",
      GO111MODULE: "on",
      GOMODCACHE: join(scratch, "mod"),
      // The checker must be genuine, whatever this machine trusts otherwise.
      GOSUMDB: DATABASE,
      GONOSUMDB: "none",
      GOPRIVATE: "none",
      GOINSECURE: "none",
    },
  });
  return { stdout, stderr };
}

/** Proxies serve the database below their own address (go.dev/ref/mod#checksum-database). */
async function databaseAddress() {
  const { stdout } = await go(["env", "GOPROXY"]);
  const [proxy = ""] = stdout.trim().split(/[,|]/);
  const address = /^https?:/.test(proxy)
    ? `${proxy.replace(/\/$/, "")}/sumdb/${DATABASE}`
    : `https://${DATABASE}`;
  if (address.startsWith("https://sum")) return address;
  const { ok } = await fetch(`${address}/supported`);
  return ok ? address : `https://${DATABASE}`;
}

/** Releases of all lines, candidates only of lines that have no release yet; oldest first. */
async function versions(known) {
  const { stdout } = await go(["list", "-m", "-versions", "go"]);
  const listed = stdout.trim().split(/\s+/).slice(1);
  const all = [...new Set([...known, ...listed])]
    .map((version) => ({ version, parts: /^1\.(\d+)(?:\.(\d+)|(beta|rc)(\d+))$/.exec(version) }))
    .filter(({ parts }) => parts !== null && Number(parts[1]) >= OLDEST_MINOR);
  const released = new Set(
    all.filter(({ parts }) => parts[2] !== undefined).map(({ parts }) => parts[1]),
  );
  const rank = ({ parts: [, minor, patch, kind, number] }) => [
    Number(minor),
    kind === "beta" ? 0 : kind === "rc" ? 1 : 2,
    Number(patch ?? number),
  ];
  return all
    .filter(({ parts }) => parts[2] !== undefined || !released.has(parts[1]))
    .sort((one, other) => {
      const [a, b] = [rank(one), rank(other)];
      return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
    })
    .map(({ version }) => version);
}

function moduleOf(version, platform) {
  return `golang.org/toolchain@v0.0.1-go${version}.${platform}`;
}

/** What the database says of one toolchain; undefined when there is none for the platform. */
async function lookUp(database, version, platform) {
  const module = moduleOf(version, platform);
  const answer = await fetch(`${database}/lookup/${module}`);
  const text = await answer.text();
  if (answer.status === 404 || answer.status === 410) return undefined;
  if (!answer.ok) throw new Error(`${database}/lookup/${module} answered ${answer.status}`);
  const prefix = `${module.replace("@", " ")} `;
  const line = text.split("\n").find((each) => each.startsWith(prefix));
  if (line === undefined) throw new Error(`${database}/lookup/${module} has no line for it`);
  return line.slice(prefix.length);
}

/**
 * Every line must be in the signed tree. One line that is wrong on purpose must be complained of:
 * a check that says nothing could be one that looked at nothing.
 */
async function verify(database, table) {
  const lines = Object.entries(table).flatMap(([version, sums]) =>
    Object.entries(sums).map(
      ([platform, sum]) => `${moduleOf(version, platform).replace("@", " ")} ${sum}\n`,
    ),
  );
  const files = [];
  for (let at = 0; at < lines.length; at += AT_ONCE) {
    files.push(file(`part-${at}.sum`, lines.slice(at, at + AT_ONCE)));
  }
  const wrong = (lines[0] ?? "").replace(/h1:.*/, `h1:${"A".repeat(43)}=`);
  files.push(file("wrong.sum", [wrong]));
  const { stdout, stderr } = await go(["run", GOSUMCHECK, "-u", database, ...files]);
  const complaints = stdout.trim().split("\n");
  if (complaints.length !== 1 || !/wrong\.sum:1: .* hash mismatch/.test(complaints[0])) {
    throw new Error(`the sums could not be verified:\n${stdout}${stderr}`);
  }
  return lines.length;
}

function file(name, lines) {
  const path = join(scratch, name);
  writeFileSync(path, lines.join(""));
  return path;
}

function readTable() {
  const table = {};
  let version;
  // A version opens a table; a version with one platform stands on one line.
  for (const [, name, sum] of readFileSync(TABLE, "utf8").matchAll(
    /"([^"]+)": (?:\{|"(h1:[^"]+)")/g,
  )) {
    if (sum === undefined) version = name;
    else (table[version] ??= {})[name] = sum;
  }
  return table;
}

function source(table) {
  return `// Written by \`node scripts/go-checksums.mjs\`, long because each line is one toolchain.
/** Version → platform → h1 hash of the module golang.org/toolchain, from the checksum database. */
export const TOOLCHAIN_SUMS: Readonly<Record<string, Readonly<Record<string, string>>>> =
  ${JSON.stringify(table)};
`;
}
