import { parseArgs } from "node:util";
import { resolve } from "node:path";
import { ActionError, messageOf } from "@go-cicd/core/errors.ts";

/** What `npm start` was asked to do. */
export interface Request {
  /** Absolute path of the repository, or undefined for `examples/orders`. */
  repo: string | undefined;
  /** Main package of the image, as `./cmd/x`. */
  main: string | undefined;
  /** Health path of a foreign service: without it nothing foreign is deployed. */
  health: string | undefined;
  port: number | undefined;
  /** `host:port[/name]` to push the image to. */
  registry: string | undefined;
  pushgateway: string | undefined;
  /** Leave the service running at the end. */
  keep: boolean;
  json: boolean;
  clean: boolean;
  help: boolean;
  /** Bytes the cache service may keep between runs. */
  cacheLimit: number;
}

export const HELP = `npm start [-- options]     runs the whole pipeline on this machine

  --repo DIR          any Go repository of yours (a copy is used); default: examples/orders
  --main ./cmd/x      which main package becomes the image, when there are several
  --health /path      health check of your service; without it nothing of yours is deployed
  --port N            port your service listens on (it is also given as $PORT)
  --registry H:P      push the image there instead of writing an OCI layout
  --pushgateway URL   send the deploy markers to this Prometheus Pushgateway
  --keep              leave the service running at the end
  --cache-limit SIZE  bound of the cache kept between runs, such as 5GB (the default)
  --json              one JSON line per event instead of the live picture
  --clean             remove everything that earlier runs kept, and stop
  --help              this text
`;

/** @throws ActionError `input` that names every problem. */
export function readArguments(argv: readonly string[], cwd: string): Request {
  const values = parse(argv);
  const problems: string[] = [];
  const port = wholeNumber(values.port, "--port", 1, 65_535, problems);
  if (values.health !== undefined && !values.health.startsWith("/")) {
    problems.push(`--health must be a path such as /healthz, not ${values.health}`);
  }
  if (values.registry !== undefined && !/^[\w.-]+(:\d+)?(\/[\w./-]+)?$/.test(values.registry)) {
    problems.push(`--registry must be host:port or host:port/name, not ${values.registry}`);
  }
  if (values.pushgateway !== undefined && !URL.canParse(values.pushgateway)) {
    problems.push(`--pushgateway must be a URL, not ${values.pushgateway}`);
  }
  if (values.repo === undefined && (values.health ?? values.port ?? values.main) !== undefined) {
    problems.push("--health, --port and --main belong to --repo");
  }
  const cacheLimit = size(values["cache-limit"] ?? "5GB");
  if (cacheLimit === undefined) {
    problems.push(
      `--cache-limit must be a size such as 500MB or 5GB, not ${values["cache-limit"] ?? ""}`,
    );
  }
  if (problems.length > 0 || cacheLimit === undefined) throw wrong(problems);
  return {
    repo: values.repo === undefined ? undefined : resolve(cwd, values.repo),
    main: values.main,
    health: values.health,
    port,
    registry: values.registry,
    pushgateway: values.pushgateway,
    keep: values.keep ?? false,
    json: values.json ?? false,
    clean: values.clean ?? false,
    help: values.help ?? false,
    cacheLimit,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        repo: { type: "string" },
        main: { type: "string" },
        health: { type: "string" },
        port: { type: "string" },
        registry: { type: "string" },
        pushgateway: { type: "string" },
        "cache-limit": { type: "string" },
        keep: { type: "boolean" },
        json: { type: "boolean" },
        clean: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw wrong([messageOf(error)]);
  }
}

function wrong(problems: readonly string[]): ActionError {
  return new ActionError("input", problems.join("\n"), {
    hint: "npm start -- --help lists the options.",
  });
}

function wholeNumber(
  text: string | undefined,
  name: string,
  min: number,
  max: number,
  problems: string[],
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  problems.push(`${name} must be a whole number from ${min} to ${max}, not ${text}`);
  return undefined;
}

const UNITS = { KB: 1e3, MB: 1e6, GB: 1e9 } as const;

function size(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(KB|MB|GB)$/i.exec(text);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * UNITS[match[2]?.toUpperCase() as keyof typeof UNITS]);
}
