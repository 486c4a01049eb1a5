import js from "@eslint/js";
import tseslint from "typescript-eslint";

/** The walls of the house: what a folder may not import, and why. */
const wall = (files, patterns, ignores = []) => ({
  files,
  ignores,
  rules: { "no-restricted-imports": ["error", { patterns }] },
});

const toolkit = {
  group: ["@actions/*"],
  message: "Only packages/core/src/adapters speaks to the toolkit; take a port instead.",
};
const actions = {
  group: ["@go-cicd/{setup,go,build,deploy,annotate}-*", "**/actions/**"],
  message: "Nothing imports an action.",
};
const local = {
  group: ["@go-cicd/local", "@go-cicd/local/*"],
  message: "Only tests and benches use the local runner.",
};
const adapters = {
  group: ["@go-cicd/core/adapters/*", "**/adapters/*"],
  message: "Only main.ts builds real ports; use cases take them as arguments.",
};

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "examples/", "coverage/"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  wall(["packages/core/src/**"], [toolkit, actions, local], ["packages/core/src/adapters/**"]),
  wall(["packages/core/src/adapters/**"], [actions, local]),
  wall(["packages/oci/src/**"], [toolkit, actions, local]),
  wall(
    ["packages/local/src/**"],
    [{ ...toolkit, group: ["@actions/*", "!@actions/expressions"] }, actions],
  ),
  wall(
    ["actions/*/src/**"],
    [toolkit, actions, local, adapters],
    ["actions/*/src/main.ts", "**/*.test.ts"],
  ),
  {
    files: ["**/*.mjs"],
    languageOptions: {
      globals: Object.fromEntries(
        [
          "process",
          "console",
          "Buffer",
          "URL",
          "performance",
          "setTimeout",
          "clearTimeout",
          "fetch",
          "AbortSignal",
        ].map((name) => [name, "readonly"]),
      ),
    },
  },
);
