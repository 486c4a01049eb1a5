import type { StepResult } from "../contract/step.ts";
import { bytes } from "../screen/units.ts";

type Outputs = Readonly<Record<string, string>>;

/** One line that says what came of a step, from its outputs. */
export function resultLine(door: string, stage: string, result: StepResult): string {
  if (stage === "post") return "";
  const line = LINES[door]?.(result.outputs) ?? "";
  if (line !== "") return line;
  return result.conclusion === "success" ? "done" : result.conclusion;
}

const LINES: Record<string, (outputs: Outputs) => string> = {
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
    const counts = ["passed", "failed", "skipped"]
      .filter((name) => outputs[name] !== undefined && (name === "passed" || outputs[name] !== "0"))
      .map((name) => `${outputs[name] ?? ""} ${name}`);
    const cached = Number(outputs["cached"] ?? "0");
    if (cached > 0) counts.push(`${cached} packages cached`);
    return [outputs["verdict"], ...counts].join(" · ");
  },
  "build-image": (outputs) => {
    if (outputs["digest"] === undefined) return "";
    const platforms = Object.keys(object(outputs["digests"]) ?? {});
    return `${platforms.join(", ")} · ${outputs["digest"].slice(0, 19)}`;
  },
  "deploy-with-rollback": (outputs) => {
    if (outputs["result"] === undefined) return "";
    const because = outputs["reason"] === "ok" ? "" : ` (${outputs["reason"] ?? ""})`;
    const serving =
      outputs["result"] === "rolled-back"
        ? `${outputs["previous-release"] ?? ""} serves again`
        : (outputs["release"] ?? "");
    return `${outputs["result"]}${because} · ${serving}`;
  },
  "annotate-deploy": (outputs) => {
    const sinks = array(outputs["sinks"]) ?? [];
    const said = sinks.map(({ sink, result }) => `${String(sink)} ${String(result)}`);
    return outputs["verdict"] ?? said.join(" · ");
  },
};

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
