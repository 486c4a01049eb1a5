import { describe, expect, it } from "@jest/globals";
import { configJsonSchema } from "./config-schema.ts";
import { duration, flag, integer, list, oneOf, secret, text } from "./inputs.ts";

const description = "An input.";

describe("configJsonSchema", () => {
  it("offers an editor every input that the file may give, and nothing else", () => {
    const schema = configJsonSchema({
      "build-image": {
        inputs: {
          main: text({ description }),
          push: flag({ description, default: "false" }),
          mode: oneOf(["a", "b"], { description, default: "a" }),
          level: integer({ description, min: 1, max: 9 }),
          wait: duration({ description, default: "90s" }),
          platforms: list({ description, commas: true }),
          token: secret({ description }),
          matrix: text({ description, default: "${{ toJSON(matrix) }}" }),
        },
        config: { tasks: { description: "Tasks.", schema: { type: "array" } } },
      },
    });
    expect(schema).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      required: ["version"],
      additionalProperties: false,
    });
    expect(schema["properties"]).toEqual({
      version: { const: 1 },
      "build-image": {
        type: ["object", "null"],
        additionalProperties: false,
        properties: {
          main: { description, type: ["string", "number", "boolean"] },
          push: { description, type: "boolean", default: "false" },
          mode: { description, enum: ["a", "b"], default: "a" },
          level: { description, type: "integer", minimum: 1, maximum: 9 },
          wait: expect.objectContaining({ type: "string", default: "90s" }),
          platforms: expect.objectContaining({ type: ["array", "string", "number"] }),
          tasks: { description: "Tasks.", type: "array" },
        },
      },
    });
  });
});
