import type { ImageReport } from "@go-cicd/core/image-report.ts";
import type { InputsOf } from "@go-cicd/core/inputs.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { openLayout, LayoutWriter } from "@go-cicd/oci/layout.ts";
import { pushImage as pushTo } from "@go-cicd/oci/push.ts";
import type { Reference } from "@go-cicd/oci/reference.ts";
import { Repository } from "@go-cicd/oci/registry.ts";
import type { Descriptor } from "@go-cicd/oci/spec.ts";
import { byRepository } from "./image-name.ts";
import type { inputs as spec } from "./inputs.ts";
import { credentialsFor } from "./push-decision.ts";

/** Pushes the image of a layout under all references, each repository once. */
export async function pushImage(
  path: string,
  root: Descriptor,
  references: readonly Reference[],
  inputs: InputsOf<typeof spec>,
  ports: Ports,
): Promise<NonNullable<ImageReport["push"]>> {
  const started = ports.clock.now();
  const layout = await openLayout(path);
  const blobs = await LayoutWriter.create(path);
  const done: Reference[] = [];
  const total = { requests: 0, uploadedBytes: 0, reusedBytes: 0 };
  for (const group of byRepository(references).values()) {
    const [first] = group;
    if (first === undefined) continue;
    const { registry, repository } = first;
    const target = new Repository({
      registry,
      repository,
      access: "push",
      // What was pushed to this registry a moment ago need not be sent again.
      mountFrom: done.find((one) => one.registry === registry)?.repository,
      http: ports.http,
      clock: ports.clock,
      credentials: await credentialsFor(registry, inputs, ports),
      mask: (secret) => ports.log.mask(secret),
      signal: ports.signal,
    });
    const tags = group.map((one) => one.tag ?? "latest");
    const moved = await pushTo(layout, root, (digest) => blobs.blob(digest), target, tags);
    total.requests += target.requests;
    total.uploadedBytes += moved.uploadedBytes;
    total.reusedBytes += moved.reusedBytes;
    done.push(first);
  }
  const registries = [...new Set(references.map(({ registry }) => registry))].join(", ");
  return { registry: registries, ...total, ms: Math.round(ports.clock.now() - started) };
}
