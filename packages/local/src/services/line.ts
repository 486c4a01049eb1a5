import { setTimeout as sleep } from "node:timers/promises";
import type { Socket } from "node:net";

/** The line between a job and the services, for measuring: loopback alone is no network. */
export interface LineOptions {
  /** Milliseconds there and back: once a request, and once more for each new connection. */
  roundTripMs: number;
  /** Of all connections together, in each direction. */
  bytesPerSecond: number;
}

/** What a timer cannot tell apart; shorter waits are carried over to the next chunk. */
const TIMER_MS = 2;

/** A line that is as slow as asked: a token bucket for each direction, a wait for each request. */
export class Line {
  readonly #options: LineOptions;
  readonly #known = new WeakSet<Socket>();
  /** When the bytes taken so far have passed, on the clock of `performance`. */
  readonly #free = { up: 0, down: 0 };

  constructor(options: LineOptions) {
    this.#options = options;
  }

  /** Waits for as long as a request takes to come and its answer to go. */
  async meet(socket: Socket): Promise<void> {
    const { roundTripMs } = this.#options;
    const trips = this.#known.has(socket) ? 1 : 2;
    this.#known.add(socket);
    if (roundTripMs > 0) await sleep(trips * roundTripMs);
  }

  /** Waits until so many bytes have passed. */
  async pass(direction: "up" | "down", bytes: number): Promise<void> {
    const now = performance.now();
    const begin = Math.max(now, this.#free[direction]);
    this.#free[direction] = begin + (bytes / this.#options.bytesPerSecond) * 1000;
    const wait = this.#free[direction] - now;
    if (wait > TIMER_MS) await sleep(wait);
  }
}
