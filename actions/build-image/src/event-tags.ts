import { at, type JobContext } from "@go-cicd/core/context.ts";
import { tagFrom } from "@go-cicd/oci/reference.ts";

// semver.org, the suggested regular expression, with an optional v as Go's tags have.
const VERSION =
  /^v?(?<core>(?<major>0|[1-9]\d*)\.(?<minor>0|[1-9]\d*)\.(?:0|[1-9]\d*))(?<pre>-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;

type Event = Pick<JobContext, "eventName" | "event" | "ref" | "sha">;

/**
 * Tags that follow from the event, in docker/metadata-action's words: `sha-<7>` and the branch,
 * `pr-<number>`, `nightly` for a schedule; a version tag gives `1.2.3`, `1.2`, `1` and `latest`
 * (only `1.2.3-rc.1` when it is a prerelease).
 */
export function eventTags(event: Event): string[] {
  const sha = event.sha === "" ? [] : [`sha-${event.sha.slice(0, 7)}`];
  const tags = [...named(event), ...sha].map(tagFrom).filter((tag) => tag !== "");
  return [...new Set(tags)];
}

function named({ eventName, event, ref }: Event): string[] {
  const number = at(event, "pull_request", "number") ?? at(event, "number");
  if (eventName.startsWith("pull_request")) {
    return typeof number === "number" ? [`pr-${number}`] : [];
  }
  if (eventName === "schedule") return ["nightly"];
  const branch = afterPrefix(ref, "refs/heads/");
  if (branch !== undefined) return [branch];
  const tag = afterPrefix(ref, "refs/tags/");
  return tag === undefined ? [] : versionTags(tag);
}

function versionTags(tag: string): string[] {
  const found = VERSION.exec(tag)?.groups;
  if (found === undefined) return [tag];
  const { core = "", major = "", minor = "", pre } = found;
  if (pre !== undefined) return [`${core}${pre}`];
  // Before 1.0 a minor version may break anything, so there is no tag for the major one.
  return [core, `${major}.${minor}`, ...(major === "0" ? [] : [major]), "latest"];
}

/** The version that the event's tag names, without the v, or undefined. */
export function eventVersion(ref: string): string | undefined {
  const tag = afterPrefix(ref, "refs/tags/");
  if (tag === undefined) return undefined;
  return VERSION.test(tag) ? tag.replace(/^v/, "") : tag;
}

function afterPrefix(text: string, prefix: string): string | undefined {
  return text.startsWith(prefix) ? text.slice(prefix.length) : undefined;
}
