// What every user's job downloads with any door: the exported tarball. Claim: at most 4 MB.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../scripts/toolchain.mjs";

const LIMIT = 4e6;

export function run() {
  const folder = mkdtempSync(join(tmpdir(), "tarball-"));
  try {
    const archive = join(folder, "export.tar.gz");
    execFileSync("git", ["archive", "--format=tar.gz", `--output=${archive}`, "HEAD"], {
      cwd: root,
    });
    const size = (file) => Number(execFileSync("stat", ["-c", "%s", file], { encoding: "utf8" }));
    const total = size(archive);
    console.log(
      `exported tarball  ${(total / 1e6).toFixed(2)} MB${total <= LIMIT ? "  ok" : "  OVER 4 MB"}`,
    );
    execFileSync("tar", ["-xzf", archive, "-C", folder]);
    for (const name of readdirSync(join(folder, "dist")).sort()) {
      const part = join(folder, "part.tar.gz");
      execFileSync("tar", ["-czf", part, "-C", join(folder, "dist"), name]);
      console.log(`  dist/${name.padEnd(22)} ${(size(part) / 1e6).toFixed(2)} MB`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
