/** Short values (`true`, `8080`) are no secrets, and blanking them would blank half of a log. */
const SHORTEST = 6;

/** Replaces every value of the service's environment in text that will be shown or kept. */
export function redactor(env: Readonly<Record<string, string>>): (text: string) => string {
  const values = Object.values(env)
    .filter((value) => value.length >= SHORTEST)
    .sort((a, b) => b.length - a.length);
  return (text) => values.reduce((rest, value) => rest.replaceAll(value, "***"), text);
}

/** Names whose values the runner is told to mask in everything that is printed later. */
export function looksSecret(name: string): boolean {
  return /SECRET|TOKEN|PASSW|PASSPHRASE|KEY|CREDENTIAL|DSN|AUTH/i.test(name);
}
