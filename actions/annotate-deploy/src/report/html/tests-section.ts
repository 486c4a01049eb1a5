import { duration, plural } from "../../format.ts";
import type { ReportModel, TestFailure, TestPackage, Tests } from "../report-model.ts";
import { percent } from "./axis.ts";
import { html, type Html } from "./html.ts";

const OPEN_FAILURES = 3;
const SLOWEST = 8;

/** Failures first, then checks, then where the time of the tests went. */
export function testsSection({ tests }: ReportModel): Html | null {
  if (tests === null) return null;
  const red = tests.checks.filter(({ ok }) => !ok);
  const green = tests.checks.filter(({ ok }) => ok);
  const common = commonPath(tests.packages.map(({ name }) => name));
  /** Without what all have in common, which is said once. */
  const short = (name: string): string =>
    name.startsWith(common) ? name.slice(common.length) : name;
  const packages = tests.packages.map((one) => ({ ...one, name: short(one.name) }));
  return html`<section id="tests">
    <header>
      <h2>Tests</h2>
      <p>${sentence(tests)}</p>
    </header>
    <ul class="counts">
      ${counts(tests).map(([kind, text]) => html`<li class="pill ${kind}">${text}</li>`)}
    </ul>
    ${tests.problems.map((problem) => html`<p class="note">${problem}</p>`)}
    ${tests.failures.map((failure, index) => failureBlock(failure, index < OPEN_FAILURES))}
    ${red.map(
      ({ name, detail }) =>
        html`<p class="note"><span class="pill bad">${name}</span> ${detail}</p>`,
    )}
    ${
      green.length > 0 &&
      html`<p class="small muted">
        Checks that passed: ${green.map(({ name }) => name).join(", ")}.
      </p>`
    }
    ${tests.cells.length > 1 && cellTable(tests.cells)}
    <div class="cols">
      ${ranking(
        "Slowest packages",
        packages
          .filter(({ cached, ms }) => !cached && ms > 0)
          .sort((one, other) => other.ms - one.ms)
          .slice(0, SLOWEST),
      )}
      ${ranking(
        "Slowest tests",
        tests.slowTests.map((test) => ({ ...test, package: short(test.package) })),
      )}
    </div>
    ${
      packages.length > 0 &&
      html`<details class="sub" ${packages.length <= 12 && html`open`}>
        <summary>
          All
          ${plural(packages.length, "package")}${common !== "" && html` in <code>${common.slice(0, -1)}</code>`}
        </summary>
        ${
          packages.length > 12 &&
          html`<div data-filter="#packages tbody tr" data-label="Filter packages"></div>`
        }
        <div class="scroll" id="packages">${packageTable(packages)}</div>
      </details>`
    }
  </section>`;
}

/**
 * What the import paths of all packages begin with, to its last slash; empty for a single package.
 */
function commonPath(names: readonly string[]): string {
  const [first = ""] = names;
  if (new Set(names).size < 2) return "";
  const parts = first.split("/");
  for (let count = parts.length - 1; count > 0; count -= 1) {
    const prefix = `${parts.slice(0, count).join("/")}/`;
    if (names.every((name) => name.startsWith(prefix))) return prefix;
  }
  return "";
}

function sentence({ verdict }: Tests): string {
  switch (verdict) {
    case "passed":
      return "All that was planned ran and passed.";
    case "failed":
      return "What failed comes first.";
    case "incomplete":
      return "Not all that was planned is known to have run.";
  }
}

function counts(tests: Tests): [string, string][] {
  const list: [string, string][] = [];
  if (tests.failed > 0) list.push(["bad", `${tests.failed.toLocaleString("en-US")} failed`]);
  list.push([tests.failed > 0 ? "plain" : "ok", `${tests.passed.toLocaleString("en-US")} passed`]);
  if (tests.skipped > 0) list.push(["warn", `${tests.skipped.toLocaleString("en-US")} skipped`]);
  if (tests.unfinished > 0) list.push(["bad", `${tests.unfinished} never ended`]);
  list.push(["plain", plural(tests.packageCount, "package")]);
  if (tests.cachedPackages > 0) list.push(["plain", `${tests.cachedPackages} from the cache`]);
  return list;
}

function failureBlock(failure: TestFailure, open: boolean): Html {
  const { kind, title, package: of, cell, place, message, output, repeat } = failure;
  const where = [of === title ? "" : of, place, cell].filter((part) => part !== "").join(" · ");
  return html`<details class="fail" ${open && html`open`}>
    <summary>
      <span class="pill bad">${kind}</span> ${title}
      ${where !== "" && html`<span class="where">${where}</span>`}
    </summary>
    ${message !== "" && !output.includes(message) && html`<p>${message}</p>`}
    ${output !== "" && html`<pre>${output}</pre>`}
    ${repeat !== "" && html`<p class="small"><span class="muted">Repeat it:</span> <code>${repeat}</code></p>`}
  </details>`;
}

function cellTable(cells: Tests["cells"]): Html {
  return html`<h3 class="sub">Cells of the matrix</h3>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Cell</th>
            <th>Result</th>
            <th class="num">Shards</th>
            <th class="num">Slowest shard</th>
          </tr>
        </thead>
        <tbody>
          ${cells.map(
            ({ name, verdict, shards }) =>
              html`<tr>
                <td>${name}</td>
                <td><span class="pill ${verdict === "passed" ? "ok" : "bad"}">${verdict}</span></td>
                <td class="num">${shards.length}</td>
                <td class="num">${duration(Math.max(0, ...shards))}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function ranking(
  title: string,
  items: readonly { name: string; cell: string; ms: number; package?: string }[],
): Html | null {
  const most = items[0]?.ms ?? 0;
  // A ranking of one or two says nothing.
  if (items.length < 3) return null;
  return html`<div>
    <h3 class="sub">${title}</h3>
    <ul class="shares">
      ${items.map(
        ({ name, cell, ms, package: of }) =>
          html`<li class="ranked">
            <span
              ><code>${name}</code>
              <span class="muted small"
                >${[of ?? "", cell].filter((part) => part !== "").join(" · ")}</span
              ></span
            >
            <span class="num">${duration(ms)}</span>
            <div class="bar">
              <svg aria-hidden="true">
                <rect class="f-quiet" width="${percent(ms, most)}%" height="100%" />
              </svg>
            </div>
          </li>`,
      )}
    </ul>
  </div>`;
}

function packageTable(packages: readonly TestPackage[]): Html {
  const cells = packages.some(({ cell }) => cell !== "");
  return html`<table>
    <thead>
      <tr>
        <th>Package</th>
        ${cells && html`<th class="wide">Where</th>`}
        <th>Result</th>
        <th class="num">Tests</th>
        <th class="num">Time</th>
      </tr>
    </thead>
    <tbody>
      ${packages.map(
        ({ name, cell, result, tests, ms, cached }) =>
          html`<tr>
            <td><code>${name}</code>${cells && html`<span class="narrow">${cell}</span>`}</td>
            ${cells && html`<td class="small wide">${cell}</td>`}
            <td><span class="pill ${resultKind(result)}">${result}</span></td>
            <td class="num">${tests > 0 ? tests : "–"}</td>
            <td class="num">${cached ? "cached" : duration(ms)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function resultKind(result: string): string {
  if (result === "pass") return "ok";
  return result === "no-tests" ? "plain" : "bad";
}
