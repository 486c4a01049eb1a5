// The committed bundle of build-image on the runner's side: inputs as texts, outputs as files, the
// artifact service, a registry that fails, and a cancellation in the middle of a build.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { parseImageReport } from "@go-cicd/core/image-report.ts";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import {
  runAction,
  type ActionResult,
  type ActionRun,
} from "@go-cicd/local/contract/run-action.ts";
import { cacheScopes } from "@go-cicd/local/services/scopes.ts";
import { startServices } from "@go-cicd/local/services/server.ts";
import { extractLayers } from "@go-cicd/oci/extract.ts";
import { openLayout } from "@go-cicd/oci/layout.ts";
import { parseImageLocation } from "@go-cicd/oci/reference.ts";
import { hostPlatform, selectPlatform } from "@go-cicd/oci/source.ts";
import { platformName } from "@go-cicd/oci/spec.ts";
import { refuse, testRegistry } from "@go-cicd/oci/testing/registry.ts";
import { requirePart } from "../support/real-parts.ts";

const go = requirePart("go");
const withGo = go === undefined ? test.skip : test;
jest.setTimeout(180_000);

const HOST = platformName(hostPlatform());
const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

const HELLO = {
  "go.mod": "module example.com/acme/hello\n\ngo 1.24\n",
  "main.go": 'package main\n\nimport "os"\n\nfunc main() { os.Stdout.WriteString("hello\\n") }\n',
};

interface Changes extends Partial<ActionRun> {
  files?: Record<string, string>;
}

/** Runs the door's main as a job of one step in a fresh workspace. */
async function run(
  inputs: Record<string, string>,
  changes: Changes = {},
): Promise<ActionResult & { temp: string; workspace: string }> {
  const { files = HELLO, ...options } = changes;
  const workspace = tempFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(workspace, name, ".."), { recursive: true });
    writeFileSync(join(workspace, name), content);
  }
  const temp = tempFolder();
  const cache =
    go === undefined ? "" : execFileSync(go, ["env", "GOCACHE"], { encoding: "utf8" }).trim();
  const result = await runAction({
    action: "build-image",
    workspace,
    temp,
    keepTemp: true,
    inputs: { platforms: HOST, ...inputs },
    event: { repository: { default_branch: "main" } },
    ...options,
    env: { GOCACHE: cache, GOTOOLCHAIN: "local", ...options.env },
  });
  return { ...result, temp, workspace };
}

describe("the bundle of build-image", () => {
  withGo("builds a program that runs, and says where the image is", async () => {
    const { conclusion, outputs, summary, temp } = await run({});
    expect(conclusion).toBe("success");
    const location = parseImageLocation(outputs["image"] ?? "");
    if (location.kind !== "layout") throw new Error("nothing was pushed");
    const layout = await openLayout(location.path);
    const image = await selectPlatform(layout, layout.root(location.digest), hostPlatform());
    expect(JSON.parse(outputs["digests"] ?? "")).toEqual({ [HOST]: image.descriptor.digest });
    const folder = join(tempFolder(), "rootfs");
    await extractLayers(layout, image, folder);
    expect(execFileSync(join(folder, "app/hello"), { encoding: "utf8" })).toBe("hello\n");
    expect(summary).toContain(`| ${HOST} |`);
    const timeline = readdirSync(join(temp, "go-cicd/timeline"));
    expect(timeline).toEqual(["build-image-1.jsonl"]);
  });

  withGo("hands its report to later jobs", async () => {
    const services = await startServices({ folder: tempFolder() });
    open.push(() => services.close());
    const grant = {
      runId: "1",
      jobId: "1-job",
      scopes: cacheScopes({ eventName: "push", ref: "refs/heads/main", defaultBranch: "main" }),
    };
    const { outputs, log, temp } = await run({}, { services: services.environment(grant) });
    expect(log.join("\n")).not.toContain("stays on this machine");
    const report = parseImageReport(
      readFileSync(join(temp, "go-cicd/image-report/image.json"), "utf8"),
    );
    expect(report.digest).toBe(outputs["digest"]);
  });

  withGo("pushes through a registry that breaks off, forgets and is busy", async () => {
    let faults = 3;
    await using server = await testRegistry({
      auth: { kind: "token", username: "octocat", password: "canary-5f3a" },
      fault: ({ method, path }, response, raw) => {
        if (method !== "PUT" || !path.includes("/blobs/uploads/") || faults === 0) return false;
        faults -= 1;
        raw.resume();
        if (faults === 2) response.destroy();
        else if (faults === 1) refuse(response, 404, "BLOB_UPLOAD_UNKNOWN");
        else refuse(response, 429, "TOOMANYREQUESTS", { "retry-after": "1" });
        return true;
      },
    });
    const { conclusion, outputs, stdout, stderr, summary } = await run({
      registry: server.host,
      username: "octocat",
      password: "canary-5f3a",
      tags: "v1",
    });
    expect([faults, conclusion]).toEqual([0, "success"]);
    expect(server.tags.get("acme/orders:v1") ?? [...server.tags.values()][0]).toBe(
      outputs["digest"],
    );
    expect(outputs["image"]).toMatch(new RegExp(`^${server.host}/.+@sha256:`));
    const shown = `${stdout.replace(/^::add-mask::.*$/gm, "")}${stderr}${summary}${JSON.stringify(outputs)}`;
    expect(shown).not.toContain("canary-5f3a");
    for (const token of server.tokens.keys()) {
      expect(shown).not.toContain(token);
    }
  });

  withGo("is red with the registry's words and a remedy when it may not push", async () => {
    await using server = await testRegistry({
      fault: ({ method }, response) => {
        if (method !== "POST") return false;
        refuse(response, 403, "DENIED");
        return true;
      },
    });
    const { conclusion, annotations } = await run({ registry: server.host, push: "true" });
    expect(conclusion).toBe("failure");
    expect(annotations.map(({ message }) => message).join("\n")).toMatch(
      /DENIED[\s\S]*no right to push/,
    );
    expect(server.tags.size).toBe(0);
  });

  withGo("does not push for a pull request, and does not fail for it", async () => {
    await using server = await testRegistry();
    const { conclusion, log } = await run(
      { registry: server.host },
      { github: { event_name: "pull_request", ref: "refs/pull/7/merge" } },
    );
    expect(conclusion).toBe("success");
    expect(log.join("\n")).toContain("does not push on pull_request");
    expect(server.requests).toEqual([]);
  });

  withGo("points at the line that does not compile", async () => {
    const files = { ...HELLO, "main.go": "package main\n\nfunc main() { missing() }\n" };
    const { conclusion, annotations } = await run({}, { files });
    expect(conclusion).toBe("failure");
    expect(annotations).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ file: "main.go", line: 3, message: "undefined: missing" }),
      ]),
    );
  });

  withGo("names all inputs that are wrong before it starts anything", async () => {
    const { conclusion, annotations, temp } = await run({
      push: "maybe",
      ldflags: "-extld=evil",
      platforms: "linux",
    });
    expect(conclusion).toBe("failure");
    expect(annotations[0]?.message).toContain("push must be one of auto, true, false");
    expect(existsSync(join(temp, "go-cicd/image"))).toBe(false);
  });

  withGo("takes hostile names for what they are", async () => {
    const label = "a=$(touch pwned)`touch pwned`\\n::set-output name=image::x";
    const { conclusion, outputs, workspace } = await run(
      { labels: label, ldflags: "-X 'main.x=$(touch pwned)'" },
      { github: { ref: "refs/heads/x$(touch${IFS}pwned);::error::y" } },
    );
    expect(conclusion).toBe("success");
    expect(outputs["image"]).toMatch(/^oci-layout:/);
    expect(outputs["tags"]).toMatch(/:x-touch-IFS-pwned-error-y\n/);
    expect(readdirSync(workspace).sort()).toEqual(["go.mod", "main.go"]);
  });

  // A small disk of one's own takes root: elsewhere this is seen to be left out.
  const asRoot = process.getuid?.() === 0 ? withGo : test.skip;
  asRoot("on a full disk says so, and lists no image that is not whole", async () => {
    const disk = tempFolder();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=200k", "tmpfs", disk], { stdio: "ignore" });
    open.push(() => Promise.resolve(void execFileSync("umount", [disk])));
    const { conclusion, annotations } = await run({ output: join(disk, "image") });
    expect(conclusion).toBe("failure");
    expect(annotations[0]?.message).toMatch(/cannot be written to[\s\S]*ENOSPC/);
    expect(existsSync(join(disk, "image", "index.json"))).toBe(false);
  });

  withGo("cancelled in the middle of a build leaves no compiler behind", async () => {
    const cancel = new AbortController();
    const started = run(
      {},
      {
        // A cold cache: the build takes long enough to be cancelled.
        env: { GOCACHE: tempFolder() },
        signal: cancel.signal,
        onEvent: (event) => {
          if (JSON.stringify(event).includes("Building example.com")) cancel.abort();
        },
      },
    );
    const { result, survivors } = await started;
    expect(result).toBe("cancelled");
    expect(survivors).toEqual([]);
  });
});
