/** Flags of `go test` that change what is tested or how, and nothing else. */
const ALLOWED: Readonly<Record<string, "flag" | "value">> = {
  short: "flag",
  failfast: "flag",
  msan: "flag",
  asan: "flag",
  trimpath: "flag",
  benchmem: "flag",
  run: "value",
  skip: "value",
  bench: "value",
  benchtime: "value",
  count: "value",
  cpu: "value",
  parallel: "value",
  p: "value",
  shuffle: "value",
  vet: "value",
  mod: "value",
  buildvcs: "value",
};

/** Why a flag is refused; anything else that is not allowed is refused without a story. */
const REFUSED: Readonly<Record<string, string>> = {
  toolexec: "it would run any program in place of the compiler",
  exec: "it would run any program in place of the tests",
  overlay: "it would test sources that are not in the repository",
  modfile: "it would test with a go.mod that is not the module's",
  ldflags: "it can call any program as the linker",
  gcflags: "it changes the compiler for every package; set GOFLAGS in the workflow if it must be",
  gccgoflags: "it can call any program",
  compiler: "only the gc toolchain is supported",
  args: "it ends the flags, and what follows would not be checked",
  c: "it compiles without running the tests",
  o: "it writes a file and may not run the tests",
  n: "it prints commands without running the tests",
  list: "it lists tests without running them",
  fuzz: "fuzzing takes one package and one target at a time; seeds run with the tests anyway",
  json: "the action sets it itself",
  v: "the action sets it itself through -json",
  fullpath: "the action sets it itself",
  race: "use the input race",
  tags: "use the input tags",
  timeout: "use the input timeout",
  C: "use the input working-directory",
  coverprofile: "coverage is not collected by this action",
  cover: "coverage is not collected by this action",
  outputdir: "profiles are not collected by this action",
  work: "it leaves folders behind",
};

const VALUES: Readonly<Record<string, RegExp>> = {
  mod: /^(readonly|vendor)$/,
  count: /^[1-9]\d{0,5}$/,
  p: /^[1-9]\d{0,3}$/,
  parallel: /^[1-9]\d{0,3}$/,
};

/** Why `flag` may not be given, or undefined when it may. One flag, `-name` or `-name=value`. */
export function testFlagProblem(flag: string): string | undefined {
  const match = /^--?([A-Za-z][\w.]*)(?:=([^\r\n\0]*))?$/.exec(flag);
  if (match === null) return "is not a flag; write one a line, as -name or -name=value";
  const name = (match[1] ?? "").replace(/^test\./, "");
  const value = match[2];
  const kind = Object.hasOwn(ALLOWED, name) ? ALLOWED[name] : undefined;
  if (kind === undefined) {
    const reason = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
    return `is refused: ${reason ?? `it is not one of ${Object.keys(ALLOWED).join(", ")}`}`;
  }
  if (kind === "value" && (value === undefined || value === "")) {
    return `needs its value in the same line: -${name}=…`;
  }
  if (kind === "flag" && value !== undefined && !/^(true|false)$/.test(value)) {
    return "takes true or false";
  }
  const allowed = VALUES[name];
  if (value !== undefined && allowed?.test(value) === false) return `does not take ${value} here`;
  return undefined;
}
