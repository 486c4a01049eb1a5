import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { unpackTar } from "modern-tar";
import { execFileSync } from "node:child_process";
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { type TarEntry, tarStream } from "./tar.ts";

let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "tar-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const long = `${"folder-of-some-length/".repeat(12)}${"x".repeat(120)}`;
const entries: TarEntry[] = [
  { type: "file", name: "etc/passwd", mode: 0o644, content: Buffer.from("root:x:0:0::/:\n") },
  { type: "folder", name: "tmp", mode: 0o1777 },
  { type: "file", name: "empty", mode: 0o600, content: Buffer.alloc(0) },
  { type: "file", name: "block", mode: 0o755, content: Buffer.alloc(512, 1) },
  { type: "file", name: long, mode: 0o644, content: Buffer.from("long") },
  { type: "file", name: "grün/größe", mode: 0o644, content: Buffer.from("ü") },
  {
    type: "file",
    name: `${"p".repeat(90)}/${"q".repeat(90)}`,
    mode: 0o644,
    content: Buffer.from("split"),
  },
  { type: "symlink", name: "link", mode: 0o777, target: "etc/passwd" },
  { type: "symlink", name: "far", mode: 0o777, target: `${"t".repeat(150)}/ü` },
  { type: "folder", name: "home", mode: 0o700, uid: 65532, gid: 65532, mtime: 86400 },
];

describe("the archive", () => {
  test("is read back by tar of this machine with every name, mode, owner, time and byte", async () => {
    const file = join(folder, "a.tar");
    writeFileSync(file, await buffer(tarStream(entries)));
    const out = join(folder, "out");
    execFileSync("mkdir", [out]);
    execFileSync("tar", ["-xpf", file, "-C", out, "--no-same-owner", "--delay-directory-restore"]);
    for (const entry of entries) {
      const path = join(out, entry.name);
      const found = lstatSync(path);
      if (entry.type === "symlink") expect(readlinkSync(path)).toBe(entry.target);
      else expect(found.mode & 0o7777).toBe(entry.mode);
      if (entry.type === "folder") expect(found.isDirectory()).toBe(true);
      if (entry.type === "file") {
        expect(readFileSync(path)).toEqual("content" in entry ? entry.content : undefined);
      }
      if (entry.type !== "symlink") expect(found.mtimeMs).toBe((entry.mtime ?? 0) * 1000);
    }
    const list = execFileSync("tar", ["--numeric-owner", "-tvf", file], { encoding: "utf8" });
    expect(list).toContain("drwx------ 65532/65532");
    expect(list.split("\n").filter((line) => line.includes(" 0/0 "))).toHaveLength(9);
  });

  test("has the bytes that GNU tar writes for the same short entries", async () => {
    const out = join(folder, "in");
    execFileSync("mkdir", ["-p", join(out, "b")]);
    writeFileSync(join(out, "a"), "a".repeat(700), { mode: 0o644 });
    writeFileSync(join(out, "b", "c"), "c", { mode: 0o755 });
    execFileSync("chmod", ["644", join(out, "a")]);
    execFileSync("chmod", ["755", join(out, "b"), join(out, "b", "c")]);
    const theirs = execFileSync("tar", [
      ...["--format=ustar", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"],
      ...["--no-recursion", "--blocking-factor=1", "-cf", "-", "-C", out, "a", "b", "b/c"],
    ]);
    const ours = await buffer(
      tarStream([
        { type: "file", name: "b/c", mode: 0o755, content: Buffer.from("c") },
        { type: "folder", name: "b", mode: 0o755 },
        { type: "file", name: "a", mode: 0o644, content: Buffer.from("a".repeat(700)) },
      ]),
    );
    expect(ours.equals(theirs)).toBe(true);
  });

  test("does not depend on the order in which entries were gathered", async () => {
    const one = await buffer(tarStream(entries));
    const other = await buffer(tarStream([...entries].reverse()));
    expect(one.equals(other)).toBe(true);
  });

  test("a file of the disk has the bytes of the same content", async () => {
    const path = join(folder, "x");
    const content = Buffer.alloc(700_001, "data");
    writeFileSync(path, content);
    const one = await buffer(tarStream([{ type: "file", name: "x", mode: 0o644, content }]));
    const other = await buffer(
      tarStream([{ type: "file", name: "x", mode: 0o644, path, size: content.length }]),
    );
    expect(one.equals(other)).toBe(true);
    await expect(
      buffer(tarStream([{ type: "file", name: "x", mode: 0o644, path, size: 5 }])),
    ).rejects.toThrow("changed while");
  });

  test.each(["", "/etc/passwd", "../x", "a//b", "a/./b", "a/", "a\0b"])(
    "%j is refused as a name",
    async (name) => {
      await expect(buffer(tarStream([{ type: "folder", name, mode: 0o755 }]))).rejects.toThrow(
        "no name for an archive",
      );
    },
  );

  test("a name that stands twice is refused", async () => {
    const twice: TarEntry = { type: "folder", name: "a", mode: 0o755 };
    await expect(buffer(tarStream([twice, twice]))).rejects.toThrow("archived twice");
  });

  test("any names come back from an independent reader", async () => {
    const part = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 80 })
      .filter((text) => !/[/\0]/.test(text) && ![".", ".."].includes(text) && text.isWellFormed());
    const name = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/"));
    await fc.assert(
      fc.asyncProperty(name, fc.uint8Array({ maxLength: 1500 }), async (path, content) => {
        const bytes = await buffer(tarStream([{ type: "file", name: path, mode: 0o644, content }]));
        expect(bytes.length % 512).toBe(0);
        const [entry] = await unpackTar(bytes, { strict: true });
        expect(entry?.header.name).toBe(path);
        expect(Buffer.from(entry?.data ?? []).equals(content)).toBe(true);
      }),
    );
  });
});
