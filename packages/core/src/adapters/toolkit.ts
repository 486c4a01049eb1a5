// The heavy parts of the toolkit. `npm run build` makes one bundle of this file, dist/toolkit, that
// the five doors load when they need it: five copies would be most of what every user downloads.

/** The artifact client. */
export function loadArtifact(): Promise<typeof import("@actions/artifact")> {
  return import("@actions/artifact");
}

/** The cache client. */
export function loadCache(): Promise<typeof import("@actions/cache")> {
  return import("@actions/cache");
}
