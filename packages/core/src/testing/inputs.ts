import { readInputs, type InputSpec, type InputsOf } from "../inputs.ts";

/** Decoded inputs for a test: texts as a workflow would give them, the rest absent. */
export function inputsOf<I extends InputSpec>(
  spec: I,
  given: Partial<Record<keyof I & string, string>> = {},
): InputsOf<I> {
  return readInputs(spec, {
    input: (name) => given[name] ?? "",
    config: () => undefined,
    mask: () => undefined,
  });
}
