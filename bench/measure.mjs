// Measuring on a machine that others use as well: candidates take turns, medians are compared, the
// spread is printed beside them.

/**
 * Runs each candidate `rounds` times in turn (A B … B A …) and returns milliseconds per name.
 * @param {Record<string, () => Promise<number | void>>} candidates a returned number replaces the
 *   wall time
 */
export async function interleaved(candidates, rounds) {
  const times = Object.fromEntries(Object.keys(candidates).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const names = Object.keys(candidates);
    if (round % 2 === 1) names.reverse();
    for (const name of names) {
      const started = performance.now();
      const measured = await candidates[name]();
      times[name].push(measured ?? performance.now() - started);
    }
  }
  return times;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** One line per candidate, with its ratio to the first. */
export function report(times, limit) {
  const [base] = Object.keys(times);
  const reference = median(times[base]);
  for (const [name, values] of Object.entries(times)) {
    const ratio = median(values) / reference;
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const verdict =
      name === base || limit === undefined ? "" : ratio <= limit ? "  ok" : `  OVER ${limit}`;
    console.log(
      `${name.padEnd(24)} ${median(values).toFixed(0).padStart(7)} ms  (${low.toFixed(0)}–${high.toFixed(0)}, n=${values.length})  ratio ${ratio.toFixed(2)}${verdict}`,
    );
  }
}
