import { describe, expect, test } from "@jest/globals";
import { hintFor, readCompileErrors } from "./compile.ts";

describe("what the compiler says", () => {
  test("becomes places in the workspace", () => {
    const output = [
      "# example.com/acme/orders/cmd/orders",
      "cmd/orders/main.go:7:2: undefined: missing",
      "../shared/x.go:12: syntax error: unexpected }",
      "\t./main.go:9:1: other declaration of x",
      "/w/svc/cmd/orders/é.go:1:1: expected 'package'",
      "go: some note",
    ].join("\n");
    expect(readCompileErrors(output, "/w/svc", "/w")).toEqual([
      {
        place: { file: "svc/cmd/orders/main.go", line: 7, column: 2 },
        message: "undefined: missing",
      },
      { place: { file: "shared/x.go", line: 12 }, message: "syntax error: unexpected }" },
      { place: { file: "svc/cmd/orders/é.go", line: 1, column: 1 }, message: "expected 'package'" },
    ]);
  });

  test.each([
    ["package x: build constraints exclude all Go files in /y", "cgo"],
    ["go: unsupported GOOS/GOARCH pair linux/z80", "dist list"],
    ["main.go:3:1: missing go.sum entry for module", "go mod tidy"],
  ])("%s has a remedy", (output, hint) => {
    expect(hintFor(output).hint).toContain(hint);
  });
});
