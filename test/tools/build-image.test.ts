// build-image with a real go, and its images in the hands of tools that know nothing of us:
// docker-registry, skopeo, umoci, and the kernel.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { systemClock } from "@go-cicd/core/adapters/clock.ts";
import { httpClient } from "@go-cicd/core/adapters/http.ts";
import { inputsOf } from "@go-cicd/core/testing/inputs.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { realProcesses } from "@go-cicd/core/testing/processes.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { extractLayers } from "@go-cicd/oci/extract.ts";
import { openLayout } from "@go-cicd/oci/layout.ts";
import { parseImageLocation } from "@go-cicd/oci/reference.ts";
import { Repository } from "@go-cicd/oci/registry.ts";
import { hostPlatform, selectPlatform } from "@go-cicd/oci/source.ts";
import { platformName } from "@go-cicd/oci/spec.ts";
import { inputs as spec } from "../../actions/build-image/src/inputs.ts";
import { main } from "../../actions/build-image/src/run.ts";
import { freePort, type LocalRegistry, startRegistry } from "../support/local-registry.ts";
import { requirePart } from "../support/real-parts.ts";

const go = requirePart("go");
const skopeo = requirePart("skopeo");
const umoci = requirePart("umoci");
const dockerRegistry = requirePart("docker-registry");

/** Runs where the parts are there; says in its name which are not. */
function needs(parts: Record<string, string | undefined>) {
  const missing = Object.keys(parts).filter((name) => parts[name] === undefined);
  return (name: string, work: () => void | Promise<void>): void => {
    if (missing.length === 0) test(name, work);
    else test.skip(`${name} (no ${missing.join(", ")})`, work);
  };
}

jest.setTimeout(300_000);

/** The machine's own caches and settings: a build of the test downloads nothing it has. */
function goEnvironment(): Record<string, string> {
  if (go === undefined) return {};
  const names = ["GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOTOOLCHAIN"];
  const values = execFileSync(go, ["env", ...names], { encoding: "utf8" }).split("\n");
  return Object.fromEntries(names.map((name, at) => [name, values[at] ?? ""]));
}

function realPorts(env: Record<string, string> = {}) {
  return fakePorts({
    processes: realProcesses(),
    http: httpClient(systemClock()),
    clock: systemClock(),
    env: { ...goEnvironment(), ...env },
  });
}

type Given = Parameters<typeof inputsOf<typeof spec>>[1];

function build(files: Record<string, string>, given: Given = {}, env: Record<string, string> = {}) {
  const ports = realPorts(env);
  for (const [name, content] of Object.entries(files)) {
    const path = join(ports.context.workspace, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, content);
  }
  return { ports, outcome: () => main(inputsOf(spec, given), ports) };
}

const HELLO = {
  "go.mod": "module example.com/acme/hello\n\ngo 1.24\n",
  "main.go": 'package main\n\nimport "os"\n\nfunc main() { os.Stdout.WriteString("hello\\n") }\n',
};

/** The example service, built once for the machine's platform and for another one. */
let orders: { layout: string; digest: string; platforms: Record<string, string> };
let registry: LocalRegistry | undefined;

beforeAll(async () => {
  if (go !== undefined) {
    const ports = realPorts();
    cpSync("examples/orders", ports.context.workspace, { recursive: true });
    const { outputs } = await main(inputsOf(spec, { tags: "v1" }), ports);
    const location = parseImageLocation(outputs.image ?? "");
    if (location.kind !== "layout") throw new Error("not pushed, so in a layout");
    const platforms = JSON.parse(outputs.digests ?? "") as Record<string, string>;
    orders = { layout: location.path, digest: outputs.digest ?? "", platforms };
  }
  if (dockerRegistry !== undefined) registry = await startRegistry(dockerRegistry, tempFolder());
}, 300_000);

afterAll(async () => registry?.close());

const output = (file: string | undefined, args: string[]) =>
  execFileSync(file ?? "", args, { encoding: "utf8" });

describe("an image of a real service", () => {
  needs({ go })("holds a static program without commit, folder and symbols", async () => {
    const rootfs = await unpacked();
    const info = output(go, ["version", "-m", join(rootfs, "app/orders")]);
    expect(info).toContain("-trimpath=true");
    expect(info).toContain("CGO_ENABLED=0");
    expect(info).toContain("-tags=timetzdata");
    expect(info).not.toContain("vcs.");
    expect(readFileSync(join(rootfs, "app/orders")).includes(orders.layout)).toBe(false);
  });

  needs({ go })("runs out of the image and answers over HTTP", async () => {
    const rootfs = await unpacked();
    const port = await freePort();
    // As root the image is all that the program can see, as in a container.
    const root = process.getuid?.() === 0;
    const program = root ? "chroot" : join(rootfs, "app/orders");
    const args = root ? ["--userspec=65532:65532", rootfs, "/app/orders"] : [];
    const child = spawn(program, args, {
      env: { PATH: process.env["PATH"], PORT: String(port), HOST: "127.0.0.1" },
      stdio: "inherit",
    });
    const ended = new Promise((done) => child.once("exit", (code, signal) => done(code ?? signal)));
    try {
      expect(await answer(`http://127.0.0.1:${port}/version`)).toContain("1.0.0");
    } finally {
      child.kill("SIGTERM");
    }
    expect(await ended).toBe(0);
  });

  needs({ go, skopeo })("is copied by skopeo with every digest intact", () => {
    const raw = output(skopeo, ["inspect", "--raw", `oci:${orders.layout}:v1`]);
    const index = JSON.parse(raw) as { manifests: { digest: string }[] };
    expect(index.manifests.map(({ digest }) => digest)).toEqual(Object.values(orders.platforms));
    const copy = join(tempFolder(), "copy");
    output(skopeo, [
      ...["copy", "--insecure-policy", "--all", "--preserve-digests"],
      ...[`oci:${orders.layout}:v1`, `oci:${copy}:v1`],
    ]);
    expect(readFileSync(join(copy, "index.json"), "utf8")).toContain(orders.digest);
    for (const arch of ["amd64", "arm64"]) {
      const config = output(skopeo, [
        ...["inspect", "--config", "--override-os", "linux", "--override-arch", arch],
        `oci:${orders.layout}:v1`,
      ]);
      expect(JSON.parse(config)).toMatchObject({
        architecture: arch,
        config: { Entrypoint: ["/app/orders"], User: "65532:65532" },
      });
    }
  });

  needs({ go, umoci })("is unpacked by umoci to the same files and modes", async () => {
    // umoci takes one image per name: a layout with only this machine's platform.
    const ports = realPorts();
    cpSync("examples/orders", ports.context.workspace, { recursive: true });
    const platforms = platformName(hostPlatform());
    await main(inputsOf(spec, { tags: "v1", platforms, output: "out" }), ports);
    const bundle = join(tempFolder(), "bundle");
    const image = `${join(ports.context.workspace, "out")}:v1`;
    output(umoci, [
      "unpack",
      ...(process.getuid?.() === 0 ? [] : ["--rootless"]),
      "--image",
      image,
      bundle,
    ]);
    const ours = await unpacked();
    const theirs = join(bundle, "rootfs");
    for (const file of [
      "app/orders",
      "etc/passwd",
      "etc/group",
      "etc/ssl/certs/ca-certificates.crt",
    ]) {
      expect(readFileSync(join(theirs, file)).equals(readFileSync(join(ours, file)))).toBe(true);
    }
    for (const [name, mode] of [
      ["tmp", 0o1777],
      ["app/orders", 0o755],
      ["home/nonroot", 0o700],
    ] as const) {
      expect(statSync(join(theirs, name)).mode & 0o7777).toBe(mode);
    }
    if (process.getuid?.() === 0) expect(statSync(join(theirs, "home/nonroot")).uid).toBe(65532);
  });

  needs({ go, "docker-registry": dockerRegistry, skopeo })(
    "is pushed to a real registry, once, and pulled from it",
    async () => {
      const host = registry?.host ?? "";
      const push = async (given: Given) => {
        const ports = realPorts();
        cpSync("examples/orders", ports.context.workspace, { recursive: true });
        const { outputs } = await main(
          inputsOf(spec, { registry: host, push: "true", ...given }),
          ports,
        );
        return { outputs, summary: ports.summary.blocks.join("\n") };
      };
      const first = await push({ tags: "v1,latest" });
      expect(first.outputs.digest).toBe(orders.digest);
      expect(first.outputs.image).toBe(`${host}/acme/orders@${orders.digest}`);
      const again = await push({ tags: "v1,latest" });
      expect(again.summary).toMatch(/with 3 requests: 0\.0 kB sent/);
      const mirror = await push({ tags: `v1,${host}/acme/mirror:v2` });
      expect(mirror.summary).toMatch(/0\.0 kB sent/);
      const raw = output(skopeo, [
        "inspect",
        "--raw",
        "--tls-verify=false",
        `docker://${host}/acme/mirror:v2`,
      ]);
      expect(raw).toBe(output(skopeo, ["inspect", "--raw", `oci:${orders.layout}:v1`]));
      output(skopeo, [
        ...["copy", "--insecure-policy", "--all", "--preserve-digests", "--src-tls-verify=false"],
        ...[`docker://${host}/acme/orders:latest`, `oci:${join(tempFolder(), "pulled")}:v1`],
      ]);
      const source = new Repository({
        ...{ registry: host, repository: "acme/orders", access: "pull", credentials: undefined },
        ...{ http: httpClient(systemClock()), clock: systemClock(), mask: () => undefined },
      });
      const descriptor = await source.resolve(orders.digest);
      if (descriptor === undefined) throw new Error("it was pushed");
      const folder = join(tempFolder(), "rootfs");
      await extractLayers(source, await selectPlatform(source, descriptor, hostPlatform()), folder);
      expect(
        readFileSync(join(folder, "app/orders")).equals(
          readFileSync(join(await unpacked(), "app/orders")),
        ),
      ).toBe(true);
    },
  );
});

describe("building it again", () => {
  needs({ go })("in another folder, from an empty cache, gives the same digest", async () => {
    const one = build(HELLO);
    const other = build(HELLO, {}, { GOCACHE: tempFolder(), SOURCE_DATE_EPOCH: "0" });
    const digests = [await one.outcome(), await other.outcome()].map(
      ({ outputs }) => outputs.digest,
    );
    expect(digests[0]).toMatch(/^sha256:/);
    expect(digests[1]).toBe(digests[0]);
  });

  needs({ go })("after a change gives another one", async () => {
    const changed = { ...HELLO, "main.go": HELLO["main.go"].replace("hello\\n", "hallo\\n") };
    const one = build(HELLO, { platforms: "linux/amd64" });
    const other = build(changed, { platforms: "linux/amd64" });
    expect((await one.outcome()).outputs.digest).not.toBe((await other.outcome()).outputs.digest);
  });

  needs({ go })("with a version in ldflags puts it into the program", async () => {
    const { ports, outcome } = build(
      {
        ...HELLO,
        "main.go": 'package main\n\nvar version = "dev"\n\nfunc main() { println(version) }\n',
      },
      { ldflags: "-X 'main.version=one two'", platforms: platformName(hostPlatform()) },
    );
    await outcome();
    const folder = join(
      ports.context.temp,
      "go-cicd",
      "build",
      platformName(hostPlatform()).replace("/", "-"),
    );
    const said = execFileSync("sh", ["-c", '"$0" 2>&1', join(folder, "hello")], {
      encoding: "utf8",
    });
    expect(said).toBe("one two\n");
  });
});

describe("repositories that cannot be built", () => {
  needs({ go })("say the line that does not compile", async () => {
    const broken = { ...HELLO, "cmd/x/main.go": "package main\n\nfunc main() {\n\tmissing()\n}\n" };
    const { ports, outcome } = build(broken, { main: "./cmd/x" });
    await expect(outcome()).rejects.toMatchObject({
      code: "repository",
      message: /undefined: missing/,
    });
    expect(ports.log.entries.filter(({ level }) => level === "error")[0]).toMatchObject({
      message: "undefined: missing",
      place: { file: "cmd/x/main.go", line: 4, column: 2 },
    });
  });

  needs({ go })("say a syntax error as well", async () => {
    const { ports, outcome } = build({
      ...HELLO,
      "main.go": "package main\n\nfunc main() {\n",
    });
    await expect(outcome()).rejects.toMatchObject({ code: "repository" });
    expect(ports.log.entries.some(({ place }) => place?.file === "main.go")).toBe(true);
  });

  needs({ go })("say what cgo would need", async () => {
    const cgo = {
      ...HELLO,
      "c/c.go": 'package c\n\nimport "C"\n',
      "main.go": 'package main\n\nimport _ "example.com/acme/hello/c"\n\nfunc main() {}\n',
    };
    const { outcome } = build(cgo);
    await expect(outcome()).rejects.toMatchObject({ hint: /without cgo/ });
  });

  test.each<[string, Record<string, string>, string]>([
    ["no module", { "main.go": "package main\n" }, "There is no go.mod"],
    [
      "no program",
      { "go.mod": HELLO["go.mod"], "x.go": "package x\n" },
      "There is no main package",
    ],
    [
      "an unreadable go.mod",
      { "go.mod": "modul x\n", "main.go": "package main\n" },
      "go.mod:1: unknown directive",
    ],
  ])("with %s say so", async (_, files, message) => {
    if (go === undefined) return;
    const { outcome } = build(files);
    await expect(outcome()).rejects.toThrow(message);
  });

  needs({ go })("in a workspace find the programs of all modules", async () => {
    const module = (name: string) => ({
      [`${name}/go.mod`]: `module example.com/acme/${name}\n\ngo 1.24\n`,
      [`${name}/main.go`]: HELLO["main.go"],
    });
    const files = { "go.work": "go 1.24\n\nuse ./a\nuse ./b\n", ...module("a"), ...module("b") };
    const { outcome } = build(files);
    await expect(outcome()).rejects.toThrow("There are 2 main packages: ./a, ./b");
    const named = build(files, { main: "./b", platforms: "linux/amd64" });
    expect((await named.outcome()).outputs.tags).toContain("ghcr.io/acme/orders/b:");
  });
});

let rootfs: string | undefined;
async function unpacked(): Promise<string> {
  if (rootfs !== undefined) return rootfs;
  const layout = await openLayout(orders.layout);
  const image = await selectPlatform(layout, layout.root(), hostPlatform());
  const folder = join(tempFolder(), "rootfs");
  await extractLayers(layout, image, folder);
  // Another user starts the program below.
  execFileSync("chmod", ["755", join(folder, "..")]);
  rootfs = folder;
  return folder;
}

async function answer(url: string): Promise<string> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await (await fetch(url)).text();
    } catch (error) {
      if (attempt > 200) throw error;
      await systemClock().sleep(50);
    }
  }
}
