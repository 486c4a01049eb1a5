/** The five doors, in the order of a pipeline. */
export const DOORS = [
  "setup-go-cached",
  "go-matrix-test",
  "build-image",
  "deploy-with-rollback",
  "annotate-deploy",
] as const;

export type Door = (typeof DOORS)[number];

/** Folder below `$RUNNER_TEMP` for what doors of one job hand to each other. */
export const JOB_FOLDER = "go-cicd";

/** The optional configuration file, relative to the workspace. */
export const CONFIG_FILE = ".github/go-cicd.yml";
