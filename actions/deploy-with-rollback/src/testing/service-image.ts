import { writeImage, writeIndex } from "@go-cicd/oci/image.ts";
import { writeLayer } from "@go-cicd/oci/layer.ts";
import { LayoutWriter } from "@go-cicd/oci/layout.ts";
import { formatLayout } from "@go-cicd/oci/reference.ts";
import { hostPlatform } from "@go-cicd/oci/source.ts";

/** What a service of the tests does once it is started. */
export type Conduct =
  | "well"
  /** 500 on its health check. */
  | "sick"
  /** Writes to standard error and ends with status 3. */
  | "crash"
  /** Runs and never listens. */
  | "mute"
  /** Well for two questions, then 500. */
  | "turns-sick"
  /** Well for two questions, then ends. */
  | "turns-dead"
  /** Ignores SIGTERM. */
  | "stubborn";

/** The program: a script of this very Node, since a unit test has no compiler. */
function program(conduct: Conduct, version: string): string {
  return `#!${process.execPath}
const { createServer } = require("node:http");
const conduct = ${JSON.stringify(conduct)};
console.log("starts as " + conduct, "with", process.argv.slice(2).join("|"));
if (process.env.CANARY) console.log("the canary is " + process.env.CANARY);
if (conduct === "crash") { console.error("panic: no database"); process.exit(3); }
if (conduct === "mute") setInterval(() => {}, 1000);
if (conduct === "stubborn") process.on("SIGTERM", () => console.log("no"));
let asked = 0;
if (conduct !== "mute") createServer((request, response) => {
  if (request.url === "/healthz") asked++;
  const turned = asked > 2;
  if (conduct === "turns-dead" && turned) process.exit(1);
  if (request.url === "/version") return response.end(JSON.stringify({ version: ${JSON.stringify(version)} }));
  response.statusCode = conduct === "sick" || (conduct === "turns-sick" && turned) ? 500 : 200;
  response.end(conduct + " " + process.env.CANARY);
}).listen(Number(process.env.PORT), "127.0.0.1");
`;
}

/**
 * Writes an image with such a service into the layout at `path` and returns it as the doors spell
 * it.
 */
export function serviceImage(
  path: string,
  conduct: Conduct,
  version: string,
  platform = hostPlatform(),
): Promise<string> {
  return programImage(path, Buffer.from(program(conduct, version)), platform);
}

/** The same of any program. */
export async function programImage(
  path: string,
  content: Uint8Array,
  platform = hostPlatform(),
): Promise<string> {
  const layout = await LayoutWriter.create(path);
  const layer = await writeLayer(layout, [
    { name: "app", type: "folder", mode: 0o755 },
    { name: "app/service", type: "file", mode: 0o755, content },
    { name: "bin", type: "symlink", target: "/app", mode: 0o777 },
  ]);
  const image = await writeImage(layout, {
    platform,
    container: {
      Entrypoint: ["/bin/service", "--flag"],
      Cmd: ["it's", "a $(touch /tmp/x) b"],
      Env: ["FROM_IMAGE=1"],
      WorkingDir: "/app",
    },
    layers: [{ ...layer, what: "service" }],
    createdSeconds: 0,
    annotations: {},
  });
  const index = await writeIndex(layout, [image.descriptor], {});
  await layout.finish(index, "service");
  return formatLayout(path, index.digest);
}
