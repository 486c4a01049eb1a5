const S = 1_000;
const MIN = 60 * S;
const H = 60 * MIN;

/** Distances of ticks that a reader can count in. */
const DISTANCES = [
  10,
  20,
  50,
  100,
  200,
  500,
  S,
  2 * S,
  5 * S,
  10 * S,
  15 * S,
  30 * S,
  MIN,
  2 * MIN,
  5 * MIN,
  10 * MIN,
  15 * MIN,
  30 * MIN,
  H,
  2 * H,
  6 * H,
  12 * H,
  24 * H,
];

export interface Axis {
  /** Milliseconds between ticks. */
  distance: number;
  /** Milliseconds from the start, from 0 on, all within the span. */
  ticks: number[];
}

/** At most `most` distances over `length` milliseconds. */
export function axis(length: number, most = 6): Axis {
  const distance =
    DISTANCES.find((candidate) => length / candidate <= most) ??
    Math.ceil(length / most / (24 * H)) * 24 * H;
  const ticks = Array.from(
    { length: Math.floor(Math.max(0, length) / distance) + 1 },
    (_, index) => index * distance,
  );
  return { distance, ticks };
}

/** `90 s` as `1:30`, below a minute `15 s`, below a second `200 ms`. */
export function tickLabel(ms: number, distance: number): string {
  if (ms === 0) return "0";
  if (distance < S && ms < S) return `${ms} ms`;
  if (ms < MIN) return `${Number((ms / S).toFixed(2))} s`;
  const seconds = Math.floor((ms % MIN) / S);
  const minutes = Math.floor(ms / MIN) % 60;
  const hours = Math.floor(ms / H);
  const two = (value: number): string => String(value).padStart(2, "0");
  return hours === 0 ? `${minutes}:${two(seconds)}` : `${hours}:${two(minutes)}:${two(seconds)}`;
}

/** Place of `ms` within the span, in percent with two decimals. */
export function percent(ms: number, length: number): number {
  if (length <= 0) return 0;
  return Math.round(Math.min(100, Math.max(0, (ms / length) * 100)) * 100) / 100;
}
