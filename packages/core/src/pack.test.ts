import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { encodeIndex, MAGIC, PackError, type PackIndex } from "./pack-format.ts";
import { readPack } from "./pack-read.ts";
import { writePack } from "./pack-write.ts";
import { tempFolder } from "./testing/temp.ts";

interface Tree {
  [path: string]: { content: Uint8Array; mode: number };
}

function write(root: string, tree: Tree): void {
  for (const [path, { content, mode }] of Object.entries(tree)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), mode);
  }
}

function read(root: string): Tree {
  if (!existsSync(root)) return {};
  return Object.fromEntries(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [
        path.slice(root.length + 1),
        { content: new Uint8Array(readFileSync(path)), mode: statSync(path).mode & 0o777 },
      ]),
  );
}

/** The bytes in pieces of the given sizes, over and over. */
async function* pieces(bytes: Uint8Array, sizes: readonly number[] = [65536]) {
  let index = 0;
  for (let at = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    yield await Promise.resolve(bytes.subarray(at, at + size));
    at += size;
  }
}

async function pack(tree: Tree): Promise<Buffer> {
  const root = tempFolder();
  write(root, tree);
  const path = join(tempFolder(), "x.pack");
  await writePack(path, { root }, { root: Object.keys(tree) });
  return readFileSync(path);
}

/** A pack with any index, whatever its names are. */
function forged(index: Partial<PackIndex>, contents = ""): Buffer {
  return Buffer.concat([
    encodeIndex({ roots: ["root"], files: [], folders: [], ...index }),
    Buffer.from(contents),
  ]);
}

const SUM_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const TREE: Tree = {
  "cache/download/a.mod": { content: Buffer.from("module a\n"), mode: 0o444 },
  "a@v1/a.go": { content: Buffer.from("package a\n"), mode: 0o444 },
  "a@v1/bin/tool": { content: Buffer.alloc(3 * 1024 * 1024, "tool"), mode: 0o755 },
  "b@v1/empty": { content: Buffer.alloc(0), mode: 0o644 },
};

describe("a pack", () => {
  it("gives back every name, byte and mode, in whatever pieces it comes", async () => {
    const segment = fc
      .stringMatching(/^[A-Za-z0-9@!~+ äß._-]{1,12}$/)
      .filter((s) => !/^\.+$/.test(s));
    const file = fc.record({
      content: fc.uint8Array({ maxLength: 3000 }),
      mode: fc.constantFrom(0o444, 0o644, 0o755, 0o600),
    });
    // The first segment tells folders from files, so that no file is another one's folder.
    const path = fc
      .tuple(fc.array(segment, { maxLength: 3 }), segment)
      .map(([folders, name]) => [...folders.map((part) => `d${part}`), `f${name}`].join("/"));
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(path, file, { maxKeys: 12, noNullPrototype: true }),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 }),
        async (tree, sizes) => {
          const root = join(tempFolder(), "new");
          const result = await readPack(pieces(await pack(tree), sizes), { root });
          expect(read(root)).toEqual(
            Object.fromEntries(
              Object.entries(tree).map(([name, { content, mode }]) => [
                name,
                { content: new Uint8Array(content), mode },
              ]),
            ),
          );
          expect(result.files).toBe(Object.keys(tree).length);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("leaves alone what is there, and says how much that was", async () => {
    const root = tempFolder();
    write(root, { "a@v1/a.go": { content: Buffer.from("mine\n"), mode: 0o600 } });
    const result = await readPack(pieces(await pack(TREE)), { root });
    expect(result).toMatchObject({ files: 3, skipped: 1 });
    expect(readFileSync(join(root, "a@v1/a.go"), "utf8")).toBe("mine\n");
  });

  it("brings read-only folders back as such, and can add to those that are there", async () => {
    const source = tempFolder();
    write(source, TREE);
    chmodSync(join(source, "a@v1"), 0o555);
    const path = join(tempFolder(), "x.pack");
    await writePack(path, { root: source }, { root: Object.keys(TREE) });
    const root = tempFolder();
    mkdirSync(join(root, "b@v1"));
    chmodSync(join(root, "b@v1"), 0o555);
    await readPack(pieces(readFileSync(path)), { root });
    expect(lstatSync(join(root, "a@v1")).mode & 0o777).toBe(0o555);
    expect(lstatSync(join(root, "b@v1")).mode & 0o777).toBe(0o555);
    expect(existsSync(join(root, "b@v1/empty"))).toBe(true);
    chmodSync(join(source, "a@v1"), 0o755);
    for (const folder of ["a@v1", "b@v1"]) chmodSync(join(root, folder), 0o755);
  });

  it("is refused with any byte altered, and leaves nothing", async () => {
    const whole = await pack({
      "a/one": { content: Buffer.from("one"), mode: 0o644 },
      "a/two": { content: Buffer.from("two"), mode: 0o644 },
      "b/large": { content: Buffer.alloc(1_200_000, 7), mode: 0o644 },
    });
    const head = Array.from({ length: 600 }, (_, index) => index);
    const sampled = Array.from({ length: 40 }, (_, index) =>
      Math.floor(600 + (index * (whole.length - 601)) / 39),
    );
    for (const offset of [...head, ...sampled].filter((at) => at < whole.length)) {
      const altered = Buffer.from(whole);
      altered[offset] = (altered[offset] ?? 0) ^ 0x40;
      const root = join(tempFolder(), "new");
      mkdirSync(root);
      await expect(readPack(pieces(altered), { root })).rejects.toThrow(PackError);
      expect(readdirSync(root)).toEqual([]);
    }
  });

  it("is refused when it is cut off anywhere, or goes on", async () => {
    const whole = await pack({ "a/one": { content: Buffer.from("one"), mode: 0o644 } });
    for (let length = 0; length < whole.length; length += 1) {
      const root = tempFolder();
      await expect(readPack(pieces(whole.subarray(0, length)), { root })).rejects.toThrow(
        PackError,
      );
      expect(readdirSync(root)).toEqual([]);
    }
    const root = tempFolder();
    await expect(
      readPack(pieces(Buffer.concat([whole, Buffer.from("x")])), { root }),
    ).rejects.toThrow(/more than the index says/);
    expect(readdirSync(root)).toEqual([]);
  });

  it("removes what it wrote, and only that, when a later file is wrong", async () => {
    const tree = { ...TREE, "z/last": { content: Buffer.from("z"), mode: 0o644 } };
    const damaged = await pack(tree);
    damaged[damaged.length - 1] = 0;
    const root = tempFolder();
    const mine = { "a@v1/mine": { content: new Uint8Array(Buffer.from("mine")), mode: 0o644 } };
    write(root, mine);
    await expect(readPack(pieces(damaged), { root })).rejects.toThrow(/z\/last/);
    expect(read(root)).toEqual(mine);
    expect(readdirSync(root)).toEqual(["a@v1"]);
  });

  it.each([
    "../out",
    "a/../../out",
    "/etc/passwd",
    "a//b",
    "./a",
    "a/.",
    "",
    "a\0b",
    "a\\..\\b",
    "C:/x",
    "a\nb",
  ])("refuses the name %j before anything lands", async (path) => {
    const root = join(tempFolder(), "root");
    mkdirSync(root);
    const first = [0, "fine", 0o644, 0, SUM_OF_NOTHING] as const;
    const hostile = forged({ files: [first, [0, path, 0o644, 0, SUM_OF_NOTHING]] });
    await expect(readPack(pieces(hostile), { root })).rejects.toThrow(/refused/);
    const folder = forged({ files: [first], folders: [[0, path, 0o700]] });
    await expect(readPack(pieces(folder), { root })).rejects.toThrow(/refused/);
    expect(readdirSync(root)).toEqual([]);
  });

  it.each([
    ["an unknown root", { roots: ["elsewhere"] }],
    ["a number of no root", { files: [[1, "a", 0o644, 0, SUM_OF_NOTHING]] }],
    ["set-user-ID bits", { files: [[0, "a", 0o4755, 0, SUM_OF_NOTHING]] }],
    ["a negative size", { files: [[0, "a", 0o644, -1, SUM_OF_NOTHING]] }],
    ["a fractional size", { files: [[0, "a", 0o644, 0.5, SUM_OF_NOTHING]] }],
    ["a sum that is none", { files: [[0, "a", 0o644, 0, "00"]] }],
    [
      "a name twice",
      {
        files: [
          [0, "a", 0o644, 0, SUM_OF_NOTHING],
          [0, "a", 0o644, 0, SUM_OF_NOTHING],
        ],
      },
    ],
    [
      "a file that is another one's folder",
      {
        files: [
          [0, "a", 0o644, 0, SUM_OF_NOTHING],
          [0, "a/b", 0o644, 0, SUM_OF_NOTHING],
        ],
      },
    ],
  ] as [string, Partial<PackIndex>][])("refuses %s", async (_, index) => {
    const root = tempFolder();
    await expect(readPack(pieces(forged(index)), { root })).rejects.toThrow(PackError);
    expect(readdirSync(root)).toEqual([]);
  });

  it("refuses another version of the format", async () => {
    const root = tempFolder();
    const other = Buffer.concat([Buffer.from(MAGIC.replace("1", "2")), Buffer.alloc(100)]);
    await expect(readPack(pieces(other), { root })).rejects.toThrow(/known version/);
  });

  it("follows no link below a root", async () => {
    const outside = tempFolder();
    const root = tempFolder();
    symlinkSync(outside, join(root, "a@v1"));
    await expect(readPack(pieces(await pack(TREE)), { root })).rejects.toThrow(/not a folder/);
    expect(readdirSync(outside)).toEqual([]);
    expect(readdirSync(root)).toEqual(["a@v1"]);
  });

  it("leaves out what is no regular file, and files that are gone", async () => {
    const source = tempFolder();
    write(source, { plain: { content: Buffer.from("x"), mode: 0o644 } });
    symlinkSync("/etc/passwd", join(source, "link"));
    const path = join(tempFolder(), "x.pack");
    const written = await writePack(path, { root: source }, { root: ["plain", "link", "gone"] });
    expect(written).toEqual({ files: 1, bytes: 1 });
    const root = tempFolder();
    await readPack(pieces(readFileSync(path)), { root });
    expect(readdirSync(root)).toEqual(["plain"]);
  });

  it("stops when it is cancelled, and leaves nothing", async () => {
    const root = tempFolder();
    const abort = new AbortController();
    abort.abort(new Error("cancelled"));
    await expect(
      readPack(pieces(await pack(TREE)), { root }, { signal: abort.signal }),
    ).rejects.toThrow("cancelled");
    expect(readdirSync(root)).toEqual([]);
  });
});
