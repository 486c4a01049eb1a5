import { createHash } from "node:crypto";
import { crc32, deflateRawSync } from "node:zlib";

/** How a sample differs from what a sound archive has. */
interface Flaw {
  /** Size that the directory says, for every file. */
  size?: number;
  method?: number;
  /** Entries that the directory's end counts. */
  count?: number;
}

/** A zip archive for tests: deflated files in the order given. */
export function sampleZip(
  files: readonly (readonly [name: string, content: string])[],
  flaw: Flaw = {},
): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of files) {
    const content = Buffer.from(text);
    const packed = deflateRawSync(content);
    const path = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flaw.method ?? 8, 4);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(flaw.size ?? content.length, 18);
    common.writeUInt16LE(path.length, 22);
    const local = Buffer.concat([Buffer.from("PK\u0003\u0004"), common, path, packed]);
    const entry = Buffer.concat([
      Buffer.from("PK\u0001\u0002\u0014\u0000"),
      common,
      Buffer.alloc(14),
      path,
    ]);
    entry.writeUInt32LE(offset, 42);
    parts.push(local);
    directory.push(entry);
    offset += local.length;
  }
  const end = Buffer.alloc(22);
  end.write("PK\u0005\u0006", "latin1");
  end.writeUInt16LE(flaw.count ?? files.length, 8);
  end.writeUInt16LE(flaw.count ?? files.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

/** SHA-256 in hex. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
