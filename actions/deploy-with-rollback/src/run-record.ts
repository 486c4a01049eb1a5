import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outcome } from "@go-cicd/core/action.ts";
import { ActionError, messageOf } from "@go-cicd/core/errors.ts";
import { JOB_FOLDER } from "@go-cicd/core/names.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { ReleaseRecord } from "@go-cicd/core/record.ts";
import type { outputs } from "./inputs.ts";
import type { TargetPlan } from "./plan.ts";
import { isSuccess, type Verdict } from "./reason.ts";
import { summaryOf } from "./summary.ts";

type Step = ReleaseRecord["steps"][number];

/** Collects what is known of a deploy while it runs. */
export class RunRecord {
  release = "";
  previous: string | undefined;
  serving: string | undefined;
  image: ReleaseRecord["image"] = { reference: "", digest: "", platforms: {} };
  /** Epoch milliseconds of the switch, of the verdict, of the end of the way back. */
  switchedAt: number | undefined;
  judgedAt: number | undefined;
  restoredAt: number | undefined;
  /** The service's last words, for the summary. */
  evidence = "";
  url: string | undefined;
  readonly steps: Step[] = [];
  readonly started: number;
  readonly #plan: TargetPlan;
  readonly #ports: Ports;

  constructor(plan: TargetPlan, ports: Ports, started = ports.clock.now()) {
    this.#plan = plan;
    this.#ports = ports;
    this.started = started;
  }

  /** Runs one step of the deploy: timed, in the timeline and in the record. */
  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    const step: Step = { name, start: this.#ports.clock.now(), end: 0, ok: false, detail: "" };
    this.steps.push(step);
    try {
      const result = await this.#ports.timeline.phase(name, work);
      step.ok = true;
      return result;
    } finally {
      step.end = this.#ports.clock.now();
    }
  }

  build({ result, reason, detail }: Verdict): ReleaseRecord {
    const { context, clock } = this.#ports;
    const { kind, service, environment, target } = this.#plan;
    const span = (from: number | undefined, to: number | undefined): number | null =>
      from === undefined || to === undefined ? null : to - from;
    return {
      version: 1,
      release: this.release,
      previousRelease: this.previous ?? null,
      serving: this.serving ?? null,
      service,
      environment,
      target,
      commit: context.sha,
      repository: context.repository,
      runId: context.runId,
      runAttempt: context.runAttempt,
      image: this.image,
      kind,
      result,
      reason,
      detail,
      times: {
        started: this.started,
        finished: clock.now(),
        detectMs: span(this.switchedAt, this.judgedAt),
        restoreMs: span(this.judgedAt, this.restoredAt),
      },
      steps: this.steps,
    };
  }

  /** Writes record, summary and artifact, and makes the step's outcome of the verdict. */
  async conclude(verdict: Verdict): Promise<Outcome<typeof outputs>> {
    const record = this.build(verdict);
    const path = await this.#kept(record);
    const { result, reason, detail } = verdict;
    const outcome: Outcome<typeof outputs> = {
      outputs: {
        result,
        reason,
        release: this.release,
        "previous-release": this.previous ?? "",
        ...(path === undefined ? {} : { record: path }),
        ...(this.url === undefined ? {} : { url: this.url }),
      },
    };
    await this.#ports.summary.add(summaryOf(record, this.evidence, this.url));
    if (path !== undefined) await this.#upload(record, path);
    if (isSuccess(this.#plan.kind, result)) {
      this.#ports.log.info(`${result}: ${detail}`);
      return outcome;
    }
    const hint = this.#hint(verdict);
    return {
      ...outcome,
      failure: new ActionError(
        "deploy",
        `${headline(record)}: ${detail}`,
        hint === undefined ? {} : { hint },
      ),
    };
  }

  #hint({ result, reason }: Verdict): string | undefined {
    if (result === "rollback-failed") {
      return `The target is left as it is. Look at ${this.#plan.folder}/.deploy/logs; the next deploy, or \`mode: recover\`, tries again.`;
    }
    if (reason === "locked") return "Wait for it, or serialise deploys with `concurrency:`.";
    if (reason === "port-taken") return "Free the port, or give another one as `port`.";
    return undefined;
  }

  /** A target that is whole is not told as a failed deploy for want of its record. */
  async #kept(record: ReleaseRecord): Promise<string | undefined> {
    try {
      return await this.#write(record);
    } catch (error) {
      this.#ports.log.warning(`The release record could not be written: ${messageOf(error)}`);
      return undefined;
    }
  }

  async #write(record: ReleaseRecord): Promise<string> {
    const base = this.#ports.context.temp === "" ? tmpdir() : this.#ports.context.temp;
    const folder = join(base, JOB_FOLDER, "release", `${record.release}-${record.kind}`);
    await mkdir(folder, { recursive: true });
    const path = join(folder, "record.json");
    await writeFile(path, `${JSON.stringify(record, null, 2)}\n`);
    return path;
  }

  async #upload(record: ReleaseRecord, path: string): Promise<void> {
    // A cancelled step has no time for it.
    if (this.#ports.signal.aborted) return;
    const suffix = record.kind === "deploy" ? "" : `-${record.kind}`;
    const name = `go-cicd-release-${record.release}${suffix}`;
    const result = await this.#ports.artifacts.upload(name, [path], join(path, ".."));
    switch (result.kind) {
      case "uploaded":
        return;
      case "exists":
        this.#ports.log.debug(`Artifact ${name} is there already.`);
        return;
      case "unavailable":
        this.#ports.log.info(
          `The release record stays on this machine (${path}): no artifact could be written (${result.detail}).`,
        );
    }
  }
}

function headline({ release, serving, result }: ReleaseRecord): string {
  const serves = serving === null ? "nothing serves now" : `${serving} serves`;
  switch (result) {
    case "rolled-back":
      return `Release ${release} was rolled back, ${serves} and is verified`;
    case "rollback-failed":
      return `Release ${release} failed, AND THE ROLLBACK FAILED`;
    case "refused":
      return "The deploy was refused, nothing was changed";
    case "inconclusive":
      return `Release ${release} was interrupted; the job's end finishes it`;
    case "failed":
      return `Release ${release} failed, ${serves}`;
    case "deployed":
    case "unchanged":
      return `Release ${release}`;
  }
}
