import type { ActionError } from "./errors.ts";
import type { InputSpec, InputsOf } from "./inputs.ts";
import type { Ports } from "./ports.ts";

/** Outputs of a door: name → description. The same literal makes types, action.yml and README. */
export type OutputSpec = Readonly<Record<string, string>>;

/**
 * Keys of the config file that are no inputs because their values have structure: name → what it
 * says, and its JSON Schema. The door reads the value by `ports.config(name)` in main.
 */
export type ConfigKeys = Readonly<
  Record<string, { description: string; schema: Readonly<Record<string, unknown>> }>
>;

/** What a run came to. Outputs are set in any case; a failure makes the step red. */
export interface Outcome<O extends OutputSpec> {
  outputs: Partial<Record<keyof O & string, string>>;
  failure?: ActionError;
}

/** One action: its contract and its two stages. */
export interface Action<I extends InputSpec, O extends OutputSpec> {
  /** Folder of the door and of its bundle. */
  name: string;
  /** One sentence for action.yml. */
  description: string;
  inputs: I;
  outputs: O;
  config?: ConfigKeys;
  main(inputs: InputsOf<I>, ports: Ports): Promise<Outcome<O>>;
  /** Runs at the end of the job, also after a failed or cancelled main. */
  post?(inputs: InputsOf<I>, ports: Ports): Promise<void>;
  /** Post warns; one that finishes a rollback fails. */
  postFailure?: "warn" | "fail";
}

/** Types an action literal: inputs and outputs flow into its stages. */
export function defineAction<const I extends InputSpec, const O extends OutputSpec>(
  action: Action<I, O>,
): Action<I, O> {
  return action;
}
