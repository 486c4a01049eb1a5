import { describe, expect, it } from "@jest/globals";
import { readMise } from "./mise.ts";
import { readToml } from "./toml.ts";

describe("mise.toml", () => {
  it.each([
    ['[tools]\ngo = "1.26.3"\n', "1.26.3"],
    ["[tools]\nnode = '24'\ngolang = '1.26'\n", "1.26"],
    ['[tools]\n"core:go" = "1.26"', "1.26"],
    ['tools.go = "1.26" # why', "1.26"],
    ['tools = { node = "24", go = "1.26" }', "1.26"],
    ['[tools]\ngo = ["1.26.3", "1.25"]', "1.26.3"],
    ['[tools]\ngo = [\n  "system", # theirs\n  "1.25",\n]', "1.25"],
    ['[tools]\ngo = { version = "1.26", postinstall = "x" }', "1.26"],
    ['[tools]\ngo = [{ version = "1.26" }]', "1.26"],
    ['[tools.go]\nversion = "1.26"\n', "1.26"],
    ["[tools]\ngo = 1.26\n", "1.26"],
    ['[tools]\r\ngo = "latest"\r\n', "stable"],
    ['[tools]\ngo = "prefix:1.25"\n', "1.25"],
    // What looks like the table, in a task's script.
    ['[tasks.x]\nrun = """\n[tools]\ngo = "1.20"\n"""\n\n[tools]\ngo = "1.26"\n', "1.26"],
    ["[[env]]\ngo = '1.20'\n[[env]]\n[tools]\ngo = '1.26'", "1.26"],
  ])("%j asks for %s", (content, text) => {
    expect(readMise(content, "mise.toml")?.text).toBe(text);
  });

  it.each(["", "# nothing", "[tools]\nnode = '24'", "[env]\ngo = '1.2'", "tools = 'x'"])(
    "%j says nothing of Go",
    (content) => {
      expect(readMise(content, "mise.toml")).toBeUndefined();
    },
  );

  it.each([
    ['[tools]\ngo = "1.26\n', /line 2 is no TOML/],
    ["[tools\n", /line 1 is no TOML/],
    ["x = 1\n\n= 2\n", /line 3 is no TOML/],
    ["a = 1 b = 2\n", /line 1 is no TOML/],
    ["a = 1\n[a.b]\n", /line 2 is no TOML/],
    ['[tools]\ngo = "{{ env.GO }}"\n', /no Go version/],
  ])("%j is refused", (content, why) => {
    expect(() => readMise(content, "mise.toml")).toThrow(why);
  });

  it("has strings of every kind", () => {
    const text = [
      'a = "tab\\t \\u0041 \\" #no"',
      "b = 'C:\\n'",
      'c = """\nfirst \\\n   second "quoted"""""',
      "d = '''\n'it''s'''",
      '"e f".g = true',
      "__proto__ = 'x'",
    ].join("\n");
    expect(JSON.stringify(readToml(text, "x"))).toBe(
      JSON.stringify({
        a: 'tab\t A " #no',
        b: "C:\\n",
        c: 'first second "quoted""',
        d: "'it''s",
        "e f": { g: "true" },
        ["__proto__"]: "x",
      }),
    );
  });
});
