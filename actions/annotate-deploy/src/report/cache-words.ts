const WORDS: Readonly<Record<string, string>> = {
  hit: "found",
  exact: "found",
  prefix: "found, older",
  miss: "not found",
  corrupt: "damaged, not used",
  saved: "saved",
  exists: "already saved",
  refused: "not saved",
  failed: "not saved",
};

/** The result of a cache in plain words; a word of another kind is shown as it is. */
export function cacheWord(result: string): string {
  return Object.hasOwn(WORDS, result) ? (WORDS[result] ?? result) : result;
}
