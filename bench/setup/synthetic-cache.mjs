// Fills a folder as Go's build cache would be: `node synthetic-cache.mjs FOLDER ENTRIES MEGABYTES`.
// As on a real service, few large outputs hold most of the bytes; they compress about four times.
import { createHash, randomFillSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [folder, entries, megabytes] = process.argv.slice(2);
const count = Number(entries);
const large = Math.ceil(count / 28);
const total = Number(megabytes) * 1e6;
const largeBytes = Math.round((total * 0.8) / large);
const smallBytes = Math.round((total * 0.2) / (count - large));

for (let byte = 0; byte < 256; byte++) {
  mkdirSync(join(folder, byte.toString(16).padStart(2, "0")), { recursive: true });
}
const hex = (text) => createHash("sha256").update(text).digest("hex");
for (let index = 0; index < count; index++) {
  const content = compressible(index % 28 === 0 ? largeBytes : smallBytes);
  const output = hex(content);
  const action = hex(`action ${index} ${output}`);
  const size = String(content.length).padStart(20);
  const time = String(BigInt(Date.now()) * 1_000_000n).padStart(20);
  writeFileSync(join(folder, output.slice(0, 2), `${output}-d`), content);
  writeFileSync(
    join(folder, action.slice(0, 2), `${action}-a`),
    `v1 ${action} ${output} ${size} ${time}\n`,
  );
}

/** A quarter noise, the rest words that come again. */
function compressible(bytes) {
  const content = Buffer.alloc(bytes, "type:.eq.github.com/acme/orders.Line go:string.\0\x05\x11");
  for (let at = 0; at < bytes; at += 4096) {
    randomFillSync(content, at, Math.min(900, bytes - at));
  }
  return content;
}
