import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { GoSettings } from "../go-settings.ts";
import { readGoSums, type GoSums } from "./go-sums.ts";
import type { Inputs } from "../inputs.ts";
import { buildKeys, moduleKeys, type Keys } from "./keys.ts";
import type { StoreReport } from "../report.ts";
import {
  arrived,
  checkModules,
  moduleIds,
  prepareBuild,
  prepareModules,
  restoreStore,
  type Restored,
  type StorePlan,
} from "./stores.ts";
import type { Trust } from "../trust.ts";

/** The two stores of a job: what is asked for, and what came. */
export class JobStores {
  readonly results: { modules: Restored; build: Restored };
  readonly reports: StoreReport[] = [];
  readonly #settings: GoSettings;
  readonly #ports: Ports;
  readonly #trust: Trust;
  readonly #sums: GoSums;
  readonly #keys: { modules: Keys | undefined; build: Keys | undefined };
  #baselines: Partial<Record<"modules" | "build", string | undefined>> = {};

  constructor(
    inputs: Inputs,
    folder: string,
    goVersion: string,
    settings: GoSettings,
    trust: Trust,
    ports: Ports,
  ) {
    const { context, env, log } = ports;
    this.#settings = settings;
    this.#ports = ports;
    this.#trust = trust;
    this.#sums = readGoSums(context.workspace, inputs.cacheDependencyPath);
    const off = (detail: string): Restored => ({ kind: "off", detail });
    const noModules = !inputs.cache
      ? "cache is false"
      : this.#sums.lines.length === 0
        ? "no go.sum names a module"
        : existsSync(join(folder, "vendor", "modules.txt"))
          ? "the modules are vendored"
          : undefined;
    const noBuild = !inputs.cache ? "cache is false" : trust.build ? undefined : trust.reason;
    this.results = { modules: off(noModules ?? ""), build: off(noBuild ?? "") };
    this.#keys = {
      modules: noModules === undefined ? moduleKeys(context, this.#sums.lines) : undefined,
      build:
        noBuild === undefined
          ? buildKeys({
              context,
              env,
              goVersion,
              gomodcache: settings.gomodcache,
              matrix: orEmpty(inputs.matrix),
              setting: (name) => settings.value(name),
            })
          : undefined,
    };
    if (inputs.cache && trust.reason !== undefined) log.info(`Caches: ${trust.reason}.`);
  }

  /** Both at once; what arrived is made ready before anything can use it. */
  async restore(startMs: number, signal: AbortSignal): Promise<void> {
    this.#showKeys();
    await Promise.all([this.#restoreModules(signal), this.#restoreBuild(startMs, signal)]);
  }

  async #restoreModules(signal: AbortSignal): Promise<void> {
    const { modules } = this.#keys;
    const { gomodcache } = this.#settings;
    const started = performance.now();
    if (modules !== undefined) {
      const before = this.#trust.verifyModules ? moduleIds(gomodcache) : new Set<string>();
      const result = await restoreStore("modules", gomodcache, modules, this.#ports, signal);
      this.results.modules = result;
      this.#warn("modules", result);
      if (arrived(result) && this.#trust.verifyModules) {
        await checkModules(gomodcache, before, this.#sums, this.#ports);
      }
      this.#baselines.modules = prepareModules(gomodcache, this.#ports);
    }
    this.#report("modules", this.results.modules, started);
  }

  async #restoreBuild(startMs: number, signal: AbortSignal): Promise<void> {
    const { build } = this.#keys;
    const { gocache } = this.#settings;
    const started = performance.now();
    if (build !== undefined) {
      const result = await restoreStore("build", gocache, build, this.#ports, signal);
      this.results.build = result;
      this.#warn("build cache", result);
      this.#baselines.build = prepareBuild(gocache, startMs, this.#ports);
    }
    this.#report("build cache and test results", this.results.build, started);
  }

  /** What post will save; nothing where this job may not. */
  plans({ save }: Trust): Record<"modules" | "build", StorePlan | undefined> {
    const plan = (name: "modules" | "build", folder: string): StorePlan | undefined => {
      const keys = this.#keys[name];
      const baseline = this.#baselines[name];
      if (keys === undefined || baseline === undefined || !save) return undefined;
      return { name, folder, keys, restored: this.results[name], baseline };
    };
    return {
      modules: plan("modules", this.#settings.gomodcache),
      build: plan("build", this.#settings.gocache),
    };
  }

  #report(title: string, restored: Restored, started: number): void {
    this.reports.push({ title, restored, seconds: (performance.now() - started) / 1000 });
    this.reports.sort((a, b) => (a.title < b.title ? 1 : -1));
  }

  #warn(title: string, result: Restored): void {
    if (result.kind !== "corrupt") return;
    this.#ports.log.warning(
      `The ${title} was refused, and nothing of it was kept: ${result.detail}`,
      { title: "Damaged cache entry" },
    );
  }

  #showKeys(): void {
    const { log } = this.#ports;
    for (const [name, keys] of Object.entries(this.#keys)) {
      if (keys === undefined) continue;
      log.info(`Key of the ${name === "build" ? "build cache" : name}: ${keys.scope}`);
      for (const [ingredient, value] of keys.ingredients) log.info(`  ${ingredient}: ${value}`);
    }
  }
}

/** Outside of a runner nothing evaluates an expression, and the input is absent. */
function orEmpty(text: string | undefined): string {
  return text ?? "";
}
