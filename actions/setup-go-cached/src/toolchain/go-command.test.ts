import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { outsideCommand, withScratch } from "./go-command.ts";

describe("a go command before the restore", () => {
  it("has caches of its own and no module, whatever the job has set", () => {
    const own = {
      GOMODCACHE: "/home/runner/go/pkg/mod",
      GOCACHE: "/home/runner/.cache/go-build",
      GOPATH: "/home/runner/go",
      GOWORK: "/home/runner/all.work",
      GO111MODULE: "off",
      GOTOOLCHAIN: "go1.27.0+auto",
      GOROOT: "/opt/go",
      GOFLAGS: "-mod=vendor",
      GOPROXY: "https://proxy.example",
      "INPUT_PRIVATE-TOKEN": "secret",
    };
    const command = outsideCommand("go", ["env"], own, "/scratch");
    expect(command.cwd).toBe("/scratch");
    expect(command.env).toEqual({
      GOMODCACHE: "/scratch/mod",
      GOCACHE: "/scratch/build",
      GOPATH: "/scratch/path",
      GOWORK: "off",
      GO111MODULE: "on",
      GOTOOLCHAIN: "local",
      // Where modules come from is the machine's to say.
      GOPROXY: "https://proxy.example",
    });
  });

  it("leaves nothing, not even read-only folders and when it fails", async () => {
    const ports = fakePorts();
    let seen = "";
    const work = withScratch(ports, (folder) => {
      seen = folder;
      mkdirSync(join(folder, "mod"));
      writeFileSync(join(folder, "mod/x"), "x");
      mkdirSync(join(folder, "mod/y"), { mode: 0o555 });
      return Promise.reject(new Error("in the middle"));
    });
    await expect(work).rejects.toThrow("in the middle");
    expect(seen.startsWith(ports.context.temp)).toBe(true);
    expect(existsSync(seen)).toBe(false);
    expect(readdirSync(ports.context.temp)).toEqual([]);
  });
});
