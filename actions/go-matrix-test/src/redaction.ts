import type { Environment } from "@go-cicd/core/process.ts";
import type { Failure } from "@go-cicd/core/test-report.ts";
import { formsOfSecret } from "@go-cicd/core/workflow-command.ts";

const SECRET_NAME = /TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|(API|ACCESS|PRIVATE|SIGNING)_?KEY/i;
/** Shorter values are words of ordinary text. */
const SHORTEST = 8;

/**
 * Takes out what tests may print of secrets in the step's environment. The runner masks its log
 * and summaries; artifacts it does not touch (runner contract 5.3, ArtiPACKED).
 */
export function redaction(env: Environment): (text: string) => string {
  const forms = Object.entries(env)
    .filter(([name, value]) => SECRET_NAME.test(name) && (value?.trim().length ?? 0) >= SHORTEST)
    .flatMap(([, value]) => formsOfSecret(value ?? ""))
    .filter((form) => form.length >= SHORTEST)
    .sort((one, other) => other.length - one.length);
  return (text) => forms.reduce((result, form) => result.replaceAll(form, "***"), text);
}

/** A failure whose texts hold none of the secrets. */
export function redactFailure(failure: Failure, redact: (text: string) => string): Failure {
  return { ...failure, message: redact(failure.message), output: redact(failure.output) };
}
