import { ActionError } from "@go-cicd/core/errors.ts";

/** The system that a toolchain is for, in Go's words and in those of the tool cache. */
export interface Platform {
  /** `linux`, `darwin`, `windows`. */
  goos: string;
  /** `amd64`, `arm64`, `386`, `arm` … */
  goarch: string;
  /** Last folder of its place in the tool cache: `x64`, `arm64`, `x86` … */
  toolArch: string;
  /** Whether it is this machine's own, so that its programs can be run here. */
  native: boolean;
}

/** One processor: Go's name, the tool cache's, and what else users call it. */
interface Processor {
  goarch: string;
  tool: string;
  names: readonly string[];
}

/**
 * Node's names come first, since @actions/tool-cache uses them for its folders; `x32` means 386 to
 * actions/setup-go (src/system.ts).
 */
const PROCESSORS: readonly Processor[] = [
  { goarch: "amd64", tool: "x64", names: ["x86_64", "x86-64"] },
  { goarch: "arm64", tool: "arm64", names: ["aarch64"] },
  { goarch: "386", tool: "x86", names: ["ia32", "i386", "x32"] },
  { goarch: "arm", tool: "arm", names: ["armv6l", "armv7l"] },
  { goarch: "ppc64le", tool: "ppc64", names: [] },
  { goarch: "s390x", tool: "s390x", names: [] },
  { goarch: "riscv64", tool: "riscv64", names: [] },
  { goarch: "loong64", tool: "loong64", names: [] },
];

/**
 * The platform for the input `architecture`; this machine's own when that is absent.
 * @throws ActionError `input` when it is no processor's name.
 */
export function platformFor(
  architecture: string | undefined,
  machine: { platform: string; arch: string } = process,
): Platform {
  const own = processor(machine.arch) ?? {
    goarch: machine.arch,
    tool: machine.arch,
    names: [],
  };
  const wanted = architecture === undefined ? own : processor(architecture);
  if (wanted === undefined) {
    throw new ActionError(
      "input",
      `architecture: ${JSON.stringify(architecture)} is no architecture of Go`,
      {
        hint: `Allowed are ${PROCESSORS.map(({ tool, goarch }) => pair(tool, goarch)).join(", ")}.`,
      },
    );
  }
  return {
    goos: machine.platform === "win32" ? "windows" : machine.platform,
    goarch: wanted.goarch,
    toolArch: wanted.goarch === own.goarch ? machine.arch : wanted.tool,
    native: wanted.goarch === own.goarch,
  };
}

function pair(one: string, other: string): string {
  return one === other ? one : `${one} (${other})`;
}

function processor(name: string): Processor | undefined {
  const lower = name.toLowerCase();
  return PROCESSORS.find(
    ({ goarch, tool, names }) => goarch === lower || tool === lower || names.includes(lower),
  );
}

/** `linux-amd64`, as in the names of toolchains. */
export function platformName({ goos, goarch }: Platform): string {
  return `${goos}-${goarch}`;
}

/** Name of an archive by Go's convention: `go1.26.3.linux-amd64.tar.gz`. */
export function archiveName(version: string, { goos, goarch }: Platform): string {
  // Its downloads name the oldest processor that an arm build runs on.
  const arch = goarch === "arm" && goos === "linux" ? "armv6l" : goarch;
  return `go${version}.${goos}-${arch}.${goos === "windows" ? "zip" : "tar.gz"}`;
}

/** File name of a program. */
export function programName(name: string, { goos }: Pick<Platform, "goos">): string {
  return goos === "windows" ? `${name}.exe` : name;
}
