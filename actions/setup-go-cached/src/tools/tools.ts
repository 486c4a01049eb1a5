import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ActionError, messageOf } from "@go-cicd/core/errors.ts";
import { JOB_FOLDER } from "@go-cicd/core/names.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import { withScratch } from "../toolchain/go-command.ts";
import { goProgram } from "../toolchain/local.ts";
import { removeTree } from "../tree.ts";
import type { Trust } from "../trust.ts";
import { minorOf, mismatch, parseBuildInfo, type Expected } from "./build-info.ts";
import { GoTool, HOST, programFile } from "./go-tool.ts";
import { toolsKey, type ToolsKey } from "./key.ts";
import { moduleSums, resolveTools, type ResolvedTool } from "./modules.ts";
import { isVersion, type WantedTool } from "./wanted.ts";

/** One program that is on PATH now. */
export interface InstalledTool {
  name: string;
  path: string;
  version: string;
  how: "restored" | "built";
}

/** What main leaves for post: what to save, and what it has to be. */
export interface ToolsPlan {
  scope: string;
  folder: string;
  /** File name → SHA-256, as they were before the job's own steps ran. */
  programs: Record<string, string>;
}

export interface ToolsRequest {
  wanted: readonly WantedTool[];
  goVersion: string;
  /** Restores may begin before Go is there; checks and builds wait for it. */
  toolchain: Promise<{ goroot: string }>;
  /** `cache: false` builds every time. */
  cache: boolean;
  trust: Trust;
}

export interface ToolsResult {
  /** Where they are; undefined where none were wanted. */
  folder: string | undefined;
  installed: InstalledTool[];
  /** Undefined where there is nothing new to save, or nothing may be saved. */
  plan: ToolsPlan | undefined;
}

/**
 * Puts the wanted programs into a folder: from the cache what passes its check, the rest
 * built. A program that came from the cache is not run, and in no folder of PATH, before it was
 * checked.
 * @throws ActionError when one cannot be found or built: the user asked for it.
 */
export async function setUpTools(
  request: ToolsRequest,
  ports: Ports,
  signal: AbortSignal,
): Promise<ToolsResult> {
  if (request.wanted.length === 0) return { folder: undefined, installed: [], plan: undefined };
  return withScratch(ports, (scratch) => new ToolSetUp(request, ports, signal, scratch).run());
}

class ToolSetUp {
  readonly #request: ToolsRequest;
  readonly #ports: Ports;
  readonly #signal: AbortSignal;
  readonly #scratch: string;
  readonly #minor: string;
  /** Where an entry lands; nothing looks for programs here. */
  readonly #landing: string;
  readonly #bin: string;

  constructor(request: ToolsRequest, ports: Ports, signal: AbortSignal, scratch: string) {
    this.#request = request;
    this.#ports = ports;
    this.#signal = signal;
    this.#scratch = scratch;
    this.#minor = minorOf(request.goVersion);
    this.#landing = join(scratch, "landing");
    const { temp } = ports.context;
    const home = join(temp === "" ? tmpdir() : temp, JOB_FOLDER);
    mkdirSync(home, { recursive: true });
    this.#bin = mkdtempSync(join(home, "tools-"));
  }

  async run(): Promise<ToolsResult> {
    const { wanted, cache, trust } = this.#request;
    const { log, timeline } = this.#ports;
    const may = cache && trust.tools;
    const exact = wanted.every(({ query }) => isVersion(query));
    // With versions the key is known at once, and the download need not wait for Go.
    const early = wanted.map((tool) => ({ ...tool, version: tool.query }));
    const restoring = exact && may ? this.#restore(this.#key(early)) : Promise.resolve(undefined);
    // One after the other: nothing may still be landing when this is left.
    const first = await restoring;
    const { goroot } = await this.#request.toolchain;
    const go = new GoTool(goProgram(goroot), this.#scratch, this.#ports, this.#signal);
    const tools = await timeline.phase("resolve tools", () => resolveTools(wanted, go));
    for (const { path, query, version } of tools) {
      if (query !== version) log.info(`${path}@${query} is ${version}`);
    }
    const key = this.#key(tools);
    const restored = exact || !may ? first : await this.#restore(key);
    const good = new Set(
      restored === undefined
        ? []
        : await timeline.phase("check tools", () =>
            this.#check(tools, restored.startsWith(key.scope), go),
          ),
    );
    const missing = tools.filter((tool) => !good.has(tool));
    await this.#build(missing, go);
    const installed = tools.map((tool): InstalledTool => {
      const { name, path, version } = tool;
      return { name, path, version, how: good.has(tool) ? "restored" : "built" };
    });
    const complete = missing.length === 0 && (restored?.startsWith(`${key.scope}-`) ?? false);
    const save = cache && trust.tools && trust.save && !complete;
    return {
      folder: this.#bin,
      installed,
      plan: save ? this.#plan(key, tools) : undefined,
    };
  }

  #key(versions: readonly { path: string; version: string }[]): ToolsKey {
    return toolsKey(versions, this.#minor, this.#ports.context, this.#ports.env);
  }

  /** The key of what has landed; undefined where nothing has. */
  async #restore({ scope, others }: ToolsKey): Promise<string | undefined> {
    const { log, store, timeline } = this.#ports;
    return timeline.phase("restore tools", async (phase) => {
      try {
        const result = await store.restore({
          name: "tools",
          key: scope,
          restoreKeys: [`${scope}-`, `${others}-`],
          roots: { tools: this.#landing },
          signal: this.#signal,
        });
        phase.cache("tools", result.kind, "bytes" in result ? result.bytes : 0);
        if ("bytes" in result) {
          log.info(`Tools: restored ${result.key}`);
          return result.key;
        }
        const detail = `${result.kind} (${result.detail})`;
        if (result.kind === "corrupt") {
          log.warning(`The tools were refused, and nothing of them was kept: ${detail}`, {
            title: "Damaged cache entry",
          });
        } else log.info(`Tools: ${detail}; key ${scope}`);
      } catch (error) {
        this.#signal.throwIfAborted();
        log.info(`Tools: not restored: ${messageOf(error)}`);
      }
      return undefined;
    });
  }

  /** Moves what passes from the landing place to its folder; the rest goes with the scratch folder. */
  async #check(tools: readonly ResolvedTool[], own: boolean, go: GoTool): Promise<ResolvedTool[]> {
    const { log } = this.#ports;
    const claims = [];
    for (const tool of tools) {
      const file = join(this.#landing, programFile(tool.name));
      if (lstatSync(file, { throwIfNoEntry: false })?.isFile() !== true) continue;
      const info = await this.#describe(file, go);
      const why = mismatch(info, this.#expected(tool));
      if (why === undefined) claims.push({ tool, file, sum: info?.sum, module: info?.module });
      else if (own || why.kind === "wrong") this.#refuse(tool, why.detail);
      else log.info(`${tool.name} of another job does not fit: ${why.detail}`);
    }
    // An entry must not vouch for itself: what the sum has to be is asked elsewhere.
    const sums = await moduleSums(
      claims.map(({ tool }) => tool),
      go,
    );
    return claims.flatMap(({ tool, file, sum, module }) => {
      const right = sums.get(`${tool.module}@${tool.version}`);
      if (right === undefined) {
        this.#refuse(tool, `the sum of ${tool.module}@${tool.version} could not be had`);
        return [];
      }
      if (module !== tool.module || sum !== right) {
        this.#refuse(tool, `it says ${module ?? ""} ${sum ?? ""}, not ${tool.module} ${right}`);
        return [];
      }
      chmodSync(file, 0o755);
      renameSync(file, join(this.#bin, programFile(tool.name)));
      return [tool];
    });
  }

  #refuse({ name }: ResolvedTool, detail: string): void {
    this.#ports.log.warning(
      `${name} came from the cache and did not pass its check: ${detail}. It was removed, and is built again.`,
      { title: "Tool refused" },
    );
  }

  async #build(tools: readonly ResolvedTool[], go: GoTool): Promise<void> {
    const failures: string[] = [];
    // One after the other: each build uses all processors, and finds the packages of the one before.
    for (const tool of tools) {
      const word = `${tool.path}@${tool.version}`;
      this.#ports.log.info(`Building ${word} …`);
      try {
        await this.#ports.timeline.phase(`build ${tool.name}`, async () => {
          await go.output(["install", word], { GOBIN: this.#bin });
          const info = await this.#describe(join(this.#bin, programFile(tool.name)), go);
          const why = mismatch(info, this.#expected(tool));
          if (why !== undefined) {
            throw new ActionError("process", `go built something else for ${word}: ${why.detail}`);
          }
        });
      } catch (error) {
        this.#signal.throwIfAborted();
        if (!(error instanceof ActionError)) throw error;
        failures.push(`- ${word}: ${messageOf(error)}`);
      }
    }
    if (failures.length === 0) return;
    removeTree(this.#bin);
    throw new ActionError("process", `Tools that could not be built:\n${failures.join("\n")}`, {
      hint: "Try the same `go install` on your machine; another version of the tool or of Go may do.",
    });
  }

  async #describe(file: string, go: GoTool) {
    const exit = await go.exit(["version", "-m", file]);
    return exit.kind === "exited" && exit.code === 0 ? parseBuildInfo(exit.stdout) : undefined;
  }

  #expected({ path, version }: ResolvedTool): Expected {
    return { path, version, minor: this.#minor, goos: HOST.goos, goarch: HOST.goarch };
  }

  #plan({ scope }: ToolsKey, tools: readonly ResolvedTool[]): ToolsPlan {
    const files = tools.map(({ name }) => programFile(name));
    const programs = Object.fromEntries(files.map((file) => [file, sha256(join(this.#bin, file))]));
    return { scope, folder: this.#bin, programs };
  }
}

/** SHA-256 of a file in hex. */
export function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
