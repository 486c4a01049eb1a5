// Layers of the test suite are Jest projects, so that one name selects one layer:
// `npm run unit -- --selectProjects unit`.
const common = {
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  transform: { "^.+\\.ts$": "<rootDir>/scripts/jest-strip-types.mjs" },
  // A test that leaves a process or socket behind fails instead of hanging the run.
  openHandlesTimeout: 5000,
};
const layer = (displayName, testMatch) => ({ ...common, displayName, testMatch });

export default {
  // Much of the time is waiting: for services, for releases to be judged, for processes to end.
  maxWorkers: "100%",
  // A bound against hanging, not a measurement: machines are shared and noisy.
  testTimeout: 120_000,
  projects: [
    layer("unit", ["<rootDir>/{actions,packages}/**/src/**/*.test.ts"]),
    layer("contract", ["<rootDir>/test/contract/**/*.test.ts"]),
    layer("bundle", ["<rootDir>/test/bundle/**/*.test.ts"]),
    layer("tools", ["<rootDir>/test/tools/**/*.test.ts"]),
    layer("workflow", ["<rootDir>/test/workflow/**/*.test.ts"]),
  ],
};
