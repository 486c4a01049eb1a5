/**
 * A word that a POSIX shell reads back as exactly `value` (XCU 2.2.2: nothing is special between
 * single quotes but the quote itself).
 */
export function shellQuote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
