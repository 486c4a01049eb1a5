import { flag, list, multiline, secret, size, text, type InputsOf } from "@go-cicd/core/inputs.ts";

export const inputs = {
  "go-version": text({
    description:
      "Go version: exact (`1.26.3`, `1.27rc1`), the newest of a line (`1.26`, `1.26.x`), a range (`>=1.25 <1.27`), `stable` or `oldstable`. Without it and without `go-version-file` the repository's files decide: go.work, go.mod, .go-version, .tool-versions, mise.toml; with none of them at or above the working directory, the highest version of all modules below it.",
  }),
  "go-version-file": text({
    description:
      "File that names the Go version, relative to the workspace: go.work, go.mod, .go-version, .tool-versions or mise.toml. Ignored when `go-version` is given.",
  }),
  "check-latest": flag({
    description:
      "Looks for the newest version that fits, even when one that fits is on the machine already.",
    default: "false",
  }),
  architecture: text({
    description:
      "Processor that the toolchain is built for, in the words of actions/setup-go or of Go: `x64` or `amd64`, `arm64`, `x86` or `386`, `arm`. By default the machine's own. One that is not is downloaded, verified and put on PATH, but not run.",
  }),
  gotoolchain: text({
    description:
      "What later steps see as GOTOOLCHAIN: `local` keeps the version that was set up, `auto` lets a go.mod switch to another one.",
    default: "local",
  }),
  cache: flag({
    description: "Restores and saves modules, build cache and test results.",
    default: "true",
  }),
  "save-if": flag({
    description:
      "Whether this job saves what it may save; in a workflow an expression, such as whether `github.ref_name` is `main`.",
    default: "true",
  }),
  "restore-only": flag({
    description: "Restores and saves nothing, whatever `save-if` says.",
    default: "false",
  }),
  "lookup-only": flag({
    description:
      "Says in the outputs what modules and build cache are there, and neither restores nor saves them.",
    default: "false",
  }),
  "cache-budget": size({
    description:
      "Largest size, before compression, of what is kept of the build cache and of the modules, each. What is beyond it is left out, the largest files first. By default there is no bound but the service's own.",
  }),
  "cache-token": secret({
    description:
      "Token with `actions: write`. With it, entries of this job and branch that the one just saved takes the place of are deleted; without it nothing ever is, and the service evicts what is not used.",
  }),
  "cache-dependency-path": list({
    description:
      "Files whose sums make the key of the modules, as paths or globs relative to the workspace. By default every go.sum outside of vendor and testdata.",
  }),
  "test-cache": flag({
    description:
      "Gives tracked files times that follow from their content, so that `go test` recognises results of earlier runs. Files with uncommitted changes keep theirs.",
    default: "true",
  }),
  "go-download-base-url": text({
    description:
      "Address of a mirror that holds Go's archives under their official names, asked instead of all other download sources. Without `go-download-sha256` it must have what Go itself publishes: the content is checked. The variable GO_DOWNLOAD_BASE_URL takes the place of an absent input.",
  }),
  "go-download-sha256": text({
    description:
      "SHA-256 of the archive that the mirror is asked for, in hex. Needed for a build of your own, which then has a place of its own in the tool cache.",
  }),
  "working-directory": text({
    description: "Folder of the Go module or workspace, relative to the repository.",
    default: ".",
  }),
  tools: list({
    description:
      "Programs to install, one `package@version` a line (`golang.org/x/tools/cmd/stringer@v0.38.0`); lines that begin with `#` are comments. `@latest`, `@v1` or a branch are settled to a version first. They are built once for each minor version of Go, kept in a store of their own, checked when they come back, and put on PATH.",
  }),
  "golangci-lint-cache": flag({
    description:
      "Keeps the cache of golangci-lint (GOLANGCI_LINT_CACHE), keyed by job, Go version and the sums in go.sum.",
    default: "false",
  }),
  private: list({
    description:
      "Patterns of private modules, as GOPRIVATE has them (`github.com/acme/*`), separated by lines or commas. They are added to GOPRIVATE until the end of the job.",
    commas: true,
  }),
  "private-token": secret({
    description:
      "Token with which git may read the repositories of `private`, all on one host. Git finds it in the job's environment until the end of the job; it is written to no configuration.",
  }),
  "problem-matcher": flag({
    description:
      "Turns lines such as `main.go:3:5: undefined: x` of all later steps into annotations, as actions/setup-go does. go-matrix-test annotates by itself, and more exactly.",
    default: "false",
  }),
  matrix: multiline({
    description: "The matrix leg, part of the build cache's key. Leave it as it is.",
    default: "${{ toJSON(matrix) }}",
  }),
  "job-status": text({
    description:
      "How the job went, known at its end: a failed job keeps all of the build cache it was given. Leave it as it is.",
    default: "${{ job.status }}",
  }),
};

export const outputs = {
  "go-version": "Version that was installed, such as 1.26.3.",
  "cache-hit":
    "`true` when modules and build cache were both restored for exactly this job (with `lookup-only`: are there).",
  "modules-hit": "`true` when the modules of exactly these go.sum files were restored.",
  "build-hit": "`true` when the build cache of exactly this job was restored.",
  "modules-matched-key": "Name of the entry that the modules were restored from.",
  "cache-matched-key": "Name of the entry that the build cache was restored from.",
  "restored-bytes": "Bytes that were restored.",
  "tools-hit": "`true` when every program of `tools` came from the cache and passed its check.",
  gocache: "Go's build cache (GOCACHE).",
  gomodcache: "Go's module cache (GOMODCACHE).",
  goroot: "The toolchain's folder.",
};

export type Inputs = InputsOf<typeof inputs>;
