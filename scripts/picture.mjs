// `npm run picture`: the report of a real run as docs/report.png, by a headless Chromium on PATH.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./toolchain.mjs";

const profile = mkdtempSync(join(tmpdir(), "picture-"));
try {
  const said = execFileSync(process.execPath, [join(root, "scripts/start.mjs")], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const report = said.trim().split("\n").at(-1);
  execFileSync(
    "chromium",
    [
      ...["--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
      // Chromium's own sandbox does not work for root.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      `--user-data-dir=${profile}`,
      "--window-size=1200,1130",
      `--screenshot=${join(root, "docs/report.png")}`,
      `file://${report}`,
    ],
    { stdio: ["ignore", "ignore", "ignore"], timeout: 60_000 },
  );
  console.log(`docs/report.png, from ${report}`);
} finally {
  rmSync(profile, { recursive: true, force: true });
}
