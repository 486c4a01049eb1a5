import type { StepResult } from "../contract/step.ts";
import { bytes } from "../screen/units.ts";
import type { StepFiles } from "./step-files.ts";

type Outputs = Readonly<Record<string, string>>;

/** One line that says what came of a step, from its outputs and the files it left. */
export function resultLine(
  door: string,
  stage: string,
  result: StepResult,
  files: StepFiles,
): string {
  if (stage === "post") return door === "setup-go-cached" ? savedLine(files) : "";
  const line = LINES[door]?.(result.outputs, files) ?? "";
  if (line !== "") return line;
  return result.conclusion === "success" ? "done" : result.conclusion;
}

function savedLine({ saved }: StepFiles): string {
  const done = saved.filter(({ result }) => result === "saved");
  const failed = saved.filter(({ result }) => result === "failed");
  if (failed.length > 0) return `not saved: ${failed.map(({ store }) => store).join(", ")}`;
  if (done.length > 0) return `${bytes(done.reduce((sum, each) => sum + each.bytes, 0))} saved`;
  return saved.length > 0 ? "nothing new to save" : "";
}

const LINES: Record<string, (outputs: Outputs, files: StepFiles) => string> = {
  "setup-go-cached": (outputs) => {
    if (outputs["go-version"] === undefined) return "";
    const restored = Number(outputs["restored-bytes"] ?? "0");
    const hit = (store: string): string =>
      outputs[`${store}-hit`] === "true" ? "hit" : "not exact";
    const caches =
      restored === 0
        ? ["caches empty"]
        : [
            `modules ${hit("modules")}`,
            `build cache ${hit("build")}`,
            `${bytes(restored)} restored`,
          ];
    return [`go ${outputs["go-version"]}`, ...caches].join(" · ");
  },
  "go-matrix-test": (outputs) => {
    if (outputs["verdict"] === undefined) {
      const cells = jobs(outputs["matrix"]);
      return cells === undefined ? "" : `${cells} ${cells === 1 ? "job" : "jobs"}`;
    }
    if (outputs["verdict"] === "pass" && outputs["tests"] === "0") {
      return `pass · no tests in ${packages(outputs)}`;
    }
    const counts = ["passed", "failed", "skipped"]
      .filter((name) => outputs[name] !== undefined && (name === "passed" || outputs[name] !== "0"))
      .map((name) => `${outputs[name] ?? ""} ${name}`);
    const cached = Number(outputs["cached"] ?? "0");
    if (cached > 0) counts.push(`${cached} packages cached`);
    return [outputs["verdict"], ...counts].join(" · ");
  },
  "build-image": (outputs, { imageBytes }) => {
    if (outputs["digest"] === undefined) return "";
    const platforms = Object.keys(object(outputs["digests"]) ?? {}).map((platform) => {
      const size = imageBytes[platform];
      return size === undefined ? platform : `${platform} ${bytes(size)}`;
    });
    return `${platforms.join(", ")} · ${outputs["digest"].slice(0, 19)}`;
  },
  "deploy-with-rollback": (outputs) => {
    if (outputs["result"] === undefined) return "";
    const because = outputs["reason"] === "ok" ? "" : ` (${outputs["reason"] ?? ""})`;
    const where = outputs["url"] ?? "";
    if (outputs["result"] === "deployed" && where !== "") {
      return `deployed, healthy at ${where} · ${outputs["release"] ?? ""}`;
    }
    const serving =
      outputs["result"] === "rolled-back"
        ? `${outputs["previous-release"] ?? ""} serves again`
        : (outputs["release"] ?? "");
    return `${outputs["result"]}${because} · ${serving}`;
  },
  "annotate-deploy": (outputs) => {
    const sinks = array(outputs["sinks"]) ?? [];
    const said = sinks
      .filter(({ result }) => result !== "skipped")
      .map(({ sink, result }) => `${String(sink)} ${String(result)}`);
    return outputs["verdict"] ?? said.join(" · ");
  },
};

function packages(outputs: Outputs): string {
  const count = outputs["packages"] ?? "0";
  return `${count} ${count === "1" ? "package" : "packages"}`;
}

function jobs(matrix: string | undefined): number | undefined {
  const include = object(matrix)?.["include"];
  return Array.isArray(include) ? include.length : undefined;
}

function object(text: string | undefined): Record<string, unknown> | undefined {
  const value = json(text);
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)
    : undefined;
}

function array(text: string | undefined): Record<string, unknown>[] | undefined {
  const value = json(text);
  return Array.isArray(value) ? (value as Record<string, unknown>[]) : undefined;
}

function json(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
