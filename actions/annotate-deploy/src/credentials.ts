/** Shorter pieces of a secret say nothing about it. */
const PIECE = 8;

/** Everything that must not be seen of these secrets: they, their base64 and URL forms. */
export function secretForms(secrets: readonly (string | undefined)[]): string[] {
  const given = secrets.filter((secret): secret is string => (secret ?? "") !== "");
  return [
    ...new Set(
      given.flatMap((secret) => [
        secret,
        Buffer.from(secret).toString("base64"),
        Buffer.from(secret).toString("base64url"),
        encodeURIComponent(secret.toWellFormed()),
      ]),
    ),
  ];
}

/** True when any piece (8 characters, or the whole of a shorter one) of a form is in `text`. */
export function repeatsSecret(text: string, forms: readonly string[]): boolean {
  return forms.some((form) => {
    if (form.length <= PIECE) return text.includes(form);
    for (let start = 0; start + PIECE <= form.length; start += 1) {
      if (text.includes(form.slice(start, start + PIECE))) return true;
    }
    return false;
  });
}

/**
 * What a server answered, as one short line for a message: without control characters, and
 * withheld whole when it repeats a part of a credential.
 */
export function shownAnswer(body: Uint8Array, forms: readonly string[]): string {
  const text = Buffer.from(body)
    .toString("utf8")
    // eslint-disable-next-line no-control-regex -- what a terminal or the runner would act on
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ")
    .trim();
  if (text === "") return "";
  if (repeatsSecret(text, forms)) return "(answer withheld: it repeats a credential)";
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
