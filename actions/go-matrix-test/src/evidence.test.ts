// What jobs hand to each other by artifacts: a report must see all of it, and nothing that is old.
import { describe, expect, test } from "@jest/globals";
import type { Ports } from "@go-cicd/core/ports.ts";
import { memoryArtifacts } from "@go-cicd/core/testing/artifacts.ts";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { mergeResults } from "./merge.ts";
import type { Plan } from "./plan.ts";
import {
  findOnlyPlan,
  findPlan,
  keepPlan,
  markAttempt,
  sharePlan,
  type KnownPlan,
} from "./plan-store.ts";
import { formatReference } from "./plan.ts";
import type { ShardResults } from "./results.ts";
import { findResults, keepResults, shareResults } from "./results-store.ts";

const PLAN: Plan = {
  ...{ version: 1, repository: "acme/orders", commit: "c", folder: ".", patterns: ["./..."] },
  flags: { race: false, tags: [], testFlags: [], timeoutMs: 1000 },
  modules: [{ folder: ".", alone: false }],
  cells: [
    {
      ...{ id: "1.26-ubuntu-latest", go: "1.26", os: "ubuntu-latest", goos: "" },
      shards: [
        {
          ...{ shard: 1, estimate: 1, checks: [] },
          packages: [{ module: ".", path: "p", dir: "p", tests: 1, estimate: 1 }],
        },
      ],
    },
  ],
};

/** Jobs of one run: each has a machine of its own, they meet by artifacts only. */
function run() {
  const artifacts = memoryArtifacts();
  const job = (runAttempt: number) => fakePorts({ artifacts, context: { runAttempt } });
  return { artifacts, job };
}

function results(
  known: KnownPlan,
  attempt: number,
  verdict: ShardResults["verdict"],
): ShardResults {
  const cell = "1.26-ubuntu-latest";
  const test = verdict === "pass" ? "pass" : "fail";
  return {
    ...{ version: 1, plan: `sha256:${known.reference.sha256}`, cell, shard: 1, attempt },
    ...{ go: "go1.26.8", goos: "linux", goarch: "amd64", started: 1000, finished: 2000 },
    ...{ verdict, reasons: [], failures: [], checks: [] },
    packages: [
      {
        ...{ path: "p", module: ".", cell, shard: 1, status: test, cached: false, durationMs: 5 },
        tests: [{ name: "TestA", status: test, durationMs: 1 }],
      },
    ],
  };
}

const FACTS = { repository: "acme/orders", commit: "c", runId: "1", runAttempt: 1, now: 5000 };

async function verdictOf(known: KnownPlan, ports: Ports) {
  const report = mergeResults(known, await findResults(known.reference, ports), FACTS);
  const reasons = report.cells.flatMap(({ shards }) => shards.flatMap((shard) => shard.reasons));
  return { verdict: report.verdict, reasons: reasons.join("\n") };
}

describe("a shard that two jobs of one attempt ran", () => {
  test.each([
    ["fail", "pass"],
    ["pass", "fail"],
    ["incomplete", "pass"],
  ] as const)("%s, then %s: is red", async (first, second) => {
    const { job } = run();
    const planned = job(1);
    const known = keepPlan(PLAN, planned);
    for (const verdict of [first, second]) {
      await shareResults(results(known, 1, verdict), known.reference, job(1));
    }
    const { verdict, reasons } = await verdictOf(known, job(1));
    expect(verdict).toBe(first === "incomplete" ? "incomplete" : "fail");
    expect(reasons).toContain("ran 2 times in attempt 1 and came to different ends");
  });

  test("with one end is what both say", async () => {
    const { job } = run();
    const known = keepPlan(PLAN, job(1));
    for (const ports of [job(1), job(1)]) {
      await shareResults(results(known, 1, "pass"), known.reference, ports);
    }
    expect(await verdictOf(known, job(1))).toEqual({ verdict: "pass", reasons: "" });
  });

  test("in steps of one job is seen as well", async () => {
    const { job } = run();
    const here = job(1);
    const known = keepPlan(PLAN, here);
    keepResults(results(known, 1, "fail"), known.reference, here);
    keepResults(results(known, 1, "pass"), known.reference, here);
    expect((await verdictOf(known, here)).verdict).toBe("fail");
  });
});

test.each([
  ["damaged on its way", 2, "incomplete"],
  ["damaged, and older than what is read", 1, "pass"],
] as const)("results that are %s (attempt %d): %s", async (_, broken, verdict) => {
  const { artifacts, job } = run();
  const known = keepPlan(PLAN, job(1));
  const whole = broken === 2 ? 1 : 2;
  await shareResults(results(known, broken, "fail"), known.reference, job(broken));
  artifacts.damaged.add(artifacts.all[0]?.name ?? "");
  await shareResults(results(known, whole, "pass"), known.reference, job(whole));
  expect((await verdictOf(known, job(2))).verdict).toBe(verdict);
});

describe("a report without the input `plan`", () => {
  test("takes no results from before everything was planned anew", async () => {
    const { job } = run();
    const known = keepPlan(PLAN, job(1));
    await sharePlan(known, job(1));
    await markAttempt(known, job(1));
    await shareResults(results(known, 1, "pass"), known.reference, job(1));
    expect((await verdictOf(await findOnlyPlan(job(1)), job(1))).verdict).toBe("pass");
    // Attempt 2 runs everything again; its shard is killed before it can say anything.
    const again = keepPlan(PLAN, job(2));
    await sharePlan(again, job(2));
    await markAttempt(again, job(2));
    const found = await findOnlyPlan(job(2));
    expect(found.reference).toEqual(again.reference);
    const { verdict, reasons } = await verdictOf(found, job(2));
    expect(verdict).toBe("incomplete");
    expect(reasons).toContain("has no results");
  });

  test("takes those of the first attempt where only what failed runs again", async () => {
    const { job } = run();
    const known = keepPlan(PLAN, job(1));
    await sharePlan(known, job(1));
    await shareResults(results(known, 1, "pass"), known.reference, job(1));
    expect((await verdictOf(await findOnlyPlan(job(2)), job(2))).verdict).toBe("pass");
  });
});

test("a plan whose bytes were altered is refused, wherever it lies", async () => {
  const { artifacts, job } = run();
  const known = keepPlan(PLAN, job(1));
  await sharePlan({ ...known, plan: { ...PLAN, cells: [] } }, job(1));
  await expect(findPlan(formatReference(known.reference), job(1))).rejects.toMatchObject({
    code: "integrity",
  });
  await expect(findOnlyPlan(job(1))).rejects.toMatchObject({ code: "integrity" });
  artifacts.damaged.add(known.reference.name);
  await expect(findOnlyPlan(job(1))).rejects.toMatchObject({ code: "integrity" });
});
