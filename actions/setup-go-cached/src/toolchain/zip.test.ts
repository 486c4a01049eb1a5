import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { sampleZip, sha256 } from "./sample-zip.ts";
import { unpackZip } from "./zip.ts";

function archive(content: Uint8Array): string {
  const path = join(tempFolder(), "x.zip");
  writeFileSync(path, content);
  return path;
}

const all = (name: string): string => name;

describe("a zip archive", () => {
  it("is unpacked, with the sum of each file", async () => {
    const folder = join(tempFolder(), "out");
    const path = archive(
      sampleZip([
        ["go/bin/go", "program"],
        ["go/VERSION", "go1.26.3"],
        ["go/test/x", "left out"],
        ["go/empty", ""],
      ]),
    );
    const place = (name: string): string | undefined =>
      name.includes("/test/") ? undefined : name.replace("go/", "root/");
    const sums = await unpackZip(path, folder, place);
    expect(Object.fromEntries(sums)).toEqual({
      "go/bin/go": sha256("program"),
      "go/VERSION": sha256("go1.26.3"),
      "go/empty": sha256(""),
    });
    expect(readFileSync(join(folder, "root/bin/go"), "utf8")).toBe("program");
    expect(readdirSync(join(folder, "root")).sort()).toEqual(["VERSION", "bin", "empty"]);
  });

  it("can come from another program, with folders and stored files", async () => {
    const source = tempFolder();
    mkdirSync(join(source, "go/bin"), { recursive: true });
    writeFileSync(join(source, "go/bin/go.exe"), "x".repeat(100_000));
    writeFileSync(join(source, "go/VERSION"), "go1.26.3\n");
    const script = [
      "import sys,zipfile,os",
      "z=zipfile.ZipFile(sys.argv[1],'w')",
      "os.chdir(sys.argv[2])",
      "z.write('go');z.write('go/VERSION')",
      "z.write('go/bin/go.exe',compress_type=zipfile.ZIP_DEFLATED)",
      "z.comment=b'PK of a comment'",
      "z.close()",
    ].join("\n");
    const path = join(tempFolder(), "x.zip");
    execFileSync("python3", ["-c", script, path, source]);
    const folder = tempFolder();
    expect([...(await unpackZip(path, folder, all)).keys()].sort()).toEqual([
      "go/VERSION",
      "go/bin/go.exe",
    ]);
    expect(readFileSync(join(folder, "go/bin/go.exe"), "utf8")).toHaveLength(100_000);
  });

  it.each([
    ["../out", /"\.\.\/out" is not allowed/],
    ["go/../../out", /is not allowed/],
    ["/etc/out", /is not allowed/],
    ["C:/out", /is not allowed/],
    ["go\\..\\out", /is not allowed/],
    ["go//out", /is not allowed/],
    ["go/\nout", /is not allowed/],
    // Windows reads these without their ends.
    ["go/.. /out", /is not allowed/],
    ["go/bin/go.exe.", /is not allowed/],
  ])("with the name %j is refused before anything is written", async (name, why) => {
    const folder = tempFolder();
    const path = archive(
      sampleZip([
        ["go/first", "x"],
        [name, "y"],
      ]),
    );
    await expect(unpackZip(path, folder, all)).rejects.toThrow(why);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ["is no archive", Buffer.from("nothing of the kind"), /no directory/],
    ["is empty", Buffer.alloc(0), /no directory/],
    ["is cut", sampleZip([["a", "x".repeat(1000)]]).subarray(0, 40), /no directory/],
    ["counts wrongly", sampleZip([["a", "x"]], { count: 2 }), /not whole/],
    ["lies of a size", sampleZip([["a", "x"]], { size: 5 }), /1 bytes, not 5/],
    ["is a bomb", sampleZip([["a", "x".repeat(1e6)]], { size: 5 }), /cannot be inflated/],
    ["says that it is one", sampleZip([["a", "x"]], { size: 3e9 }), /it holds 3000000000 bytes/],
    ["is packed otherwise", sampleZip([["a", "x"]], { method: 12 }), /packed by method 12/],
    ["has a name twice", sampleZip([["a", "x"], ["a", "y"]]), /there twice/], // prettier-ignore
  ])("that %s is refused", async (_, content, why) => {
    await expect(unpackZip(archive(content), tempFolder(), all)).rejects.toThrow(why);
  });

  it("does not write over what is there", async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, "a"), "mine");
    const path = archive(sampleZip([["a", "theirs"]]));
    await expect(unpackZip(path, folder, all)).rejects.toThrow(/EEXIST/);
    expect(readFileSync(join(folder, "a"), "utf8")).toBe("mine");
    expect(existsSync(path)).toBe(true);
  });
});
