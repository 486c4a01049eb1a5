import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { ByteReader } from "./byte-reader.ts";
import { PackError } from "./pack-format.ts";
import { onlyMember } from "./tar-member.ts";
import { tempFolder } from "./testing/temp.ts";

const NAME = "go-cicd/build.pack";

/** What the real tar writes for the given arguments, in a folder with a pack, a file and a link. */
function tar(...args: string[]): Buffer {
  const folder = tempFolder();
  mkdirSync(join(folder, "go-cicd"));
  writeFileSync(join(folder, NAME), "the pack's content");
  writeFileSync(join(folder, "two"), "two");
  symlinkSync("/etc/passwd", join(folder, "link"));
  return execFileSync("tar", ["--posix", "-cf", "-", "-P", ...args], { cwd: folder });
}

async function read(archive: Uint8Array, pieceSize = 700): Promise<string> {
  const source = async function* () {
    for (let at = 0; at < archive.length; at += pieceSize) {
      yield await Promise.resolve(archive.subarray(at, at + pieceSize));
    }
  };
  let content = "";
  for await (const piece of onlyMember(new ByteReader(source()), NAME)) content += piece.toString();
  return content;
}

describe("the only member of an archive", () => {
  it.each([1, 100, 512, 100_000])("is read in pieces of %i bytes", async (size) => {
    await expect(read(tar(NAME), size)).resolves.toBe("the pack's content");
  });

  it.each([
    ["another name", ["two"]],
    ["a name that leads outside", ["--transform=s,.*,../../evil,", NAME]],
    ["an absolute name", ["--transform=s,^,/tmp/,", NAME]],
    ["a link", ["--transform=s,link,go-cicd/build.pack,", "link"]],
    ["a folder", ["go-cicd"]],
    ["two files", [NAME, "two"]],
    ["a long name in an extended header", [`--transform=s,.*,${"x".repeat(300)},`, NAME]],
  ])("is refused when the archive holds %s", async (_, args) => {
    await expect(read(tar(...args))).rejects.toThrow(PackError);
  });

  it("is refused with an altered header or cut off anywhere before its end", async () => {
    const archive = tar(NAME);
    const header = archive.indexOf(NAME, archive.indexOf(NAME, 0) + 600) > 0 ? 1024 : 0;
    for (let at = header; at < header + 512; at += 7) {
      const altered = Buffer.from(archive);
      altered[at] = (altered[at] ?? 0) ^ 0x15;
      await expect(read(altered)).rejects.toThrow(PackError);
    }
    const length = archive.indexOf("the pack's content") + 512 + 1023;
    for (const cut of [0, 1, 511, 512, 1300, length]) {
      await expect(read(archive.subarray(0, cut))).rejects.toThrow(PackError);
    }
  });
});
