import { data, Evaluator, Lexer, Parser } from "@actions/expressions";
import { ActionError, messageOf } from "@go-cicd/core/errors.ts";

/** Contexts by name (`github`, `matrix`, `steps` …); values are plain JSON. */
export type Contexts = Readonly<Record<string, unknown>>;

/** What `success()`, `failure()` and `cancelled()` answer. */
export type Status = "success" | "failure" | "cancelled";

const STATUS_FUNCTIONS = ["success", "failure", "cancelled", "always"];

/**
 * Replaces every `${{ … }}` of a text by its value.
 * @throws ActionError `input` on an expression that cannot be parsed or evaluated.
 */
export function interpolate(text: string, contexts: Contexts, status: Status = "success"): string {
  let result = "";
  let rest = text;
  for (;;) {
    const start = rest.indexOf("${{");
    if (start < 0) return result + rest;
    const end = expressionEnd(rest, start + 3);
    if (end < 0) throw new ActionError("input", `no closing }} in ${JSON.stringify(text)}`);
    result += rest.slice(0, start);
    result += evaluate(rest.slice(start + 3, end), contexts, status).coerceString();
    rest = rest.slice(end + 2);
  }
}

/**
 * Decides an `if`, `pre-if` or `post-if`. The braces are optional, and a condition that asks for no
 * status holds only after success (runner ConditionFunctions: an implied `success() && …`).
 * @throws ActionError `input` on an expression that cannot be parsed or evaluated.
 */
export function holds(condition: string, contexts: Contexts, status: Status): boolean {
  const whole = /^\s*\$\{\{([\s\S]*)\}\}\s*$/.exec(condition);
  const expression = (whole?.[1] ?? condition).trim() || "success()";
  const asksStatus = tokensOf(expression).some(
    (token, index, all) =>
      STATUS_FUNCTIONS.includes(token.lexeme.toLowerCase()) && all[index + 1]?.lexeme === "(",
  );
  const full = asksStatus ? expression : `success() && (${expression})`;
  return truthy(evaluate(full, contexts, status));
}

/** Index of the `}}` that closes an expression; braces inside quoted text do not count. */
function expressionEnd(text: string, from: number): number {
  let quoted = false;
  for (let index = from; index < text.length - 1; index++) {
    if (text[index] === "'") quoted = !quoted;
    if (!quoted && text.startsWith("}}", index)) return index;
  }
  return -1;
}

function evaluate(expression: string, contexts: Contexts, status: Status): data.ExpressionData {
  const answers: Record<string, boolean> = {
    always: true,
    success: status === "success",
    failure: status === "failure",
    cancelled: status === "cancelled",
  };
  const functions = STATUS_FUNCTIONS.map((name) => ({
    name,
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(answers[name] === true),
  }));
  try {
    const tree = new Parser(tokensOf(expression), Object.keys(contexts), functions).parse();
    // A context is converted whole, and the event may be large: only those that are named.
    const named = new Set(tokensOf(expression).map((token) => token.lexeme.toLowerCase()));
    const values = new data.Dictionary(
      ...Object.entries(contexts)
        .filter(([key]) => named.has(key.toLowerCase()))
        .map(([key, value]) => ({ key, value: toData(value) })),
    );
    return new Evaluator(
      tree,
      values,
      new Map(functions.map((each) => [each.name, each])),
    ).evaluate();
  } catch (error) {
    throw new ActionError("input", `\${{ ${expression.trim()} }}: ${messageOf(error)}`);
  }
}

function tokensOf(expression: string): ReturnType<Lexer["lex"]>["tokens"] {
  try {
    // The lexer halves only the first doubled quote of a text.
    return new Lexer(expression)
      .lex()
      .tokens.map((token) =>
        token.lexeme.startsWith("'")
          ? { ...token, value: token.lexeme.slice(1, -1).replaceAll("''", "'") }
          : token,
      );
  } catch (error) {
    throw new ActionError("input", `\${{ ${expression.trim()} }}: ${messageOf(error)}`);
  }
}

function toData(value: unknown): data.ExpressionData {
  if (value === undefined) return new data.Null();
  return JSON.parse(JSON.stringify(value), data.reviver) as data.ExpressionData;
}

function truthy(value: data.ExpressionData): boolean {
  switch (value.kind) {
    case data.Kind.Null:
      return false;
    case data.Kind.Boolean:
      return value.value;
    case data.Kind.Number:
      return value.value !== 0 && !Number.isNaN(value.value);
    case data.Kind.String:
      return value.value !== "";
    case data.Kind.Array:
    case data.Kind.Dictionary:
      return true;
  }
}
