import type { Environment } from "@go-cicd/core/process.ts";
import type { PrivatePattern } from "./patterns.ts";

/** One line of git's configuration. */
export interface GitSetting {
  key: string;
  value: string;
}

/**
 * Git's configuration for private repositories of one host. The token stands in none of it: the
 * helper is a line of shell that prints the variable which holds it, when git asks.
 *
 * Why a helper: a rewritten address (`url.https://x:TOKEN@host/.insteadOf`) is handed on in the
 * argv of git-remote-https, where every user of the machine reads it. A header (`http.extraHeader`,
 * as actions/checkout has it) is sent beside the checkout's own, and GitHub refuses a request with
 * two. A helper is asked only after the server has refused, so a checkout keeps its own token.
 */
export function gitSettings(
  host: string,
  patterns: readonly PrivatePattern[],
  tokenVariable: string,
  ownRepository: string | undefined,
): GitSetting[] {
  const helper = `credential.https://${host}.helper`;
  const prefixes = [...new Set(patterns.map(({ prefix }) => prefix))];
  const rewrites = prefixes.flatMap((prefix) =>
    [`git@${host}:${prefix}`, `ssh://git@${host}/${prefix}`].map((value) => ({
      key: `url.https://${host}/${prefix}.insteadOf`,
      value,
    })),
  );
  // The longest match decides: a repository that was checked out with a key keeps its address.
  const own = ownRepository === undefined ? [] : [`git@${host}:${ownRepository}.git`];
  return [
    // An empty value forgets the machine's helpers: they would be given the token to keep it.
    { key: helper, value: "" },
    { key: helper, value: tokenHelper(tokenVariable) },
    ...rewrites,
    ...own.map((address) => ({ key: `url.${address}.insteadOf`, value: address })),
  ];
}

/**
 * A credential helper in the shell that git has on every system (git-credential(1), `!`). `printf`
 * is built in, so the token is in no argv. Any user name does where a token is the password
 * (GitHub, GitLab, Gitea); this is the one GitHub documents.
 */
function tokenHelper(variable: string): string {
  const answer = `printf "username=x-access-token\\npassword=%s\\n" "$${variable}"`;
  return `!f() { if test "$1" = get; then ${answer}; fi; }; f`;
}

/** Variables that carry settings to git (git-config(1), GIT_CONFIG_COUNT), after those there are. */
export function settingVariables(
  settings: readonly GitSetting[],
  first: number,
): Record<string, string> {
  const pairs = settings.flatMap(({ key, value }, index) => [
    [`GIT_CONFIG_KEY_${first + index}`, key],
    [`GIT_CONFIG_VALUE_${first + index}`, value],
  ]);
  return {
    ...(Object.fromEntries(pairs) as Record<string, string>),
    GIT_CONFIG_COUNT: String(first + settings.length),
  };
}

/** How many settings the environment carries; undefined when it says something that git refuses. */
export function settingCount(env: Environment): number | undefined {
  const text = env["GIT_CONFIG_COUNT"] ?? "";
  if (text === "") return 0;
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/**
 * Variables that take settings back. When somebody added more behind them, the places stay taken,
 * by a setting that means nothing.
 */
export function withdrawnVariables(
  env: Environment,
  first: number,
  count: number,
): Record<string, string> {
  const last = settingCount(env) === first + count;
  const nothing = Array.from({ length: count }, () =>
    last ? { key: "", value: "" } : { key: "go-cicd.withdrawn", value: "true" },
  );
  const variables = settingVariables(nothing, first);
  if (last) return { ...variables, GIT_CONFIG_COUNT: String(first) };
  return { ...variables, GIT_CONFIG_COUNT: env["GIT_CONFIG_COUNT"] ?? "0" };
}
