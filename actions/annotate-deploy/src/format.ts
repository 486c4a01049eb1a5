/** `0.4 s`, `12 s`, `3 min 20 s`, `1 h 5 min`: as exact as a reader needs it. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return "?";
  const value = Math.max(0, ms);
  if (value < 999.5) return `${Math.round(value)} ms`;
  if (value < 9_950) return `${(value / 1_000).toFixed(1)} s`;
  const seconds = Math.round(value / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return join(minutes, "min", seconds % 60, "s");
  const hours = Math.round(seconds / 60);
  return join(Math.floor(hours / 60), "h", hours % 60, "min");
}

function join(major: number, majorUnit: string, minor: number, minorUnit: string): string {
  return minor === 0 ? `${major} ${majorUnit}` : `${major} ${majorUnit} ${minor} ${minorUnit}`;
}

/** Decimal units, as storage and transfer are counted: `812 B`, `4.2 MB`. */
export function bytes(count: number): string {
  if (!Number.isFinite(count)) return "?";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = Math.max(0, count);
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : Number(value.toPrecision(2))} ${units[unit] ?? ""}`;
}

/** `+12 %`, `−40 %`, `±0 %`, and `28 ×` from four times on. */
export function change(now: number, before: number): string {
  if (before <= 0) return "";
  const times = now / before;
  if (times >= 4) return `${times < 10 ? times.toFixed(1) : Math.round(times)} ×`;
  const percent = Math.round(((now - before) / before) * 100);
  if (percent === 0) return "±0 %";
  return percent > 0 ? `+${percent} %` : `−${-percent} %`;
}

/** `2026-11-23 01:07 UTC` */
export function moment(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15
    ? `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`
    : "?";
}

/** `1 test`, `2 tests` */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}
