/** Values that may stand in the path as they are; `.` and `..` would be resolved away. */
const PLAIN = /^(?!\.{1,2}$)[A-Za-z0-9._-]+$/;

/**
 * The path of a group, below the Pushgateway's base URL. Labels are its bounded identity: what
 * changes with each deploy must not be among them, since groups never expire. Other values than
 * plain ones are base64 with the URL-safe alphabet, an empty one is `=` (Pushgateway README, "URL").
 * @param labels in the order of the path; `job` comes first and is never empty
 */
export function groupPath(job: string, labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries({ job, ...labels }).flatMap(([name, value]) => segment(name, value));
  return ["metrics", ...parts].join("/");
}

function segment(name: string, value: string): [string, string] {
  if (value === "") return [`${name}@base64`, "="];
  if (PLAIN.test(value)) return [name, value];
  return [`${name}@base64`, Buffer.from(value.toWellFormed()).toString("base64url")];
}

/** `base` with the group's path behind its own. */
export function groupUrl(base: URL, path: string): string {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/${path}`;
  url.search = "";
  url.hash = "";
  return url.href;
}
