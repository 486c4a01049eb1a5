import { existsSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "@go-cicd/core/errors.ts";
import { PackError } from "@go-cicd/core/pack-format.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { FoundEntry } from "@go-cicd/core/store.ts";
import type { GoSettings } from "../go-settings.ts";
import type { Inputs } from "../inputs.ts";
import type { StoreReport } from "../report.ts";
import type { Trust } from "../trust.ts";
import { prepareBuild, restoreBuild } from "./build-store.ts";
import type { ColdRun } from "./cold-run.ts";
import { readGoSums, sumTable, type GoSums } from "./go-sums.ts";
import { buildKeys, moduleKeys, type Keys } from "./keys.ts";
import { inScope } from "./layers.ts";
import { restoreModules, unitsIn, type RestoredModules } from "./module-store.ts";
import { arrived, damagedLayers, findTop, outcomeOf, type Layers } from "./restore-layers.ts";
import {
  bytesOf,
  stepFolder,
  writeBaseline,
  type BaseLayer,
  type Restored,
  type StoreName,
  type StorePlan,
} from "./store-plan.ts";

/** What came of one store. */
interface Outcome {
  restored: Restored;
  base: BaseLayer | undefined;
}

/** The two stores of a job: what is asked for, and what came. */
export class JobStores {
  readonly results: Record<StoreName, Restored>;
  readonly reports: StoreReport[] = [];
  /** How long a job of this kind took that found no build cache. */
  coldRun: ColdRun | undefined;
  readonly #inputs: Inputs;
  readonly #settings: GoSettings;
  readonly #ports: Ports;
  readonly #trust: Trust;
  readonly #sums: GoSums;
  readonly #keys: Record<StoreName, Keys | undefined>;
  readonly #baselines: Partial<Record<StoreName, string | undefined>> = {};

  constructor(
    inputs: Inputs,
    folder: string,
    goVersion: string,
    settings: GoSettings,
    trust: Trust,
    ports: Ports,
  ) {
    const { context, env, log } = ports;
    this.#inputs = inputs;
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
    const { gomodcache, gocache } = this.#settings;
    await Promise.all([
      this.#restore("modules", "modules", signal, {
        land: (found, keys) => this.#landModules(found, keys, signal),
        ready: () => unitsIn(gomodcache),
      }),
      this.#restore("build", "build cache and test results", signal, {
        land: (found, keys, folder) => this.#landBuild(found, keys, folder, signal),
        ready: () => prepareBuild(gocache, startMs),
      }),
    ]);
  }

  async #restore(
    name: StoreName,
    title: string,
    signal: AbortSignal,
    steps: {
      land: (found: FoundEntry, keys: Keys, folder: string) => Promise<Outcome>;
      /** Makes what is there ready for the job, and says what that is. */
      ready: () => string[];
    },
  ): Promise<void> {
    const keys = this.#keys[name];
    const started = performance.now();
    if (keys !== undefined) {
      const folder = stepFolder(this.#ports);
      const { restored, base } = await this.#ports.timeline.phase(
        `restore ${name}`,
        async (phase) => {
          const outcome = await this.#attempt(name, keys, folder, signal, steps.land);
          if ("files" in outcome.restored) phase.count("files", outcome.restored.files);
          phase.cache(name, outcome.restored.kind, bytesOf(outcome.restored));
          return outcome;
        },
      );
      this.results[name] = restored;
      if (restored.kind !== "seen") {
        this.#baselines[name] = this.#baseline(title, folder, base, steps.ready);
      }
    }
    const seconds = (performance.now() - started) / 1000;
    this.reports.push({ title, restored: this.results[name], seconds });
    this.reports.sort((a, b) => (a.title < b.title ? 1 : -1));
  }

  /** Nothing of a cache fails the job. */
  async #attempt(
    name: StoreName,
    keys: Keys,
    folder: string,
    signal: AbortSignal,
    land: (found: FoundEntry, keys: Keys, folder: string) => Promise<Outcome>,
  ): Promise<Outcome> {
    const without = (restored: Restored): Outcome => ({ restored, base: undefined });
    try {
      const found = await findTop(name, keys, this.#ports, signal);
      if (found.kind === "miss") {
        return without({ kind: "miss", detail: `${found.reason}: ${found.detail}` });
      }
      const { key } = found;
      if (this.#inputs.lookupOnly) {
        return without({ kind: "seen", key, exact: inScope(key, keys) });
      }
      return await land(found, keys, folder);
    } catch (error) {
      signal.throwIfAborted();
      const detail = messageOf(error);
      if (!(error instanceof PackError)) return without({ kind: "miss", detail });
      this.#sayDamaged(name, detail);
      return without({ kind: "corrupt", detail });
    }
  }

  async #landBuild(
    found: FoundEntry,
    keys: Keys,
    folder: string,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { gocache } = this.#settings;
    const { layers, base, actions, cold } = await restoreBuild(
      gocache,
      found,
      keys,
      folder,
      this.#ports,
      signal,
    );
    this.coldRun = cold;
    const restored = this.#outcome("build cache", layers, keys);
    return {
      restored: "files" in restored ? { ...restored, files: restored.files + actions } : restored,
      base,
    };
  }

  async #landModules(found: FoundEntry, keys: Keys, signal: AbortSignal): Promise<Outcome> {
    const result = await restoreModules(
      this.#settings.gomodcache,
      found,
      keys,
      { sums: sumTable(this.#sums.lines), provenOnly: this.#trust.verifyModules },
      this.#ports,
      signal,
    );
    this.#showVerdicts(result);
    const restored = this.#outcome("modules", result.layers, keys);
    const whole = restored.kind !== "exact" || result.altered.size === 0;
    return { restored: whole ? restored : { ...restored, kind: "prefix" }, base: result.base };
  }

  #outcome(title: string, layers: Layers, keys: Keys): Restored {
    for (const { key, detail } of damagedLayers(layers)) {
      this.#sayDamaged(title, `${key}: ${detail}`);
    }
    return outcomeOf(layers, keys);
  }

  #sayDamaged(title: string, detail: string): void {
    this.#ports.log.warning(
      `An entry of the ${title} was refused, and nothing of it was kept: ${detail}`,
      { title: "Damaged cache entry" },
    );
  }

  #showVerdicts({ layers, verified, unknown, altered }: RestoredModules): void {
    const { log } = this.#ports;
    if (!arrived(layers.top) && !arrived(layers.base)) return;
    const left =
      unknown.size > 0 ? `; ${unknown.size} that no go.sum names were left in the cache` : "";
    log.info(`${verified.size} restored modules are what go.sum says${left}`);
    if (altered.size === 0) return;
    const names = [...altered].slice(0, 10).join(", ");
    log.warning(
      `${altered.size} modules in the cache are not what go.sum says, and were left there: ${names}. They will be fetched again. Somebody may have written to this repository's cache.`,
      { title: "Altered modules in the cache" },
    );
  }

  /**
   * Undefined when a cache cannot be made ready (one of another user): then it is used as it is, and
   * nothing is saved.
   */
  #baseline(
    title: string,
    folder: string,
    base: BaseLayer | undefined,
    ready: () => string[],
  ): string | undefined {
    try {
      return writeBaseline(folder, { before: ready(), base });
    } catch (error) {
      const { log } = this.#ports;
      log.warning(`The ${title} will not be saved at the end of the job: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** What post will save; nothing where this job may not. */
  plans(): Record<StoreName, StorePlan | undefined> {
    const { saveIf, restoreOnly } = this.#inputs;
    const plan = (name: StoreName, folder: string): StorePlan | undefined => {
      const keys = this.#keys[name];
      const baseline = this.#baselines[name];
      if (keys === undefined || baseline === undefined) return undefined;
      if (!this.#trust.save || !saveIf || restoreOnly) return undefined;
      return { name, folder, keys, restored: this.results[name], baseline };
    };
    return {
      modules: plan("modules", this.#settings.gomodcache),
      build: plan("build", this.#settings.gocache),
    };
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
