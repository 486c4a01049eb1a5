// Writes what follows from the actions' literals: every action.yml, the tables in every door's
// README and the JSON Schema of the config file. `npm run docs`; `--check` compares instead of
// writing and exits 1 when something is out of step. Names select doors.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { stringify } from "yaml";
import { format } from "prettier";
import { root } from "./toolchain.mjs";

const NOTE = "# Written by `npm run docs` from the literals in actions/%/src: change those.\n";

const wanted = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const doors = await Promise.all(
  readdirSync(join(root, "actions"))
    .sort()
    .filter((name) => wanted.length === 0 || wanted.includes(name))
    .map(async (name) => {
      const url = pathToFileURL(join(root, "actions", name, "src/action.ts"));
      return (await import(url.href)).action;
    }),
);

const files = new Map();
for (const action of doors) {
  files.set(`${action.name}/action.yml`, metadata(action));
  files.set(`${action.name}/README.md`, await readme(action));
}
if (wanted.length === 0) files.set("docs/go-cicd.schema.json", await schema());

const stale = [...files].filter(([path, content]) => {
  const full = join(root, path);
  return !existsSync(full) || readFileSync(full, "utf8") !== content;
});
if (process.argv.includes("--check")) {
  for (const [path] of stale) console.error(`${path} is not what the sources say: npm run docs`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  for (const [path, content] of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    console.log(path);
  }
}

/** action.yml: no literal defaults, since the config file comes before them (the code has them). */
function metadata({ name, description, inputs, outputs, post }) {
  const main = `../dist/${name}/index.js`;
  return (
    NOTE.replace("%", name) +
    stringify(
      {
        name: `go-cicd ${name}`,
        description: sentence(description),
        inputs: Object.fromEntries(
          Object.entries(inputs).map(([input, spec]) => [
            input,
            {
              description: sentence(spec.description),
              required: spec.required,
              ...(spec.expression ? { default: spec.defaultText } : {}),
            },
          ]),
        ),
        outputs: Object.fromEntries(
          Object.entries(outputs).map(([output, text]) => [
            output,
            { description: sentence(text) },
          ]),
        ),
        runs: { using: "node24", main, ...(post ? { post: main, "post-if": "always()" } : {}) },
      },
      { lineWidth: 0 },
    )
  );
}

async function readme({ name, description, inputs, outputs }) {
  const path = join(root, name, "README.md");
  const text = existsSync(path)
    ? readFileSync(path, "utf8")
    : `# ${name}\n\n${description}\n\n## Inputs\n\n<!-- inputs -->\n<!-- /inputs -->\n\n## Outputs\n\n<!-- outputs -->\n<!-- /outputs -->\n`;
  const inputRows = Object.entries(inputs).map(([input, spec]) => [
    `\`${input}\`${spec.required ? " (required)" : ""}`,
    cell(sentence(spec.description)),
    cell(spec.allowed),
    spec.defaultText === undefined ? "" : `\`${cell(spec.defaultText)}\``,
  ]);
  const outputRows = Object.entries(outputs).map(([output, about]) => [
    `\`${output}\``,
    cell(sentence(about)),
  ]);
  const filled = between(
    between(text, "inputs", table(["input", "what it says", "allowed", "default"], inputRows)),
    "outputs",
    table(["output", "what it holds"], outputRows),
  );
  return format(filled, { parser: "markdown", printWidth: 100 });
}

function between(text, marker, content) {
  const open = `<!-- ${marker} -->`;
  const close = `<!-- /${marker} -->`;
  const [start, end] = [text.indexOf(open), text.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`the marker ${open} … ${close} is missing`);
  return `${text.slice(0, start + open.length)}\n\n${content}\n\n${text.slice(end)}`;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function sentence(text) {
  return /[.!?)]$/.test(text) ? text : `${text}.`;
}

function cell(text) {
  return text.replace(/\s+/g, " ").replace(/\|/g, "\\|");
}

/** For editors: what may stand in the config file. */
async function schema() {
  const module = pathToFileURL(join(root, "packages/core/src/config-schema.ts"));
  const { configJsonSchema } = await import(module.href);
  const contracts = Object.fromEntries(doors.map((action) => [action.name, action]));
  return format(JSON.stringify(configJsonSchema(contracts)), { parser: "json", printWidth: 100 });
}
