import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { packTar, type TarEntry } from "modern-tar";
import { digestOf, hexOf, type Digest } from "./digest.ts";
import { extractLayers, resolveInside } from "./extract.ts";
import { LayoutWriter, openLayout } from "./layout.ts";
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_LAYER_GZIP, OCI_MANIFEST } from "./media-types.ts";
import { selectPlatform } from "./source.ts";
import type { Descriptor } from "./spec.ts";

let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "extract-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const AMD64 = { os: "linux", architecture: "amd64" };

function file(name: string, body: string, mode = 0o644): TarEntry {
  return { header: { name, size: Buffer.byteLength(body), type: "file", mode }, body };
}
function dir(name: string, mode = 0o755): TarEntry {
  return { header: { name: `${name}/`, size: 0, type: "directory", mode } };
}
function symlink(name: string, linkname: string): TarEntry {
  return { header: { name, size: 0, type: "symlink", linkname } };
}
function hardlink(name: string, linkname: string): TarEntry {
  return { header: { name, size: 0, type: "link", linkname } };
}

/** A layout with one image of these layers; `lie` changes what its config says of them. */
async function image(
  layers: readonly TarEntry[][],
  { diffIds, plain = false }: { diffIds?: Digest[]; plain?: boolean } = {},
) {
  const layout = await LayoutWriter.create(join(folder, "layout"));
  const descriptors: Descriptor[] = [];
  const sums: Digest[] = [];
  for (const entries of layers) {
    const archive = await packTar(entries);
    sums.push(digestOf(archive));
    descriptors.push(
      plain
        ? await layout.bytes(OCI_LAYER, archive)
        : await layout.bytes(OCI_LAYER_GZIP, gzipSync(archive)),
    );
  }
  const config = await layout.json(OCI_CONFIG, {
    ...AMD64,
    rootfs: { type: "layers", diff_ids: diffIds ?? sums },
  });
  const manifest = await layout.json(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: config.mediaType, digest: config.digest, size: config.size },
    layers: descriptors.map((one) => ({
      mediaType: one.mediaType,
      digest: one.digest,
      size: one.size,
    })),
  });
  await layout.list([manifest]);
  return { manifest, layers: descriptors, path: layout.path, blob: (d: Digest) => layout.blob(d) };
}

async function unpack(path: string, limits = {}) {
  const layout = await openLayout(path);
  const selected = await selectPlatform(layout, layout.root(), AMD64);
  return extractLayers(layout, selected, join(folder, "out"), limits);
}

const out = (name: string) => join(folder, "out", name);
const text = (name: string) => readFileSync(out(name), "utf8");

describe("unpacking layers", () => {
  test("lays one over the other, with modes and links", async () => {
    const { path } = await image([
      [dir("bin"), file("bin/app", "one", 0o755), file("etc/name", "x"), symlink("sh", "/bin/app")],
      [file("bin/app", "two", 0o4755), hardlink("again", "bin/app"), dir("tmp", 0o1777)],
    ]);
    expect(await unpack(path)).toEqual({ files: 3, bytes: 7 });
    expect(text("bin/app")).toBe("two");
    expect(text("again")).toBe("two");
    expect(lstatSync(out("bin/app")).mode & 0o7777).toBe(0o755);
    expect(lstatSync(out("tmp")).mode & 0o7777).toBe(0o1777);
    expect(resolveInside(join(folder, "out"), "/sh")).toBe(out("bin/app"));
    expect(readdirSync(folder).sort()).toEqual(["layout", "out"]);
  });

  test("layers that are not compressed are read as well", async () => {
    const { path } = await image([[file("a", "a")]], { plain: true });
    await unpack(path);
    expect(text("a")).toBe("a");
  });

  test("whiteouts hide what lower layers hold and nothing of their own layer", async () => {
    const { path } = await image([
      [file("keep", "k"), file("gone", "g"), file("d/lower", "l"), file("d/e/lower", "l")],
      [
        file("d/mine", "m"),
        file("d/e/mine", "m"),
        file("d/.wh..wh..opq", ""),
        file(".wh.gone", ""),
      ],
    ]);
    await unpack(path);
    expect(readdirSync(out("."))).toEqual(["d", "keep"]);
    expect(readdirSync(out("d")).sort()).toEqual(["e", "mine"]);
    expect(readdirSync(out("d/e"))).toEqual(["mine"]);
  });

  test("a link of a lower layer is followed below the root, as a container would", async () => {
    const { path } = await image([
      [dir("usr/bin"), symlink("bin", "/usr/bin")],
      [file("bin/app", "app")],
    ]);
    await unpack(path);
    expect(text("usr/bin/app")).toBe("app");
    expect(lstatSync(out("bin")).isSymbolicLink()).toBe(true);
  });

  test("a link that leads out is turned inside instead of followed", async () => {
    const outside = join(folder, "outside");
    mkdirSync(outside);
    for (const target of [outside, `../../../../../../../..${outside}`]) {
      const { path } = await image([[symlink("d", target), file("d/x", "x")]]);
      await unpack(path);
      expect(readdirSync(outside)).toEqual([]);
      expect(readFileSync(join(out("."), outside, "x"), "utf8")).toBe("x");
      rmSync(out("."), { recursive: true });
    }
  });

  test.each<[string, TarEntry[]]>([
    ["an absolute name", [file("/etc/x", "x")]],
    ["a name with ..", [file("a/../../x", "x")]],
    ["a whiteout of ..", [file(".wh...", "")]],
    ["a hard link out", [hardlink("x", "../../etc/passwd")]],
    ["a hard link to what is not there", [hardlink("x", "etc/passwd")]],
    ["a hard link to a symbolic link", [symlink("l", "/etc/passwd"), hardlink("x", "l")]],
    ["links in a circle", [symlink("a", "b"), symlink("b", "a"), file("a/x", "x")]],
  ])("%s is refused and nothing stays", async (_, entries) => {
    const { path } = await image([[file("first", "1")], entries]);
    await expect(unpack(path)).rejects.toMatchObject({ code: "integrity" });
    expect(readdirSync(folder)).toEqual(["layout"]);
  });

  test("devices are left out", async () => {
    const { path } = await image([
      [{ header: { name: "dev/null", size: 0, type: "character-device" } }, file("a", "a")],
    ]);
    await unpack(path);
    expect(readdirSync(out("."))).toContain("a");
    expect(existsSync(out("dev/null"))).toBe(false);
  });

  test("an altered blob is refused and nothing stays", async () => {
    const { path, layers, blob } = await image([[file("a", "a".repeat(5000))]], { plain: true });
    const digest = layers[0]?.digest ?? digestOf("");
    const bytes = readFileSync(blob(digest));
    bytes[600] = 0x62;
    writeFileSync(blob(digest), bytes);
    await expect(unpack(path)).rejects.toThrow(`instead of ${digest}`);
    expect(readdirSync(folder)).toEqual(["layout"]);
  });

  test.each([
    ["truncated", (bytes: Buffer) => bytes.subarray(0, -1), "bytes instead of"],
    ["too long", (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(1)]), "bytes instead of"],
  ])("a %s blob is refused", async (_, change, message) => {
    const { path, layers, blob } = await image([[file("a", "a")]]);
    const digest = layers[0]?.digest ?? digestOf("");
    writeFileSync(blob(digest), change(readFileSync(blob(digest))));
    await expect(unpack(path)).rejects.toThrow(message);
  });

  test("a layer that is not what its image says it is is refused", async () => {
    const { path } = await image([[file("a", "a")]], { diffIds: [digestOf("other")] });
    await expect(unpack(path)).rejects.toThrow("has diff ID");
    expect(readdirSync(folder)).toEqual(["layout"]);
  });

  test("an existing folder is not touched", async () => {
    const { path } = await image([[file("a", "a")]]);
    mkdirSync(out("."));
    writeFileSync(out("mine"), "mine");
    await expect(unpack(path)).rejects.toThrow("exists already");
    expect(readdirSync(out("."))).toEqual(["mine"]);
  });

  test("limits hold", async () => {
    const { path } = await image([[file("a", "a".repeat(100)), file("b", "b")]]);
    await expect(unpack(path, { maxBytes: 100 })).rejects.toThrow("more than 100 bytes");
    await expect(unpack(path, { maxEntries: 1 })).rejects.toThrow("more than 1 entries");
    await unpack(path, { maxBytes: 101, maxEntries: 2 });
  });
});

describe("an OCI layout", () => {
  test("gives a blob that is missing, altered or swapped for no answer", async () => {
    const { path, manifest, blob } = await image([[file("a", "a")]]);
    const layout = await openLayout(path);
    await layout.read(layout.root());
    writeFileSync(blob(manifest.digest), Buffer.alloc(manifest.size));
    await expect(layout.read(layout.root())).rejects.toThrow("has digest");
    rmSync(blob(manifest.digest));
    await expect(layout.read(layout.root())).rejects.toThrow("lacks the blob");
    expect(hexOf(manifest.digest)).toHaveLength(64);
  });

  test("finds a root by digest, or the only one", async () => {
    const { path, manifest } = await image([[file("a", "a")]]);
    const layout = await openLayout(path);
    expect(layout.root().digest).toBe(manifest.digest);
    expect(layout.root(manifest.digest).digest).toBe(manifest.digest);
    expect(() => layout.root(digestOf("x"))).toThrow("has no image");
    const writer = await LayoutWriter.create(path);
    await writer.list([manifest, { ...manifest, digest: digestOf("y") }]);
    const two = await openLayout(path);
    expect(() => two.root()).toThrow("has several images");
    expect(two.root(digestOf("y")).digest).toBe(digestOf("y"));
  });

  test.each<[string, Record<string, string>, string]>([
    ["nothing", {}, "not a readable OCI layout"],
    ["no index", { "oci-layout": '{"imageLayoutVersion":"1.0.0"}' }, "not a readable OCI layout"],
    ["a future version", { "oci-layout": '{"imageLayoutVersion":"2.0.0"}' }, "no layout version"],
    ["no JSON", { "oci-layout": "x", "index.json": "{}" }, "no layout version"],
    [
      "a false digest",
      {
        "oci-layout": '{"imageLayoutVersion":"1.0.0"}',
        "index.json": `{"schemaVersion":2,"mediaType":"${OCI_INDEX}","manifests":[{"mediaType":"${OCI_MANIFEST}","size":2,"digest":"sha256:../../x"}]}`,
      },
      "not a sha256 digest",
    ],
  ])("with %s is refused in a sentence", async (_, files, message) => {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    await expect(openLayout(folder)).rejects.toThrow(message);
  });

  test("the platform is found through nested indexes, past attestations", async () => {
    const { path, manifest } = await image([[file("a", "a")]]);
    const writer = await LayoutWriter.create(path);
    const describe = (one: Descriptor, platform: { os: string; architecture: string }) => ({
      mediaType: one.mediaType,
      digest: one.digest,
      size: one.size,
      platform,
    });
    const inner = await writer.json(OCI_INDEX, {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [
        describe(
          { ...manifest, digest: digestOf("att") },
          { os: "unknown", architecture: "unknown" },
        ),
        describe(manifest, AMD64),
      ],
    });
    await writer.list([inner]);
    const layout = await openLayout(path);
    const found = await selectPlatform(layout, layout.root(), AMD64);
    expect(found.descriptor.digest).toBe(manifest.digest);
    await expect(
      selectPlatform(layout, layout.root(), { os: "linux", architecture: "arm64" }),
    ).rejects.toMatchObject({ hint: "It has: linux/amd64. Build it for this one as well." });
  });
});
