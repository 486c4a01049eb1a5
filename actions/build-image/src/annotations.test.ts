import { describe, expect, test } from "@jest/globals";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { scriptedProcesses } from "@go-cicd/core/testing/processes.ts";
import { commitAnnotations, readTexts } from "./annotations.ts";

describe("labels and annotations", () => {
  test("go where their level says", () => {
    expect(
      readTexts(
        ["a=b", "url=https://example.com/?x=1"],
        ["m=1", "manifest:n=2", "index:o=3", "index,manifest:p=4", "org.example/q:r=5=6"],
        [],
      ),
    ).toEqual({
      labels: { a: "b", url: "https://example.com/?x=1" },
      manifest: { m: "1", n: "2", p: "4", "org.example/q:r": "5=6" },
      index: { o: "3", p: "4" },
    });
  });

  test("that are wrong are all named", () => {
    const problems: string[] = [];
    readTexts(["a", "=b", "good=c"], ["c", "index-descriptor:d=e"], problems);
    expect(problems.join("\n")).toMatch(
      /^labels: "a".*\nlabels: "=b".*\nannotations: "c".*\nannotations: "index-descriptor.*$/,
    );
  });

  const processes = scriptedProcesses([{ match: ["git"], exit: { stdout: "1767323045\n" } }]);

  test("of the commit follow from it", async () => {
    const ports = fakePorts({ processes, context: { ref: "refs/tags/v1.2.3" } });
    expect(await commitAnnotations(ports, ports.context.workspace)).toEqual({
      "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
      "org.opencontainers.image.revision": "0123456789abcdef0123456789abcdef01234567",
      "org.opencontainers.image.source": "https://github.com/acme/orders",
      "org.opencontainers.image.version": "1.2.3",
    });
  });

  test("outside a repository there are none", async () => {
    const ports = fakePorts({ processes, context: { sha: "", repository: "" } });
    expect(await commitAnnotations(ports, "/")).toEqual({});
  });

  test("without git there is no date", async () => {
    const none = scriptedProcesses([{ match: ["git"], exit: { kind: "not-found" } }]);
    const ports = fakePorts({ processes: none });
    expect(Object.keys(await commitAnnotations(ports, "/"))).toEqual([
      "org.opencontainers.image.revision",
      "org.opencontainers.image.source",
    ]);
  });
});
