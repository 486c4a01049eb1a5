import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { parse } from "yaml";
import { pipelineJobs, type Shape } from "./jobs.ts";

const root = join(import.meta.dirname, "../../../..");

function shape(changes: Partial<Shape> = {}): Shape {
  return {
    root,
    workingDirectory: ".",
    main: "./cmd/orders",
    registry: undefined,
    images: "/images",
    service: { target: "/target", port: 8080, health: "/healthz", version: "/version" },
    pushgateway: undefined,
    report: "/report",
    previous: undefined,
    environment: "local",
    ...changes,
  };
}

const ids = (changes?: Partial<Shape>): string[] =>
  pipelineJobs(shape(changes)).map(({ plan }) => plan.id);

describe("pipelineJobs", () => {
  it("walks the whole way for a service whose broken release is known", () => {
    expect(ids()).toEqual(["ci", "deploy", "broken", "report"]);
  });

  it("leaves out what does not apply", () => {
    const foreign = { target: "/t", port: 1, health: "/up", version: undefined };
    expect(ids({ service: foreign })).toEqual(["ci", "deploy", "report"]);
    expect(ids({ service: undefined })).toEqual(["ci", "report"]);
    expect(ids({ main: undefined, service: undefined })).toEqual(["ci", "report"]);
    const [ci] = pipelineJobs(shape({ main: undefined }));
    expect(ci?.plan.steps.map(({ id }) => id)).not.toContain("image");
  });

  it("pushes to a registry when there is one", () => {
    const [ci] = pipelineJobs(shape({ registry: "127.0.0.1:5000/acme/orders" }));
    const image = ci?.plan.steps.find(({ id }) => id === "image");
    expect(image?.with).toMatchObject({
      push: "true",
      registry: "127.0.0.1:5000",
      "image-name": "127.0.0.1:5000/acme/orders",
    });
  });

  it("gives no door an input that it does not declare", () => {
    const jobs = [
      ...pipelineJobs(shape({ workingDirectory: "svc", previous: "/p", pushgateway: "http://p" })),
      ...pipelineJobs(shape({ registry: "r:1/n" })),
    ];
    for (const { action, with: given = {} } of jobs.flatMap(({ plan }) => plan.steps)) {
      const manifest = parse(readFileSync(join(action, "action.yml"), "utf8")) as {
        inputs: Record<string, unknown>;
      };
      for (const name of Object.keys(given)) {
        expect(`${basename(action)}: ${Object.keys(manifest.inputs).join(" ")}`).toContain(name);
        expect(Object.keys(manifest.inputs)).toContain(name);
      }
    }
  });

  it("refers only to outputs that the step before declares", () => {
    for (const { plan } of pipelineJobs(shape())) {
      const doors = new Map(plan.steps.map(({ id, action }) => [id, action]));
      const text = JSON.stringify(plan);
      for (const [, id, output] of text.matchAll(/steps\.([\w-]+)\.outputs\.([\w-]+)/g)) {
        const manifest = parse(readFileSync(join(doors.get(id) ?? "", "action.yml"), "utf8")) as {
          outputs: Record<string, unknown>;
        };
        expect(Object.keys(manifest.outputs)).toContain(output);
      }
    }
  });
});
