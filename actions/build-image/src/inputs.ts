import type { OutputSpec } from "@go-cicd/core/action.ts";
import type { InputSpec } from "@go-cicd/core/inputs.ts";
import { list, oneOf, secret, text } from "@go-cicd/core/inputs.ts";

/** Names are docker/build-push-action's and docker/login-action's where the meaning is the same. */
export const inputs = {
  "working-directory": text({
    description: "Folder of the Go module, relative to the workspace.",
    default: ".",
  }),
  main: text({
    description:
      "The main package to build: its folder (`./cmd/orders`) or import path. The only one by default.",
  }),
  platforms: list({
    description: "Platforms to build for, such as `linux/amd64` or `linux/arm/v7`.",
    default: "linux/amd64,linux/arm64",
    commas: true,
  }),
  push: oneOf(["auto", "true", "false"], {
    description:
      "Whether to push. `auto` pushes on events that may (no pull request) when there are credentials for the registry, or when `registry` is on this machine.",
    default: "auto",
  }),
  tags: list({
    description:
      "Full references (`ghcr.io/acme/orders:v1`) or bare tags (`v1`) for the image's own name. By default from the event: branch, commit, pull request, version and `latest`.",
    commas: true,
  }),
  "image-name": text({
    description:
      "Name without tag, such as `ghcr.io/acme/orders`. By default the registry and the repository's name, lower-case.",
  }),
  registry: text({
    description:
      "Registry host for the default name and for the credentials; `ghcr.io` by default.",
  }),
  username: text({
    description: "User of the registry; with only a password, the actor of the run.",
  }),
  password: secret({
    description:
      "Password or token of the registry, such as the token of the job for ghcr.io. Without it, the credentials of the Docker configuration are used.",
  }),
  labels: list({
    description: "Labels of the image, `name=value`, one a line.",
  }),
  annotations: list({
    description:
      "Annotations, `name=value`, one a line; `index:name=value` for the index, `manifest:` (the default) for each platform.",
  }),
  "build-tags": list({
    description: "Go build tags.",
    commas: true,
  }),
  ldflags: text({
    description:
      "More linker flags, such as `-X main.version=1.2.3`. Allowed: -s, -w, -X, -B, -buildid, -compressdwarf.",
  }),
  output: text({
    description:
      "Folder for the OCI layout, relative to the workspace. `$RUNNER_TEMP/go-cicd/image` by default.",
  }),
} satisfies InputSpec;

export const outputs = {
  image: "`name@sha256:…` when pushed, else `oci-layout:<path>@sha256:…`.",
  digest: "Digest of the index.",
  digests: "JSON: platform to digest of its manifest.",
  tags: "References the image was pushed under, one a line; those it would get when it was not pushed.",
  imageid: "Digest of the image's config; of the index when there are several platforms.",
  metadata: "JSON as docker/build-push-action has it: digest, descriptor, image name.",
} satisfies OutputSpec;
