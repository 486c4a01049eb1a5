import type { ConfigKeys } from "./action.ts";
import type { Input, InputSpec } from "./inputs.ts";

type JsonSchema = Readonly<Record<string, unknown>>;

/** What `configJsonSchema` needs of a door. */
export interface DoorSchema {
  inputs: InputSpec;
  config?: ConfigKeys | undefined;
}

/** JSON Schema (draft 2020-12) of the config file, for editors: door → what it takes. */
export function configJsonSchema(doors: Readonly<Record<string, DoorSchema>>): JsonSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "go-cicd",
    description: "Defaults for the inputs of the go-cicd actions in this repository",
    type: "object",
    required: ["version"],
    additionalProperties: false,
    properties: {
      version: { const: 1 },
      ...Object.fromEntries(
        Object.entries(doors).map(([door, { inputs, config = {} }]) => [
          door,
          {
            type: ["object", "null"],
            additionalProperties: false,
            properties: {
              ...Object.fromEntries(
                Object.entries(inputs)
                  .filter(([, input]) => !input.secret && !input.expression)
                  .map(([name, input]) => [name, inputSchema(input)]),
              ),
              ...Object.fromEntries(
                Object.entries(config).map(([key, { description, schema }]) => [
                  key,
                  { description, ...schema },
                ]),
              ),
            },
          },
        ]),
      ),
    },
  };
}

function inputSchema({ description, defaultText, schema }: Input<unknown>): JsonSchema {
  return {
    description,
    ...(schema ?? { type: ["string", "number", "boolean"] }),
    ...(defaultText !== undefined && { default: defaultText }),
  };
}
