import { invalidInputs } from "@go-cicd/core/inputs.ts";
import type { Environment } from "@go-cicd/core/process.ts";
import type { Wanted } from "../version/wanted.ts";
import { mirrorProblems, type Mirror } from "./mirror.ts";
import { platformFor, type Platform } from "./platform.ts";

/** What is wanted, and from where it may come. */
export interface ToolchainRequest {
  wanted: Wanted;
  /** What asks for it, for messages: `go.mod (go line)`. */
  source?: string;
  checkLatest: boolean;
  platform: Platform;
  mirror: Mirror | undefined;
  /** Go's own downloads; another address in tests. */
  downloads?: string;
}

interface ToolchainInputs {
  readonly checkLatest: boolean;
  readonly architecture: string | undefined;
  readonly gotoolchain: string;
  readonly goDownloadBaseUrl: string | undefined;
  readonly goDownloadSha256: string | undefined;
}

/** What GOTOOLCHAIN may be (https://go.dev/doc/toolchain#select). */
const GOTOOLCHAIN = /^(local|auto|path|(go\d[\w.-]*)(\+(auto|path))?|local\+(auto|path))$/;

/**
 * The part of a request that the inputs decide. `GO_DOWNLOAD_BASE_URL` takes the place of an absent
 * `go-download-base-url`, as in actions/setup-go.
 * @throws ActionError `input` with every problem.
 */
export function toolchainRequest(
  inputs: ToolchainInputs,
  env: Environment,
): Omit<ToolchainRequest, "wanted" | "source"> {
  const baseUrl = inputs.goDownloadBaseUrl ?? (env["GO_DOWNLOAD_BASE_URL"] || undefined);
  const sha256 = inputs.goDownloadSha256;
  const problems = mirrorProblems(baseUrl, sha256);
  if (!GOTOOLCHAIN.test(inputs.gotoolchain)) {
    problems.push(
      `gotoolchain must be local, auto, path, a toolchain such as go1.26.3, or one of them with +auto or +path, not ${JSON.stringify(inputs.gotoolchain)}`,
    );
  }
  if (problems.length > 0) throw invalidInputs(problems);
  return {
    checkLatest: inputs.checkLatest,
    platform: platformFor(inputs.architecture),
    mirror: baseUrl === undefined ? undefined : { baseUrl, sha256 },
  };
}
