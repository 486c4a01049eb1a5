import { statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { ActionError } from "@go-cicd/core/errors.ts";
import { type InputsOf, invalidInputs } from "@go-cicd/core/inputs.ts";
import { JOB_FOLDER } from "@go-cicd/core/names.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { Reference } from "@go-cicd/oci/reference.ts";
import { parsePlatform, type Platform, platformName } from "@go-cicd/oci/spec.ts";
import { readTexts, type Texts } from "./annotations.ts";
import { eventTags } from "./event-tags.ts";
import { buildEnvironment, checkGoflags, flagProblems } from "./go-command.ts";
import { imageName, references, registryHost } from "./image-name.ts";
import type { inputs as spec } from "./inputs.ts";
import { chooseMain, findMainPackages, type MainPackage } from "./main-packages.ts";

/** Everything that is decided before the first compiler starts. */
export interface Plan {
  cwd: string;
  main: MainPackage;
  platforms: readonly Platform[];
  texts: Texts;
  name: Reference;
  references: readonly Reference[];
  /** Folder of the OCI layout. */
  layout: string;
  /** Of the image's config: seconds since the epoch. */
  createdSeconds: number;
}

/**
 * Decides from inputs and repository what is built and what it is called.
 * @throws ActionError `input` with all problems that can be seen without the repository, `repository`
 */
export async function makePlan(inputs: InputsOf<typeof spec>, ports: Ports): Promise<Plan> {
  const { context, env } = ports;
  const problems: string[] = [];
  const cwd = resolve(context.workspace, inputs.workingDirectory);
  if (!isFolder(cwd)) problems.push(`working-directory: there is no folder ${cwd}`);
  const platforms = readPlatforms(inputs.platforms, ports, problems);
  problems.push(...flagProblems({ buildTags: inputs.buildTags, ldflags: inputs.ldflags }));
  const texts = readTexts(inputs.labels, inputs.annotations, problems);
  const layout =
    inputs.output === undefined
      ? join(context.temp, JOB_FOLDER, "image")
      : resolve(context.workspace, inputs.output);
  if (!isAbsolute(layout) || layout === resolve(context.workspace)) {
    problems.push(`output must be a folder of its own, not ${layout}`);
  }
  if (inputs.username !== undefined && inputs.password === undefined) {
    problems.push("username needs password");
  }
  gather(problems, () => registryHost(inputs.registry));
  if (problems.length > 0) throw invalidInputs(problems);
  checkGoflags(env);
  const seconds = createdSeconds(env["SOURCE_DATE_EPOCH"]);

  const found = await findMainPackages(ports, cwd, inputs.buildTags);
  const main = chooseMain(found, inputs.main, cwd);
  const name = imageName({
    imageName: inputs.imageName,
    registry: inputs.registry,
    repository: context.repository,
    main,
    oneOfSeveral: found.length > 1,
  });
  const tags = inputs.tags.length > 0 ? inputs.tags : eventTags(context);
  return {
    cwd,
    main,
    platforms,
    texts,
    name,
    references: references(name, tags.length > 0 ? tags : ["latest"]),
    layout,
    createdSeconds: seconds,
  };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function readPlatforms(texts: readonly string[], ports: Ports, problems: string[]): Platform[] {
  return [...new Set(texts)].flatMap((text): Platform[] => {
    const platform = gather(problems, () => {
      const parsed = parsePlatform(text);
      // Says what Go cannot target before anything is compiled.
      buildEnvironment(ports.env, parsed);
      return parsed;
    });
    if (platform === undefined) return [];
    if (platform.os === "linux") return [platform];
    problems.push(`platforms: only linux images can be built, not ${platformName(platform)}`);
    return [];
  });
}

/** The value, or its problem among the others. */
function gather<T>(problems: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    const message = error.message.replace(/^Invalid inputs:\n- /, "");
    problems.push(error.hint === undefined ? message : `${message}. ${error.hint}`);
    return undefined;
  }
}

/** reproducible-builds.org/specs/source-date-epoch; 0 without it, so that time reaches no digest. */
function createdSeconds(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new ActionError("environment", `SOURCE_DATE_EPOCH is not a number of seconds: ${text}`);
}
