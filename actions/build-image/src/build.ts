import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { ActionError, isSystemError, messageOf } from "@go-cicd/core/errors.ts";
import { JOB_FOLDER } from "@go-cicd/core/names.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { bounded } from "@go-cicd/oci/bounded.ts";
import { writeIndex } from "@go-cicd/oci/image.ts";
import { LayoutWriter } from "@go-cicd/oci/layout.ts";
import { type Descriptor, platformName } from "@go-cicd/oci/spec.ts";
import { commitAnnotations } from "./annotations.ts";
import { assemble, type PlatformResult, writeBase } from "./assemble.ts";
import { compile } from "./compile.ts";
import { type BuildFlags, buildsAtOnce } from "./go-command.ts";
import type { Plan } from "./plan.ts";

/** An image that stands in the plan's layout. */
export interface Built {
  /** Of the index. */
  root: Descriptor;
  /** In the order of the plan's platforms. */
  images: PlatformResult[];
}

/**
 * Compiles and lays down all platforms: one is archived while another is linked.
 * @throws ActionError `repository` when it does not compile, `environment` when the disk refuses
 */
export async function build(plan: Plan, flags: BuildFlags, ports: Ports): Promise<Built> {
  try {
    return await buildAll(plan, flags, ports);
  } catch (cause) {
    if (!isSystemError(cause, "EACCES", "EROFS", "ENOTDIR", "EEXIST", "ENOSPC", "EDQUOT"))
      throw cause;
    throw new ActionError(
      "environment",
      `The image cannot be written to ${plan.layout}: ${messageOf(cause)}`,
      { hint: "Make room, or name a folder that can be written to as `output`.", cause },
    );
  }
}

async function buildAll(plan: Plan, flags: BuildFlags, ports: Ports): Promise<Built> {
  const annotations = await commitAnnotations(ports, plan.cwd);
  await refuseForeignFolder(plan.layout);
  const layout = await LayoutWriter.create(plan.layout);
  const base = writeBase(layout);
  // Awaited by the first platform that is linked.
  base.catch(() => undefined);
  const common = {
    program: plan.main.name,
    labels: plan.texts.labels,
    annotations: plan.texts.manifest,
    createdSeconds: plan.createdSeconds,
  };
  const folder = join(ports.context.temp, JOB_FOLDER, "build");
  const images = await bounded(plan.platforms, buildsAtOnce(), async (platform) => {
    const name = platformName(platform);
    const binary = await ports.timeline.phase(`compile ${name}`, async (phase) => {
      const made = await compile(ports, plan.main, platform, flags, { cwd: plan.cwd, folder });
      phase.count("binary bytes", made.size);
      return made;
    });
    return ports.timeline.phase(`layers ${name}`, async (phase) => {
      const made = await assemble(layout, await base, binary, platform, common);
      phase.count("image bytes", made.report.imageBytes);
      return made;
    });
  });
  const descriptors = images.map((one) => one.descriptor);
  const root = await writeIndex(layout, descriptors, { ...annotations, ...plan.texts.index });
  // Tools find the image by this name: `skopeo inspect oci:<folder>:<tag>`.
  await layout.finish(root, plan.references[0]?.tag ?? "latest");
  return { root, images };
}

/** @throws ActionError `input` when the folder holds something that is no layout */
async function refuseForeignFolder(path: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(path);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return;
    throw error;
  }
  // `blobs` alone is what a build that was ended left behind.
  if (names.includes("oci-layout") || names.every((name) => name === "blobs")) return;
  throw new ActionError("input", `output: ${path} holds files and is no OCI layout`, {
    hint: "Name a new or empty folder, or one that an earlier build wrote.",
  });
}
