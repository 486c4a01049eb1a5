import type { JobContext } from "@go-cicd/core/context.ts";
import { ActionError } from "@go-cicd/core/errors.ts";
import { invalidInputs } from "@go-cicd/core/inputs.ts";
import type { Ports } from "@go-cicd/core/ports.ts";
import type { Environment } from "@go-cicd/core/process.ts";
import type { GoSettings } from "../go-settings.ts";
import type { Inputs } from "../inputs.ts";
import { gitSettings, settingCount, settingVariables, withdrawnVariables } from "./git-settings.ts";
import { joinPatterns, parsePatterns, whyNoToken } from "./patterns.ts";

/** Name of the state that main leaves for post. It never holds the token. */
const GRANTED = "private";

interface Granted {
  /** What GOPRIVATE was. */
  goprivate: string;
  token?: { variable: string; first: number; count: number };
}

type AccessPorts = Pick<Ports, "context" | "env" | "exportVariable" | "log" | "state">;

/**
 * Lets go, and git below it, reach private modules until the end of the job: GOPRIVATE, and git
 * settings in variables. Nothing is written to a configuration file.
 * @throws ActionError that names each input that cannot be taken; the token is never quoted.
 */
export function grantAccess(
  { private: texts, privateToken }: Pick<Inputs, "private" | "privateToken">,
  settings: GoSettings,
  ports: AccessPorts,
): void {
  const { patterns, problems } = parsePatterns(texts);
  if (privateToken !== undefined) {
    const why = problems.length > 0 ? undefined : whyNoToken(patterns);
    if (why !== undefined) problems.push(why);
    if (/[^!-~]/.test(privateToken)) {
      problems.push("private-token must be one word: a token has no blanks and no line breaks");
    }
  }
  if (problems.length > 0) throw invalidInputs(problems);
  const [pattern] = patterns;
  if (pattern === undefined) return;
  const { host } = pattern;

  const granted: Granted = { goprivate: ports.env["GOPRIVATE"] ?? "" };
  const variables: Record<string, string> = {
    GOPRIVATE: joinPatterns(settings.value("GOPRIVATE"), patterns),
  };
  if (privateToken !== undefined) {
    const first = nextSetting(ports.env);
    // A name of its own for each set-up of the job.
    const variable = `GO_CICD_PRIVATE_TOKEN_${first}`;
    const lines = gitSettings(host, patterns, variable, ownRepository(host, ports.context));
    granted.token = { variable, first, count: lines.length };
    Object.assign(variables, settingVariables(lines, first), { [variable]: privateToken });
    // The form in which it goes over the wire.
    ports.log.mask(`x-access-token:${privateToken}`);
  }
  // First of all, so that post knows what to take back whatever comes.
  ports.state.save(GRANTED, granted);
  for (const [name, value] of Object.entries(variables)) ports.exportVariable(name, value);
  ports.log.info(
    `Private modules: GOPRIVATE is ${variables["GOPRIVATE"] ?? ""}; ` +
      (privateToken === undefined
        ? "no token is given (a pull request from a fork gets none)"
        : `git sends the token to ${host} when it is asked for one`),
  );
}

function nextSetting(env: Environment): number {
  const count = settingCount(env);
  if (count !== undefined) return count;
  throw new ActionError("environment", "GIT_CONFIG_COUNT is set to what is no number", {
    hint: "Set it to the number of GIT_CONFIG_KEY_ variables, or unset it: git refuses to run so.",
  });
}

function ownRepository(host: string, { serverUrl, repository }: JobContext): string | undefined {
  return URL.parse(serverUrl)?.host === host && repository !== "" ? repository : undefined;
}

/** Takes back what main set, so that later post steps do not see it. */
export function withdrawAccess({ env, exportVariable, log, state }: AccessPorts): void {
  const granted = state.load(GRANTED) as Granted | undefined;
  if (granted === undefined) return;
  exportVariable("GOPRIVATE", granted.goprivate);
  if (granted.token === undefined) return;
  const { variable, first, count } = granted.token;
  exportVariable(variable, "");
  for (const [name, value] of Object.entries(withdrawnVariables(env, first, count))) {
    exportVariable(name, value);
  }
  log.info("Private modules: the token is taken back.");
}
