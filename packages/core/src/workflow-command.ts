/**
 * True for text in which the runner could see a workflow command: `::name…::` at the start of a
 * line after blanks, or the old `##[name]` anywhere (runner ActionCommandManager, both streams).
 */
export function mayCommand(text: string): boolean {
  return /(^|[\r\n])\s*::/.test(text) || text.includes("##[");
}

/** Shorter lines of a secret are not masked alone: masking `}` would shred the log. */
const SHORTEST_LINE = 4;

/**
 * The forms in which a secret travels: as it is, trimmed, each of its lines, and base64 of the
 * whole. The runner derives some of them itself; other runners mask only what they are told.
 */
export function formsOfSecret(secret: string): string[] {
  const whole = secret.trim();
  if (whole === "") return [];
  const lines = whole
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST_LINE);
  const encoded = [secret, whole].map((form) => Buffer.from(form).toString("base64"));
  return [...new Set([secret, whole, ...lines, ...encoded])];
}
