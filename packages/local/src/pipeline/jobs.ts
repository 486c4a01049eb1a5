import { join } from "node:path";
import type { JobPlan, StepPlan } from "../contract/plan.ts";
import { VERSIONS } from "./broken-release.ts";

/** A job of the pipeline: what the runner runs, and what the pipeline makes of it. */
export interface PipelineJob {
  title: string;
  /** Which sources the job checks out. */
  source: "release" | "broken";
  plan: JobPlan;
  /** Jobs that must have been green; `always` runs the job anyway. */
  needs: readonly string[] | "always";
}

/** What decides which jobs and steps there are. */
export interface Shape {
  /** Folder with the doors. */
  root: string;
  /** Relative to the workspace. */
  workingDirectory: string;
  /** Main package of the image; without one there is no image and no deploy. */
  main: string | undefined;
  /** `host:port[/name]` to push to; else OCI layouts below `images`. */
  registry: string | undefined;
  images: string;
  /** How the service is deployed and judged; without it there is no deploy. */
  service: Service | undefined;
  pushgateway: string | undefined;
  /** Folder for the report, and the data of the run before. */
  report: string;
  previous: string | undefined;
  environment: string;
}

export interface Service {
  /** Folder of the local target. */
  target: string;
  port: number;
  health: string;
  /** Path that answers the version, when the service has one; then the broken release is known. */
  version: string | undefined;
}

/**
 * The pipeline as data: doors, inputs, and references to earlier outputs. The broken release is
 * there only where its source change is known.
 */
export function pipelineJobs(shape: Shape): PipelineJob[] {
  const { service, main } = shape;
  const deploys = service !== undefined && main !== undefined;
  const jobs: PipelineJob[] = [ciJob(shape)];
  if (deploys) jobs.push(deployJob(shape, service));
  if (deploys && service.version !== undefined) jobs.push(brokenJob(shape, service, main));
  jobs.push(reportJob(shape, deploys));
  return jobs;
}

function ciJob(shape: Shape): PipelineJob {
  const { main } = shape;
  const image = main === undefined ? [] : [imageStep(shape, main, "release-1")];
  return {
    title: "Build and test",
    source: "release",
    needs: [],
    plan: {
      id: "ci",
      steps: [
        step(shape, "setup", "setup-go-cached", "set up Go"),
        step(shape, "plan", "go-matrix-test", "plan the tests", { mode: "plan" }),
        step(shape, "test", "go-matrix-test", "run the tests", {
          mode: "run",
          plan: "${{ steps.plan.outputs.plan }}",
        }),
        {
          ...step(shape, "verdict", "go-matrix-test", "report the tests", {
            mode: "report",
            plan: "${{ steps.plan.outputs.plan }}",
          }),
          if: "!cancelled() && steps.plan.outcome == 'success'",
        },
        ...image,
      ],
      outputs: main === undefined ? {} : { image: "${{ steps.image.outputs.image }}" },
    },
  };
}

function deployJob(shape: Shape, service: Service): PipelineJob {
  return {
    title: "Deploy release 1",
    source: "release",
    needs: ["ci"],
    plan: {
      id: "deploy",
      steps: [
        deployStep(shape, service, "${{ needs.ci.outputs.image }}", VERSIONS.good, "deploy"),
        annotateStep(shape),
      ],
      outputs: { url: "${{ steps.deploy.outputs.url }}" },
    },
  };
}

function brokenJob(shape: Shape, service: Service, main: string): PipelineJob {
  return {
    title: "Deploy a broken release",
    source: "broken",
    needs: ["deploy"],
    plan: {
      id: "broken",
      steps: [
        step(shape, "setup", "setup-go-cached", "set up Go"),
        imageStep(shape, main, "release-2"),
        {
          ...deployStep(
            shape,
            service,
            "${{ steps.image.outputs.image }}",
            VERSIONS.broken,
            "deploy and roll back",
          ),
          continueOnError: true,
        },
        annotateStep(shape),
      ],
      outputs: {
        result: "${{ steps.deploy.outputs.result }}",
        release: "${{ steps.deploy.outputs.previous-release }}",
      },
    },
  };
}

function reportJob(shape: Shape, deploys: boolean): PipelineJob {
  return {
    title: deploys ? "Report" : "Report (nothing was deployed)",
    source: "release",
    needs: "always",
    plan: {
      id: "report",
      steps: [
        step(shape, "report", "annotate-deploy", "make the report", {
          mode: "report",
          needs: "${{ toJSON(needs) }}",
          "report-folder": shape.report,
          ...(shape.previous === undefined ? {} : { previous: shape.previous }),
        }),
      ],
      outputs: {
        report: "${{ steps.report.outputs.report }}",
        data: "${{ steps.report.outputs.report-data }}",
      },
    },
  };
}

function imageStep(shape: Shape, main: string, release: string): StepPlan {
  const registry = shape.registry;
  const [host = "", ...name] = registry?.split("/") ?? [];
  return step(shape, "image", "build-image", "build the image", {
    main,
    ...(registry === undefined
      ? { push: "false", output: join(shape.images, release) }
      : {
          push: "true",
          registry: host,
          ...(name.length === 0 ? {} : { "image-name": `${host}/${name.join("/")}` }),
        }),
  });
}

function deployStep(
  shape: Shape,
  service: Service,
  image: string,
  version: string,
  title: string,
): StepPlan {
  return step(shape, "deploy", "deploy-with-rollback", title, {
    target: `local:${service.target}`,
    image,
    environment: shape.environment,
    port: String(service.port),
    "health-path": service.health,
    // A local service answers at once: short waits, and a short wait for the one that never will.
    "health-interval": "200ms",
    "wait-timeout": service.version === undefined ? "30s" : "5s",
    "stable-for": "1s",
    env: "HOST=127.0.0.1",
    ...(service.version === undefined ? {} : { "version-path": service.version, version }),
  });
}

/** Sends what came of the deploy, also of one that was rolled back. */
function annotateStep(shape: Shape): StepPlan {
  return {
    ...step(shape, "annotate", "annotate-deploy", "record the deploy", {
      mode: "finish",
      record: "${{ steps.deploy.outputs.record }}",
      ...(shape.pushgateway === undefined ? {} : { "pushgateway-url": shape.pushgateway }),
    }),
    if: "!cancelled() && steps.deploy.outputs.record != ''",
  };
}

function step(
  shape: Shape,
  id: string,
  door: string,
  name: string,
  inputs: Record<string, string> = {},
): StepPlan {
  const folder =
    shape.workingDirectory === "." || door === "annotate-deploy" || door === "deploy-with-rollback"
      ? {}
      : { "working-directory": shape.workingDirectory };
  return { id, name, action: join(shape.root, door), with: { ...folder, ...inputs } };
}
