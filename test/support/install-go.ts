// One job that installs a toolchain, as a process of its own: it can be killed, and several can run
// at once. `node install-go.ts '<Job as JSON>'`; it prints the GOROOT, or fails with what was said.
import { systemClock } from "@go-cicd/core/adapters/clock.ts";
import { httpClient } from "@go-cicd/core/adapters/http.ts";
import { messageOf } from "@go-cicd/core/errors.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { realProcesses } from "@go-cicd/core/testing/processes.ts";
import { installToolchain } from "../../actions/setup-go-cached/src/toolchain/install.ts";
import { platformFor } from "../../actions/setup-go-cached/src/toolchain/platform.ts";

/** What the process is asked for. */
export interface InstallJob {
  version: string;
  toolCache: string;
  baseUrl: string;
  sha256: string;
}

const [, script = "", text = ""] = process.argv;
if (import.meta.filename === script) {
  const job = JSON.parse(text) as InstallJob;
  const ports = fakePorts({
    clock: systemClock(),
    processes: realProcesses(),
    http: httpClient(systemClock()),
    context: { toolCache: job.toolCache },
  });
  const { version, baseUrl, sha256 } = job;
  const wanted = { kind: "exact", version, text: version } as const;
  try {
    const { goroot, source } = await installToolchain(
      { version, how: undefined, path: undefined },
      { wanted, checkLatest: false, platform: platformFor(undefined), mirror: { baseUrl, sha256 } },
      ports,
    );
    console.log(JSON.stringify({ goroot, source }));
  } catch (error) {
    console.error(messageOf(error));
    process.exitCode = 1;
  }
}
