import { Socket } from "node:net";
import { describe, expect, it } from "@jest/globals";
import { Line } from "./line.ts";

/** At least so long: a busy machine may take longer, never less. */
async function waited(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

describe("a slow line", () => {
  it("costs a round trip a request, and one more for a new connection", async () => {
    const line = new Line({ roundTripMs: 40, bytesPerSecond: Infinity });
    const socket = new Socket();
    expect(await waited(() => line.meet(socket))).toBeGreaterThanOrEqual(78);
    expect(await waited(() => line.meet(socket))).toBeGreaterThanOrEqual(39);
  });

  it("is shared by all connections of one direction", async () => {
    const line = new Line({ roundTripMs: 0, bytesPerSecond: 1e6 });
    const all = (): Promise<unknown> =>
      Promise.all([1, 2, 3, 4].map(() => line.pass("down", 30_000)));
    expect(await waited(all)).toBeGreaterThanOrEqual(118);
  });

  it("carries waits that are too short for a timer over to later chunks", async () => {
    const line = new Line({ roundTripMs: 0, bytesPerSecond: 1e6 });
    const many = async (): Promise<void> => {
      for (let chunk = 0; chunk < 100; chunk++) await line.pass("up", 1_000);
    };
    expect(await waited(many)).toBeGreaterThanOrEqual(96);
  });
});
