/**
 * Text from outside without what would act on a terminal or mislead the eye: escape sequences
 * (ECMA-48: CSI, OSC and the other strings, two-character escapes), control characters other than
 * newline and tab, and the characters that turn the direction of writing around (Unicode TR36).
 */
export function cleanText(text: string): string {
  return (
    text
      .toWellFormed()
      .replace(/\r\n?/g, "\n")
      /* eslint-disable no-control-regex -- these are what is removed */
      .replace(/(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]/g, "")
      .replace(
        /(?:\u001b[P\]X^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?/g,
        "",
      )
      .replace(/\u001b[ -/]*[0-~]?/g, "")
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "")
      /* eslint-enable no-control-regex */
      .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, "")
  );
}

/** At most `limit` characters; what was cut is said. */
export function shortened(text: string, limit: number): string {
  return text.length <= limit
    ? text
    : `${text.slice(0, limit).toWellFormed()}… (${text.length - limit} more characters)`;
}
