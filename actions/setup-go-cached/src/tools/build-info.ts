/** What a Go program says of its own making (debug/buildinfo, as `go version -m` prints it). */
export interface BuildInfo {
  /** `go1.26.3` */
  go: string;
  /** The package that was built. */
  path: string;
  module: string;
  version: string;
  /** `h1:…`; empty where there is none. */
  sum: string;
  goos: string;
  goarch: string;
}

/** What a program has to say to be taken. */
export interface Expected {
  path: string;
  version: string;
  /** `1.26` */
  minor: string;
  goos: string;
  goarch: string;
}

/**
 * Reads what `go version -m` prints for one file: `<file>: go1.26.3`, then lines of fields that
 * begin with a tab. Undefined where it is no Go program.
 */
export function parseBuildInfo(text: string): BuildInfo | undefined {
  const [head = "", ...lines] = text.split(/\r?\n/);
  const go = /: (?:devel )?(go\S+)/.exec(head)?.[1];
  if (go === undefined) return undefined;
  const fields = lines.map((line) => line.split("\t").slice(1));
  const field = (name: string): string[] => fields.find(([kind]) => kind === name) ?? [];
  const setting = (name: string): string =>
    fields
      .find(([kind, value = ""]) => kind === "build" && value.startsWith(`${name}=`))?.[1]
      ?.slice(name.length + 1) ?? "";
  const [, path = ""] = field("path");
  const [, module = "", version = "", sum = ""] = field("mod");
  return { go, path, module, version, sum, goos: setting("GOOS"), goarch: setting("GOARCH") };
}

/** Whether a program is of another list of tools, or not what it was saved as. */
export type Mismatch = { kind: "other" | "wrong"; detail: string };

/**
 * Compares what a program says with what is wanted; undefined when it fits. The sum is compared
 * later, since it has to be asked for.
 */
export function mismatch(info: BuildInfo | undefined, wanted: Expected): Mismatch | undefined {
  if (info === undefined) return { kind: "wrong", detail: "it is no Go program" };
  const other = (detail: string): Mismatch => ({ kind: "other", detail });
  if (info.path !== wanted.path) return other(`it was built from ${info.path || "no package"}`);
  if (info.version !== wanted.version) return other(`it is ${info.version || "of no version"}`);
  if (minorOf(info.go) !== wanted.minor) return other(`it was built by ${info.go}`);
  if (info.goos !== wanted.goos || info.goarch !== wanted.goarch) {
    return other(`it is for ${info.goos}/${info.goarch}`);
  }
  if (!isBelow(wanted.path, info.module)) {
    return { kind: "wrong", detail: `it names the module ${info.module || "(none)"}` };
  }
  return undefined;
}

/** `go1.26.3` → `1.26` */
export function minorOf(version: string): string {
  return /^(?:go)?(\d+\.\d+)/.exec(version)?.[1] ?? version;
}

/** Whether a package path can belong to a module path. */
export function isBelow(path: string, module: string): boolean {
  return module !== "" && (path === module || path.startsWith(`${module}/`));
}
