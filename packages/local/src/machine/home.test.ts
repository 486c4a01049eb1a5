import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import {
  agentOf,
  localHome,
  repositoryFolder,
  runningPipelines,
  takeSlot,
  targets,
} from "./home.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "home-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a slot", () => {
  it("has the same paths in every run", () => {
    const first = takeSlot(folder);
    first.release();
    const second = takeSlot(folder);
    expect(second.workspace).toBe(first.workspace);
    second.release();
  });

  it("is not shared by two runs at once", () => {
    const first = takeSlot(folder);
    const second = takeSlot(folder);
    expect(second.folder).not.toBe(first.folder);
    first.release();
    second.release();
  });

  it("is free again when its owner is gone", () => {
    mkdirSync(join(folder, "slot-1"), { recursive: true });
    // Process ids end below 2^22 on Linux (proc(5), pid_max): this one is nobody's.
    writeFileSync(join(folder, "slot-1/lock"), "99999999 1\n");
    const slot = takeSlot(folder);
    expect(slot.folder).toBe(join(folder, "slot-1"));
    slot.release();
  });

  it("is free again when its owner's number is another process by now", () => {
    mkdirSync(join(folder, "slot-1"), { recursive: true });
    writeFileSync(join(folder, "slot-1/lock"), `${process.pid} 1\n`);
    const slot = takeSlot(folder);
    expect(slot.folder).toBe(join(folder, "slot-1"));
    slot.release();
  });
});

it("tells which pipelines run", () => {
  const home = localHome({ XDG_CACHE_HOME: folder });
  expect(runningPipelines(home)).toEqual([]);
  const slot = takeSlot(repositoryFolder(home, "/some/where/orders"));
  expect(runningPipelines(home)).toEqual([process.pid]);
  slot.release();
  expect(runningPipelines(home)).toEqual([]);
});

it("keeps repositories of the same name apart", () => {
  const home = localHome({ XDG_CACHE_HOME: folder });
  expect(repositoryFolder(home, "/a/orders")).not.toBe(repositoryFolder(home, "/b/orders"));
});

it("an empty or relative XDG_CACHE_HOME names no folder", () => {
  for (const XDG_CACHE_HOME of ["", "cache"]) {
    expect(localHome({ XDG_CACHE_HOME }).folder).toBe(localHome({}).folder);
  }
  expect(localHome({ XDG_CACHE_HOME: folder }).folder).toContain(folder);
});

it("targets are the slots with an agent", () => {
  const home = localHome({ XDG_CACHE_HOME: folder });
  expect(targets(home)).toEqual([]);
  const repository = repositoryFolder(home, "/x/orders");
  const [first, second] = [takeSlot(repository), takeSlot(repository)];
  mkdirSync(join(second.target, ".deploy"), { recursive: true });
  writeFileSync(agentOf(second.target), "");
  expect(targets(home)).toEqual([second.target]);
  first.release();
  second.release();
});
