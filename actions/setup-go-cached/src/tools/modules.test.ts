import { describe, expect, it } from "@jest/globals";
import { fakePorts } from "@go-cicd/core/testing/ports.ts";
import { scriptedProcesses } from "@go-cicd/core/testing/processes.ts";
import { GoTool } from "./go-tool.ts";
import { moduleSums, prefixes, resolveTools } from "./modules.ts";
import { parseTools } from "./wanted.ts";

/** A go command that knows modules per proxy: `path@query` → version. */
function goWith(goproxy: string, known: Record<string, Record<string, string>>) {
  const processes = scriptedProcesses([
    { match: ["/go", "env", "GOPROXY"], exit: { stdout: `${goproxy}\n` } },
    {
      match: ["/go", "list"],
      exit: ({ args, env }) => {
        const modules = known[env["GOPROXY"] ?? ""] ?? {};
        const answers = args.slice(4).map((word) => {
          const [path = "", query = ""] = word.split("@");
          const version = modules[word];
          if (version === undefined)
            return { Path: path, Version: query, Error: { Err: `no ${word}` } };
          return { Path: path, Version: version, ...(version !== query && { Query: query }) };
        });
        // In another order than asked.
        const text = answers.reverse().map((each) => JSON.stringify(each, null, "\t"));
        return { stdout: `${text.join("\n")}\n` };
      },
    },
    {
      match: ["/go", "mod", "download"],
      exit: {
        code: 1,
        stdout: [
          JSON.stringify({ Path: "a.org/x", Version: "v1.0.0", Sum: "h1:x=" }, null, "\t"),
          JSON.stringify({ Path: "a.org/y", Version: "v1.0.0", Error: "gone" }, null, "\t"),
          '{\n\t"Path": "a.org/cut',
        ].join("\n"),
      },
    },
  ]);
  const ports = fakePorts({ processes });
  return { go: new GoTool("/go", ports.root, ports, ports.signal), processes };
}

describe("modules of tools", () => {
  it.each([
    ["github.com/a/b/cmd/x", ["github.com/a/b/cmd/x", "github.com/a/b/cmd", "github.com/a/b"]],
    ["golang.org/x/tools", ["golang.org/x/tools", "golang.org/x"]],
    ["a.org/x", ["a.org/x"]],
    ["a.org", ["a.org"]],
    ["github.com/a", ["github.com/a"]],
  ])("%s can be of %j", (path, expected) => {
    expect(prefixes(path)).toEqual(expected);
  });

  it("are the longest that are known, and settle what was asked for", async () => {
    const { go } = goWith("https://p", {
      "https://p": {
        "a.org/x@latest": "v1.9.0",
        "a.org/x/cmd@latest": "v0.3.0",
        "a.org/y@v1.0.0": "v1.0.0",
      },
    });
    const tools = parseTools(["a.org/x/cmd/one@latest", "a.org/y/two@v1.0.0"]);
    const resolved = await resolveTools(tools, go);
    expect(resolved.map(({ module, version }) => `${module}@${version}`)).toEqual([
      "a.org/x/cmd@v0.3.0",
      "a.org/y@v1.0.0",
    ]);
  });

  it("are asked of the next proxy only where one does not know any", async () => {
    const { go, processes } = goWith("https://p,direct", {
      "https://p": { "a.org/x@v1.0.0": "v1.0.0" },
      direct: { "a.org/x/one@v1.0.0": "v1.0.0", "b.org/y@v1.0.0": "v1.0.0" },
    });
    const tools = parseTools(["a.org/x/one@v1.0.0", "b.org/y/two@v1.0.0"]);
    const resolved = await resolveTools(tools, go);
    expect(resolved.map(({ module }) => module)).toEqual(["a.org/x", "b.org/y"]);
    const direct = processes.commands.filter(({ env }) => env["GOPROXY"] === "direct");
    expect(direct.map(({ args }) => args.slice(4))).toEqual([
      ["b.org/y/two@v1.0.0", "b.org/y@v1.0.0"],
    ]);
    for (const { env } of processes.commands) expect(env["GOFLAGS"]).toBe("-trimpath");
  });

  it("that nobody knows are all named", async () => {
    const { go } = goWith("off", {});
    const tools = parseTools(["a.org/x/one@v1.0.0", "b.org/y@main"]);
    await expect(resolveTools(tools, go)).rejects.toThrow(
      /No version was found of:\n- a\.org\/x\/one@v1\.0\.0: no a\.org\/x@v1\.0\.0\n- b\.org\/y@main: no b/,
    );
  });

  it("have a sum only where go could work it out", async () => {
    const { go } = goWith("off", {});
    const tools = ["a.org/x", "a.org/y", "a.org/cut"].map((module) => ({
      path: module,
      query: "v1.0.0",
      name: "x",
      module,
      version: "v1.0.0",
    }));
    expect([...(await moduleSums(tools, go))]).toEqual([["a.org/x@v1.0.0", "h1:x="]]);
    expect([...(await moduleSums([], go))]).toEqual([]);
  });
});
