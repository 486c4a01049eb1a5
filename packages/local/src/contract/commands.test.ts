import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "@jest/globals";
import fc from "fast-check";
import { tempFolder } from "@go-cicd/core/testing/temp.ts";
import { CommandScanner, parseCommand } from "./commands.ts";
import { Masker } from "./mask.ts";

function scan(
  lines: readonly string[],
  options: { unsecure?: string; masker?: Masker; workspace?: string } = {},
): { scanner: CommandScanner; shown: string[]; debug: string[] } {
  const shown: string[] = [];
  const debug: string[] = [];
  const scanner = new CommandScanner({
    masker: options.masker ?? new Masker(),
    workspace: options.workspace ?? "/work/space",
    allowUnsecureCommands: options.unsecure,
    show: (line) => shown.push(line),
    debug: (message) => debug.push(message),
  });
  for (const line of lines) scanner.line(line);
  return { scanner, shown, debug };
}

describe("a line", () => {
  test.each([
    ["::notice::hello", { name: "notice", data: "hello" }],
    ["   ::notice::after blanks", { name: "notice", data: "after blanks" }],
    ["::NOTICE::any case", { name: "notice", data: "any case" }],
    ["::error::x::y", { name: "error", data: "x::y" }],
    ["::error::50%25 and %250A", { name: "error", data: "50% and %0A" }],
    ["::error::two%0D%0Alines", { name: "error", data: "two\r\nlines" }],
    ["text ##[warning]in a line", { name: "warning", data: "in a line" }],
    ["##[debug]a%5Db%3Bc", { name: "debug", data: "a]b;c" }],
  ])("%s is a command", (line, expected) => {
    expect(parseCommand(line)).toMatchObject(expected);
  });

  test.each([
    "text ::notice::not at the start",
    "::unknown::x",
    "::notice",
    "::notice:x",
    "##[unknown]x",
    "##[notice",
    "",
  ])("%j is plain text", (line) => {
    expect(parseCommand(line)).toBeUndefined();
  });

  it("carries properties, unescaped, without those that are empty", () => {
    const command = parseCommand("::error file=a%2Cb%3Ac,line=3,title=100%25,col=::m");
    expect([...(command?.properties ?? [])]).toEqual([
      ["file", "a,b:c"],
      ["line", "3"],
      ["title", "100%"],
    ]);
  });

  it("carries properties in the old form, separated by semicolons", () => {
    const command = parseCommand("##[error file=a%3Bb;line=3]m");
    expect([...(command?.properties ?? [])]).toEqual([
      ["file", "a;b"],
      ["line", "3"],
    ]);
  });

  it("gives any message back that was escaped as the toolkit does it", () => {
    const escape = (text: string): string =>
      text.replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");
    fc.assert(
      fc.property(fc.string(), (message) => {
        expect(parseCommand(`::error::${escape(message)}`)?.data).toBe(message);
      }),
    );
  });
});

describe("the scanner", () => {
  it("obeys the deprecated commands for outputs and state", () => {
    const { scanner, shown } = scan([
      "::set-output name=digest::sha256:1",
      "progress 10% ##[save-state name=pid]42",
    ]);
    expect(scanner.spoken.outputs).toEqual({ digest: "sha256:1" });
    expect(scanner.spoken.state).toEqual({ pid: "42" });
    expect(shown).toEqual([]);
  });

  it("fails the step for an output without a name", () => {
    const { scanner } = scan(["::set-output::x"]);
    expect(scanner.spoken.failures).toHaveLength(2);
    expect(scanner.spoken.outputs).toEqual({});
  });

  it("obeys nothing between stop-commands and its token", () => {
    const { scanner, shown } = scan([
      "::stop-commands::a-b-c-d",
      "::set-output name=a::1",
      "x ##[set-output name=a]1",
      "::error::quoted",
      "::other-token::",
      "::A-B-C-D::",
      "::set-output name=b::2",
    ]);
    expect(scanner.spoken.outputs).toEqual({ b: "2" });
    expect(scanner.spoken.annotations).toEqual([]);
    expect(shown).toContain("::set-output name=a::1");
  });

  it("masks a long stop token once it is known", () => {
    const { shown } = scan(["::stop-commands::0123456789", "the token is 0123456789"]);
    expect(shown.join("\n")).not.toContain("0123456789");
  });

  test.each(["", "pause-logging", "error", "Set-Output"])(
    "refuses %j as a stop token, and goes on obeying",
    (token) => {
      const { scanner } = scan([`::stop-commands::${token}`, "::set-output name=b::2"]);
      expect(scanner.spoken.failures).not.toEqual([]);
      expect(scanner.spoken.outputs).toEqual({ b: "2" });
    },
  );

  it("masks from the command on, and not before", () => {
    const { shown } = scan(["a hunter2-x", "::add-mask::hunter2-x", "b hunter2-x"]);
    expect(shown).toEqual(["a hunter2-x", "b ***"]);
  });

  it("warns about an empty mask", () => {
    const { scanner } = scan(["::add-mask::  "]);
    expect(scanner.spoken.annotations).toMatchObject([{ level: "warning" }]);
  });

  it("masks annotations, also their titles", () => {
    const { scanner } = scan(["::error title=of s3cret-1::about s3cret-1"], {
      masker: new Masker(["s3cret-1"]),
    });
    expect(scanner.spoken.annotations).toEqual([
      { level: "error", message: "about ***", title: "of ***" },
    ]);
  });

  it("shows commands while echo is on, but never a mask", () => {
    const { shown } = scan([
      "::echo::on",
      "::set-output name=a::1",
      "::add-mask::topsecret",
      "::echo::off",
      "::set-output name=a::2",
    ]);
    expect(shown).toEqual(["::set-output name=a::1", "::echo::off"]);
  });

  it("fails the step for set-env and add-path, unless they are allowed", () => {
    const lines = ["::set-env name=A::1", "::add-path::/x", "::set-env name=NODE_OPTIONS::-r x"];
    const refused = scan(lines).scanner.spoken;
    expect(refused.failures).toHaveLength(6);
    expect([refused.env, refused.path]).toEqual([{}, []]);
    const allowed = scan(lines, { unsecure: "true" }).scanner.spoken;
    expect([allowed.env, allowed.path, allowed.failures]).toEqual([{ A: "1" }, ["/x"], []]);
  });

  it("keeps debug messages out of the log", () => {
    const { shown, debug } = scan(["::debug::quiet"]);
    expect([shown, debug]).toEqual([[], ["quiet"]]);
  });

  it("learns problem matchers, and fails for one it cannot read", () => {
    const workspace = tempFolder();
    writeFileSync(join(workspace, "m.json"), '{"problemMatcher":[{"owner":"go"}]}');
    const { scanner } = scan(["::add-matcher::m.json", "::add-matcher::none.json"], { workspace });
    expect(scanner.spoken.matchers).toEqual(["go"]);
    expect(scanner.spoken.failures).not.toEqual([]);
  });
});
