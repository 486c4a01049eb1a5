import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { git } from "./consumer.ts";

/** A module proxy in a folder (https://go.dev/ref/mod#goproxy-protocol). */
export class ModuleProxy {
  readonly #folder = tempFolder("module-proxy-");

  get url(): string {
    return pathToFileURL(this.#folder).href;
  }

  /** Publishes a version; its time follows the order of the calls. */
  publish(module: string, version: string, files: Readonly<Record<string, string>>): void {
    const all = { "go.mod": `module ${module}\n\ngo 1.24\n`, ...files };
    const source = tempFolder("module-source-");
    for (const [name, content] of Object.entries(all)) {
      mkdirSync(dirname(join(source, name)), { recursive: true });
      writeFileSync(join(source, name), content);
    }
    git(source, "init", "-q");
    git(source, "add", "-A");
    git(source, "commit", "-q", "-m", version);
    const at = join(this.#folder, module, "@v");
    mkdirSync(at, { recursive: true });
    const zip = join(at, `${version}.zip`);
    const prefix = `--prefix=${module}@${version}/`;
    execFileSync("git", ["archive", "--format=zip", prefix, "-o", zip, "HEAD"], { cwd: source });
    writeFileSync(join(at, `${version}.mod`), all["go.mod"]);
    const info = { Version: version, Time: "2026-01-02T03:04:05Z" };
    writeFileSync(join(at, `${version}.info`), JSON.stringify(info));
    appendFileSync(join(at, "list"), `${version}\n`);
  }
}
