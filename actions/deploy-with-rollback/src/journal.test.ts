import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { PHASES, wayOut, type Journal, type Phase } from "./journal.ts";

/** What stands on a host, as far as recovery is concerned. Releases are `old` and `new`. */
interface World {
  journal: Journal | undefined;
  current: string | undefined;
  running: string | undefined;
  good: Set<string>;
  /** `new` answers well only when it is well. */
  well: boolean;
}

type Effect = (world: World) => void;

const journal = (phase: Phase, good: string | undefined): Effect => {
  return (world) => {
    world.journal = { phase, token: "t", kind: "deploy", release: "new", good };
  };
};

/** A deploy as the engine and the agent do it: each phase before its effect. */
function deployEffects(good: string | undefined): Effect[] {
  return [
    journal("begin", good),
    journal("copied", good),
    journal("switch", good),
    (world) => (world.current = "new"),
    journal("stop", good),
    (world) => (world.running = undefined),
    journal("start", good),
    (world) => (world.running = "new"),
    (world) => {
      // The verdict; a sick release never reaches the rest.
      if (!world.well) throw new Error("sick");
    },
    journal("commit", good),
    (world) => world.good.add("new"),
    (world) => (world.journal = undefined),
  ];
}

/** The way out as single effects; asked again from the world as it is, since it may be killed too. */
function healEffects(world: World): Effect[] {
  if (world.journal === undefined) return [];
  const way = wayOut(world.journal);
  const close: Effect = (at) => (at.journal = undefined);
  const serves = world.running === "new" && world.well;
  if (way.kind === "forward" && serves) return [(at) => at.good.add("new"), close];
  const { good } = world.journal;
  if (good === undefined) {
    return [(at) => (at.running = undefined), (at) => (at.current = undefined), close];
  }
  if (world.running === good) return [(at) => (at.current = good), close];
  return [
    (at) => (at.running = undefined),
    (at) => (at.current = good),
    (at) => (at.running = good),
    close,
  ];
}

const begun = fc.record({
  first: fc.boolean(),
  well: fc.boolean(),
  killedAfter: fc.nat(12),
  /** Each healer is killed after so many effects; the last one is not. */
  healersKilledAfter: fc.array(fc.nat(4), { maxLength: 4 }),
});

test("killed anywhere, and its healers killed anywhere, a deploy ends on one good release", () => {
  fc.assert(
    fc.property(begun, ({ first, well, killedAfter, healersKilledAfter }) => {
      const old = first ? undefined : "old";
      const world: World = {
        journal: undefined,
        current: old,
        running: old,
        good: new Set(first ? [] : ["old"]),
        well,
      };
      try {
        for (const effect of deployEffects(old).slice(0, killedAfter)) effect(world);
      } catch {
        // A failed verdict: the way back starts from here like any other.
      }
      for (const count of [...healersKilledAfter, Infinity]) {
        for (const effect of healEffects(world).slice(0, count)) effect(world);
      }
      expect(world.journal).toBeUndefined();
      expect(world.running).toBe(world.current);
      if (world.current === undefined) expect(first).toBe(true);
      else expect(world.good.has(world.current)).toBe(true);
      if (!well) expect(world.current).toBe(old);
    }),
  );
});

test.each(PHASES.filter((phase) => phase !== "commit"))("%s leads back", (phase) => {
  const open: Journal = { phase, token: "t", kind: "deploy", release: "new", good: "old" };
  expect(wayOut(open)).toEqual({ kind: "back", release: "old" });
  expect(wayOut({ ...open, good: undefined })).toEqual({ kind: "stop" });
});

test("only a verdict that was written leads forward", () => {
  expect(
    wayOut({ phase: "commit", token: "t", kind: "deploy", release: "new", good: "old" }),
  ).toEqual({ kind: "forward", release: "new" });
});
