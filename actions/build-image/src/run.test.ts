import { describe, expect, test } from "@jest/globals";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { httpClient } from "@go-cicd/core/adapters/http.ts";
import { parseImageReport } from "@go-cicd/core/image-report.ts";
import type { Command } from "@go-cicd/core/process.ts";
import { testClock } from "@go-cicd/core/testing/clock.ts";
import { inputsOf } from "@go-cicd/core/testing/inputs.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { scriptedProcesses } from "@go-cicd/core/testing/processes.ts";
import { extractLayers } from "@go-cicd/oci/extract.ts";
import { openLayout } from "@go-cicd/oci/layout.ts";
import { parseImageLocation } from "@go-cicd/oci/reference.ts";
import { selectPlatform } from "@go-cicd/oci/source.ts";
import { parsePlatform } from "@go-cicd/oci/spec.ts";
import { testRegistry } from "@go-cicd/oci/testing/registry.ts";
import { inputs as spec } from "./inputs.ts";
import { main } from "./run.ts";

const inputs = (given: Parameters<typeof inputsOf<typeof spec>>[1] = {}) => inputsOf(spec, given);

/** A go command that knows one program and "links" it from its platform. */
function goCommand({ mains = ["cmd/orders"], broken = "" } = {}) {
  return scriptedProcesses([
    { match: ["go", "env"], exit: ({ cwd }) => ({ stdout: `\n${cwd}/go.mod\n` }) },
    {
      match: ["go", "list"],
      exit: ({ cwd }) => ({
        stdout: mains.map((name) => `example.com/acme/orders/${name}\t${cwd}/${name}\n`).join("\n"),
      }),
    },
    {
      match: ["go", "build"],
      exit: ({ args, env }: Command) => {
        if (env["GOARCH"] === broken) {
          return { code: 1, stderr: "# x\ncmd/orders/main.go:7:2: undefined: missing\n" };
        }
        const output = args[args.indexOf("-o") + 1] ?? "";
        writeFileSync(output, `binary for ${env["GOARCH"] ?? ""}`);
        return { code: 0, durationMs: 1234 };
      },
    },
    { match: ["git"], exit: { stdout: "1767323045\n" } },
  ]);
}

describe("building an image", () => {
  test("makes a layout whose programs are those that were linked", async () => {
    const ports = fakePorts({ processes: goCommand() });
    const { outputs } = await main(inputs(), ports);
    const location = parseImageLocation(outputs.image ?? "");
    if (location.kind !== "layout") throw new Error("the image is in a layout");
    const layout = await openLayout(location.path);
    const digests = JSON.parse(outputs.digests ?? "") as Record<string, string>;
    for (const name of ["linux/amd64", "linux/arm64"]) {
      const image = await selectPlatform(layout, layout.root(location.digest), parsePlatform(name));
      expect(image.descriptor.digest).toBe(digests[name]);
      const folder = join(ports.root, name);
      await extractLayers(layout, image, folder);
      const [program = ""] = image.config.config?.Entrypoint ?? [];
      expect(readFileSync(join(folder, program), "utf8")).toBe(`binary for ${name.slice(6)}`);
      expect(readFileSync(join(folder, "etc/passwd"), "utf8")).toContain("nonroot:x:65532:65532");
      expect(readFileSync(join(folder, "etc/ssl/certs/ca-certificates.crt"), "utf8")).toMatch(
        /^-----BEGIN CERTIFICATE-----\n[\s\S]+-----END CERTIFICATE-----\n$/,
      );
      expect(image.config).toMatchObject({
        created: "1970-01-01T00:00:00Z",
        config: { User: "65532:65532", WorkingDir: "/home/nonroot" },
      });
    }
    expect(outputs.tags).toBe("ghcr.io/acme/orders:main\nghcr.io/acme/orders:sha-0123456");
    expect(outputs.imageid).toBe(outputs.digest);
    expect(ports.log.messages("info").join("\n")).toContain(
      "Not pushed: there are no credentials for ghcr.io.",
    );
  });

  test("reports what it made, in the summary and for later jobs", async () => {
    const ports = fakePorts({ processes: goCommand() });
    const { outputs } = await main(inputs({ platforms: "linux/amd64" }), ports);
    const [artifact] = ports.artifacts.all;
    expect(artifact?.name).toBe(`go-cicd-image-${outputs.digest?.slice(7, 19) ?? ""}`);
    const file = join(ports.artifacts.folderOf(artifact?.name ?? ""), "image.json");
    const report = parseImageReport(readFileSync(file, "utf8"));
    expect(report).toMatchObject({ digest: outputs.digest, push: null, tags: [] });
    expect(report.platforms).toMatchObject([
      {
        platform: "linux/amd64",
        binaryBytes: 16,
        buildMs: 1234,
        layers: [{ what: "base" }, { what: "binary" }],
      },
    ]);
    expect(ports.summary.blocks.join("\n")).toContain("| linux/amd64 | 0.0 kB |");
    expect(ports.timeline.phases.map(({ phase }) => phase)).toEqual([
      "find main packages",
      "compile linux/amd64",
      "layers linux/amd64",
    ]);
    expect(outputs.imageid).not.toBe(outputs.digest);
  });

  test("gives the same digest for the same commit in another folder, run and on another day", async () => {
    const one = await main(inputs(), fakePorts({ processes: goCommand() }));
    const other = await main(
      inputs({ platforms: "linux/amd64\nlinux/arm64" }),
      fakePorts({ processes: goCommand(), context: { runId: "2", actor: "somebody" } }),
    );
    expect(other.outputs.digest).toBe(one.outputs.digest);
  });

  test("of another commit keeps the digests of its platforms", async () => {
    const one = await main(inputs(), fakePorts({ processes: goCommand() }));
    const other = await main(
      inputs(),
      fakePorts({ processes: goCommand(), context: { sha: "f".repeat(40) } }),
    );
    expect(other.outputs.digests).toBe(one.outputs.digests);
    expect(other.outputs.digest).not.toBe(one.outputs.digest);
  });

  test("twice in one job keeps both images, and the tag names the second", async () => {
    const ports = fakePorts({ processes: goCommand() });
    const one = await main(inputs(), ports);
    const two = await main(inputs({ labels: "a=b" }), ports);
    const layout = await openLayout(join(ports.context.temp, "go-cicd", "image"));
    const named = layout.index.manifests.filter((entry) => entry.annotations !== undefined);
    expect(layout.index.manifests.map(({ digest }) => digest)).toEqual([
      one.outputs.digest,
      two.outputs.digest,
    ]);
    expect(named.map(({ digest }) => digest)).toEqual([two.outputs.digest]);
  });

  test("takes SOURCE_DATE_EPOCH, and says when it is none", async () => {
    const env = { SOURCE_DATE_EPOCH: "86400" };
    const { outputs } = await main(inputs(), fakePorts({ processes: goCommand(), env }));
    expect(outputs.digest).toMatch(/^sha256:/);
    const wrong = fakePorts({ processes: goCommand(), env: { SOURCE_DATE_EPOCH: "today" } });
    await expect(main(inputs(), wrong)).rejects.toThrow("SOURCE_DATE_EPOCH is not");
  });

  test("that does not compile annotates the line", async () => {
    const ports = fakePorts({ processes: goCommand({ broken: "arm64" }) });
    await expect(main(inputs(), ports)).rejects.toMatchObject({
      code: "repository",
      message: /does not compile for linux\/arm64:\n# x\ncmd\/orders\/main.go:7:2: undefined/,
    });
    expect(ports.log.entries.filter(({ level }) => level === "error")).toMatchObject([
      { message: "undefined: missing", place: { file: "cmd/orders/main.go", line: 7, column: 2 } },
    ]);
  });

  test.each<[string, Parameters<typeof inputs>[0], string]>([
    ["a platform", { platforms: "linux" }, "is not a platform"],
    ["another system", { platforms: "windows/amd64" }, "only linux images"],
    ["a variant", { platforms: "linux/arm/v9" }, "does not build for"],
    ["a main package", { main: "./cmd/x" }, "is no main package"],
    ["linker flags", { ldflags: "-extld=x" }, "ldflags"],
    ["a tag", { tags: "UPPER/case" }, "lower-case"],
    [
      "everything",
      { platforms: "x,linux/arm/v9", ldflags: "-o x", labels: "a", username: "u" },
      "- username needs password",
    ],
    ["a folder", { "working-directory": "none" }, "working-directory: there is no folder"],
    ["a registry", { registry: "a/b" }, "registry must be a host"],
    ["an output", { output: "." }, "a folder of its own"],
    [
      "credentials",
      { password: "p", registry: "quay.io", tags: "ghcr.io/a/b:c" },
      "are for quay.io",
    ],
  ])("with %s that is wrong says so before it compiles", async (_, given, message) => {
    const ports = fakePorts({ processes: goCommand() });
    await expect(main(inputs(given), ports)).rejects.toThrow(message);
    expect(ports.processes.lines().some((line) => line.startsWith("go build"))).toBe(false);
  });

  test("refuses an output folder that holds other things", async () => {
    const ports = fakePorts({ processes: goCommand() });
    mkdirSync(join(ports.context.workspace, "mine"));
    writeFileSync(join(ports.context.workspace, "mine", "file"), "x");
    await expect(main(inputs({ output: "mine" }), ports)).rejects.toThrow("is no OCI layout");
  });

  test("says when the layout cannot be written", async () => {
    const ports = fakePorts({ processes: goCommand() });
    writeFileSync(join(ports.context.workspace, "file"), "x");
    await expect(main(inputs({ output: "file/image" }), ports)).rejects.toMatchObject({
      code: "environment",
      message: /cannot be written to/,
    });
  });

  test("on a machine without room says so, and blames no line", async () => {
    const [list, modules] = [
      ["go", "list"],
      ["go", "env"],
    ];
    const stderr = "main.go:1:1: x\nwrite $WORK/b001: no space left on device\n";
    const processes = scriptedProcesses([
      { match: modules, exit: { stdout: "\n/w/go.mod\n" } },
      { match: list, exit: ({ cwd }) => ({ stdout: `example.com/x\t${cwd}\n` }) },
      { match: ["go", "build"], exit: { code: 1, stderr } },
      { match: ["git"], exit: { code: 1 } },
    ]);
    const ports = fakePorts({ processes });
    await expect(main(inputs(), ports)).rejects.toMatchObject({ code: "environment" });
    expect(ports.log.messages("error")).toEqual([]);
  });

  test("without a go on PATH names the remedy", async () => {
    const processes = scriptedProcesses([{ match: ["go"], exit: { kind: "not-found" } }]);
    await expect(main(inputs(), fakePorts({ processes }))).rejects.toMatchObject({
      code: "environment",
      hint: /setup-go-cached/,
    });
  });
});

describe("pushing the image", () => {
  test("to a registry that wants a login, under all tags, and to a second repository by mounts", async () => {
    const login = { username: "octocat", password: "hunter2" };
    await using server = await testRegistry({ auth: { kind: "token", ...login } });
    const http = httpClient(testClock());
    const ports = fakePorts({ processes: goCommand(), http });
    const tags = `v1,latest,${server.host}/acme/mirror:v1`;
    const { outputs } = await main(inputs({ registry: server.host, ...login, tags }), ports);
    expect(outputs.image).toBe(`${server.host}/acme/orders@${outputs.digest ?? ""}`);
    expect([...server.tags.keys()].sort()).toEqual([
      "acme/mirror:v1",
      "acme/orders:latest",
      "acme/orders:v1",
    ]);
    expect(new Set(server.tags.values())).toEqual(new Set([outputs.digest]));
    const report = ports.summary.blocks.join("\n");
    expect(report).toContain("there already");
    expect(JSON.stringify([outputs, ports.log.entries, ports.summary.blocks])).not.toContain(
      "hunter2",
    );
    const mounts = server.requests.filter(({ query }) => query.has("mount"));
    expect(mounts.length).toBeGreaterThan(0);
  });

  test("that fails leaves no tag and says what to do", async () => {
    await using server = await testRegistry({
      auth: { kind: "basic", username: "a", password: "b" },
    });
    const ports = fakePorts({ processes: goCommand(), http: httpClient(testClock()) });
    const given = { registry: server.host, push: "true" };
    await expect(main(inputs(given), ports)).rejects.toMatchObject({
      code: "network",
      hint: /password/,
    });
    expect(server.tags.size).toBe(0);
  });
});
