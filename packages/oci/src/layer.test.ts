import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import { digestOf } from "./digest.ts";
import { writeLayer } from "./layer.ts";
import { LayoutWriter } from "./layout.ts";
import { tarStream, type TarEntry } from "./tar.ts";

let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "layer-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const entries: TarEntry[] = [
  { type: "folder", name: "a", mode: 0o755 },
  { type: "file", name: "a/b", mode: 0o644, content: Buffer.alloc(100_000, "text ") },
];

describe("a layer", () => {
  test("has the digests of its bytes, before and after compression", async () => {
    const layout = await LayoutWriter.create(folder);
    const { descriptor, diffId, unpacked } = await writeLayer(layout, entries);
    const blob = layout.blob(descriptor.digest);
    const bytes = readFileSync(blob);
    expect(digestOf(bytes)).toBe(descriptor.digest);
    expect(bytes.length).toBe(descriptor.size);
    const plain = await buffer(createReadStream(blob).pipe(createGunzip()));
    expect(plain.equals(await buffer(tarStream(entries)))).toBe(true);
    expect(digestOf(plain)).toBe(diffId);
    expect(plain.length).toBe(unpacked);
  });

  test("has a gzip header without time and system", async () => {
    const layout = await LayoutWriter.create(folder);
    const { descriptor } = await writeLayer(layout, entries);
    const header = readFileSync(layout.blob(descriptor.digest)).subarray(0, 10);
    expect(header.toString("hex")).toMatch(/^1f8b0800000000000.ff$/);
  });

  test("is the same whatever the order of its entries", async () => {
    const layout = await LayoutWriter.create(folder);
    const one = await writeLayer(layout, entries);
    expect(await writeLayer(layout, [...entries].reverse())).toEqual(one);
  });

  test("that cannot be kept says why", async () => {
    const layout = await LayoutWriter.create(folder);
    rmSync(join(folder, "blobs"), { recursive: true });
    const large = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => (at * 7919) % 251));
    const entry: TarEntry = { type: "file", name: "x", mode: 0o644, content: large };
    await expect(writeLayer(layout, [entry])).rejects.toThrow("ENOENT");
  });

  test("that cannot be read says why and leaves nothing", async () => {
    const layout = await LayoutWriter.create(folder);
    const missing: TarEntry = { type: "file", name: "x", mode: 0o644, path: "/no/such", size: 5 };
    await expect(writeLayer(layout, [missing])).rejects.toThrow("ENOENT");
    expect(readdirSync(join(folder, "blobs"))).toEqual(["sha256"]);
    expect(readdirSync(join(folder, "blobs", "sha256"))).toEqual([]);
  });
});
