const ARCHIVE = "!<arch>\n";
const MEMBER_HEADER = 60;
/** cmd/internal/goobj, the same since Go 1.20. */
const OBJECT = "\0go120ld";
/** Magic, fingerprint and flags; the offsets of the blocks follow, of which the first is Autolib. */
const OFFSETS_AT = OBJECT.length + 8 + 4;
/** Where a string is (length and offset, 4 bytes each), and a fingerprint. */
const IMPORT_BYTES = 4 + 4 + 8;

/** Bytes from the start of an output that tell whether it is the archive of a main package. */
export const HEAD_BYTES = 512;

/**
 * Whether an output of the build cache is the archive of a main package: the text before its export
 * data says so on a line of its own (cmd/compile/internal/gc, printObjHeader).
 */
export function isMainArchive(head: Buffer): boolean {
  const text = head.toString("latin1");
  return text.startsWith(ARCHIVE) && /^go object .*\n(build id .*\n)?main\n\n/m.test(text);
}

/**
 * The package whose tests a main package runs, known by what it imports; undefined for every other
 * main package. The go command writes that main package for each `go test` (cmd/go/internal/load,
 * testmainTmpl).
 */
export function testedPackage(archive: Buffer): string | undefined {
  const imports = importsOf(archive);
  if (imports?.includes("testing/internal/testdeps") !== true) return undefined;
  const tested = imports.filter(
    (path) => !/^(os|reflect|testing|runtime|internal)($|\/)/.test(path) && path !== "main",
  );
  const [only, ...others] = tested;
  if (only === undefined) return undefined;
  // `p` and, for tests in a package of their own, `p_test`.
  const shortest = tested.reduce((a, b) => (b.length < a.length ? b : a), only);
  return others.length === 0 ? shortest.replace(/_test$/, "") : shortest;
}

/** Paths of the packages that the Go object in an archive imports directly. */
function importsOf(archive: Buffer): string[] | undefined {
  for (let at = ARCHIVE.length; at + MEMBER_HEADER <= archive.length;) {
    const header = archive.toString("latin1", at, at + MEMBER_HEADER);
    const size = Number(header.slice(48, 58));
    if (!Number.isSafeInteger(size) || size < 0) return undefined;
    at += MEMBER_HEADER;
    if (header.startsWith("_go_.o")) {
      const member = archive.subarray(at, at + size);
      const start = member.indexOf(OBJECT, 0, "latin1");
      return start < 0 ? undefined : importsOfObject(member.subarray(start));
    }
    at += size + (size % 2);
  }
  return undefined;
}

function importsOfObject(object: Buffer): string[] | undefined {
  if (object.length < OFFSETS_AT + 8) return undefined;
  const end = object.readUInt32LE(OFFSETS_AT + 4);
  const imports: string[] = [];
  for (let at = object.readUInt32LE(OFFSETS_AT); at < end; at += IMPORT_BYTES) {
    if (at + IMPORT_BYTES > object.length) return undefined;
    const length = object.readUInt32LE(at);
    const offset = object.readUInt32LE(at + 4);
    imports.push(object.toString("utf8", offset, offset + length));
  }
  return imports;
}
