import type { ImageReport } from "@go-cicd/core/image-report.ts";
import { escapeMarkdown, markdownTable } from "@go-cicd/core/summary.ts";

/** The step's summary: what was made, how large it is and where it went. */
export function summaryOf(report: ImageReport): string {
  const rows = report.platforms.map((one) => [
    one.platform,
    megabytes(one.binaryBytes),
    one.layers.map(({ what, size }) => `${what} ${megabytes(size)}`).join(", "),
    megabytes(one.imageBytes),
    `\`${one.digest.slice("sha256:".length, "sha256:".length + 12)}\``,
    seconds(one.buildMs),
  ]);
  const head = ["Platform", "Binary", "Layers (compressed)", "Image", "Digest", "Build"];
  return [
    `### Image of ${escapeMarkdown(report.main)}`,
    "",
    markdownTable(head, rows),
    "",
    `\`${report.image}\``,
    ...pushed(report),
  ].join("\n");
}

function pushed({ push, tags }: ImageReport): string[] {
  if (push === null) return ["", "Not pushed: the image is an OCI layout on the runner."];
  return [
    "",
    `Pushed in ${seconds(push.ms)} with ${push.requests} requests: ` +
      `${megabytes(push.uploadedBytes)} sent, ${megabytes(push.reusedBytes)} there already.`,
    "",
    ...tags.map((tag) => `- \`${tag}\``),
  ];
}

/** Decimal megabytes, as registries show them. */
export function megabytes(bytes: number): string {
  return bytes < 100_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
