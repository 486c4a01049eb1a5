import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Outcome } from "@go-cicd/core/action.ts";
import { messageOf } from "@go-cicd/core/errors.ts";
import {
  IMAGE_ARTIFACT_PREFIX,
  IMAGE_REPORT_FILE,
  type ImageReport,
} from "@go-cicd/core/image-report.ts";
import type { InputsOf } from "@go-cicd/core/inputs.ts";
import { JOB_FOLDER } from "@go-cicd/core/names.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { hexOf } from "@go-cicd/oci/digest.ts";
import { formatLayout, formatReference, nameOf } from "@go-cicd/oci/reference.ts";
import { platformName } from "@go-cicd/oci/spec.ts";
import { build } from "./build.ts";
import type { inputs as spec, outputs } from "./inputs.ts";
import { makePlan } from "./plan.ts";
import { pushImage } from "./push.ts";
import { checkLogin, decidePush } from "./push-decision.ts";
import { megabytes, summaryOf } from "./summary.ts";

type Inputs = InputsOf<typeof spec>;

/** Builds the image, keeps it as an OCI layout and pushes it where that was asked for. */
export async function main(inputs: Inputs, ports: Ports): Promise<Outcome<typeof outputs>> {
  const started = ports.clock.now();
  const plan = await ports.timeline.phase("find main packages", () => makePlan(inputs, ports));
  checkLogin(inputs, plan.references);
  const decision = await decidePush(inputs, plan.references, ports);
  ports.log.info(
    `Building ${plan.main.importPath} for ${plan.platforms.map(platformName).join(", ")}.`,
  );
  const built = await build(plan, { buildTags: inputs.buildTags, ldflags: inputs.ldflags }, ports);
  const { root, images } = built;
  for (const { report } of images) {
    ports.log.info(
      `${report.platform}: ${megabytes(report.imageBytes)} (binary ${megabytes(report.binaryBytes)}), ${report.digest}`,
    );
  }
  const refs = plan.references.map(formatReference);
  let push: ImageReport["push"] = null;
  if (decision.push) {
    push = await ports.timeline.phase("push image", async (phase) => {
      const result = await pushImage(plan.layout, root, plan.references, inputs, ports);
      phase.count("requests", result.requests);
      phase.count("uploaded bytes", result.uploadedBytes);
      phase.count("reused bytes", result.reusedBytes);
      return result;
    });
    for (const ref of refs) ports.log.info(`Pushed ${ref}@${root.digest}`);
  } else {
    ports.log.info(`Not pushed: ${decision.why}. The image is the OCI layout ${plan.layout}.`);
  }
  const pushedName = plan.references[0] ?? plan.name;
  const image = decision.push
    ? `${nameOf(pushedName)}@${root.digest}`
    : formatLayout(plan.layout, root.digest);
  const report: ImageReport = {
    version: 1,
    image,
    digest: root.digest,
    tags: decision.push ? refs : [],
    commit: ports.context.sha,
    main: plan.main.importPath,
    platforms: images.map((one) => one.report),
    totalMs: Math.round(ports.clock.now() - started),
    push,
  };
  await ports.summary.add(summaryOf(report));
  await publish(report, ports);
  return {
    outputs: {
      image,
      digest: root.digest,
      digests: JSON.stringify(
        Object.fromEntries(images.map((one) => [one.platform, one.descriptor.digest])),
      ),
      tags: refs.join("\n"),
      imageid: images.length === 1 ? (images[0]?.configDigest ?? root.digest) : root.digest,
      metadata: JSON.stringify({
        "containerimage.descriptor": {
          mediaType: root.mediaType,
          digest: root.digest,
          size: root.size,
        },
        "containerimage.digest": root.digest,
        "image.name": refs.join(","),
      }),
    },
  };
}

/** The report for later jobs; a run without an artifact service still has its outputs. */
async function publish(report: ImageReport, ports: Ports): Promise<void> {
  const folder = join(ports.context.temp, JOB_FOLDER, "image-report");
  const file = join(folder, IMAGE_REPORT_FILE);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
  } catch (error) {
    // The image is where it should be.
    ports.log.warning(`The image report could not be written: ${messageOf(error)}`);
    return;
  }
  const hex = hexOf(report.digest as `sha256:${string}`).slice(0, 12);
  const result = await ports.artifacts.upload(`${IMAGE_ARTIFACT_PREFIX}${hex}`, [file], folder);
  if (result.kind === "unavailable") {
    ports.log.info(`The image report stays on this machine (${file}): ${result.detail}`);
  }
}
