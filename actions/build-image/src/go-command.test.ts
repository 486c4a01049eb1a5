import { describe, expect, test } from "@jest/globals";
import { parsePlatform } from "@go-cicd/oci/spec.ts";
import {
  buildArguments,
  buildEnvironment,
  buildsAtOnce,
  checkGoflags,
  flagProblems,
} from "./go-command.ts";

describe("the go command", () => {
  test("is told to leave commit, folder and symbols out", () => {
    const flags = { buildTags: ["netgo", "timetzdata"], ldflags: "-X main.version=1" };
    expect(buildArguments("example.com/x", "/out/x", flags)).toEqual([
      "build",
      "-trimpath",
      "-buildvcs=false",
      "-tags=timetzdata,netgo",
      "-ldflags=-s -w -X main.version=1",
      "-o",
      "/out/x",
      "--",
      "example.com/x",
    ]);
  });

  test.each([
    ["linux/amd64", { GOARCH: "amd64", GOAMD64: "v1" }],
    ["linux/amd64/v3", { GOARCH: "amd64", GOAMD64: "v3" }],
    ["linux/arm64", { GOARCH: "arm64", GOARM64: "v8.0" }],
    ["linux/arm64/v8", { GOARCH: "arm64", GOARM64: "v8.0" }],
    ["linux/arm", { GOARCH: "arm", GOARM: "7" }],
    ["linux/arm/v6", { GOARCH: "arm", GOARM: "6" }],
    ["linux/riscv64", { GOARCH: "riscv64" }],
  ])("builds %s with %j", (text, variables) => {
    const env = buildEnvironment(
      { GOARM: "5", INPUT_PASSWORD: "x", PATH: "p" },
      parsePlatform(text),
    );
    expect(env).toEqual({ PATH: "p", CGO_ENABLED: "0", GOOS: "linux", ...variables });
  });

  test.each(["linux/arm/v9", "linux/amd64/v8", "linux/arm64/v7", "linux/s390x/v1"])(
    "cannot build %s",
    (text) => {
      expect(() => buildEnvironment({}, parsePlatform(text))).toThrow(`does not build for ${text}`);
    },
  );

  test.each([
    "-X main.version=1.2.3",
    "-s=false -w=false",
    "-X 'main.name=two words'",
    "-X=a/b.c=d",
    "-buildid=",
    "",
    "'-X' \"a.b=c d\"",
  ])("takes the linker flags %s", (ldflags) => {
    expect(flagProblems({ buildTags: [], ldflags })).toEqual([]);
  });

  test.each([
    ["-extld=/tmp/evil", "-extld"],
    ["-linkmode=external", "-linkmode"],
    ["-extldflags '-static'", "-extldflags"],
    ["-X main.version", "needs package.name=value"],
    ["-X -extld=x", "needs package.name=value"],
    ["-X", "needs package.name=value"],
    ["-o /etc/passwd", "-o"],
    ["-X 'main.a=b", "quote is not closed"],
    ["$(touch x)", "$(touch"],
    ["-sextld=x", "-sextld"],
  ])("refuses the linker flags %s", (ldflags, problem) => {
    expect(flagProblems({ buildTags: [], ldflags }).join("\n")).toContain(problem);
  });

  test("refuses what is no build tag", () => {
    expect(
      flagProblems({ buildTags: ["a", "-toolexec=x", "a b", ""], ldflags: undefined }),
    ).toHaveLength(3);
  });

  test.each(["-toolexec=/tmp/x", "-mod=mod -overlay=x.json", "'-toolexec=a b'", "--exec=x"])(
    "refuses GOFLAGS=%s",
    (GOFLAGS) => {
      expect(() => checkGoflags({ GOFLAGS })).toThrow("GOFLAGS holds");
    },
  );

  test.each([undefined, "", "-mod=vendor", "-p=2 -v", "-modcacherw"])(
    "takes GOFLAGS=%s",
    (GOFLAGS) => {
      checkGoflags({ GOFLAGS });
    },
  );

  test("at least two builds run at once", () => {
    expect([1, 2, 4, 16].map((count) => buildsAtOnce(count))).toEqual([2, 2, 2, 8]);
  });
});
