import { describe, expect, it } from "@jest/globals";
import { mirrorCheck, mirrorTool } from "./mirror.ts";
import { platformFor } from "./platform.ts";
import { toolchainRequest } from "./request.ts";

const INPUTS = {
  checkLatest: false,
  architecture: undefined,
  gotoolchain: "local",
  goDownloadBaseUrl: undefined,
  goDownloadSha256: undefined,
};
const SUM = "ab".repeat(32);
const LINUX = platformFor(undefined, { platform: "linux", arch: "x64" });

describe("what is asked for", () => {
  it.each(["local", "auto", "path", "go1.26.3", "go1.27rc1", "go1.26.3+auto", "local+path"])(
    "gotoolchain can be %s",
    (gotoolchain) => {
      expect(toolchainRequest({ ...INPUTS, gotoolchain }, {})).toMatchObject({ mirror: undefined });
    },
  );

  it("says everything that is wrong at once", () => {
    const wrong = {
      ...INPUTS,
      gotoolchain: "$(id)",
      goDownloadBaseUrl: "ftp://x",
      goDownloadSha256: "12",
    };
    expect(() => toolchainRequest(wrong, {})).toThrow(
      /go-download-base-url must be.*\n.*go-download-sha256 must be.*\n.*gotoolchain must be/,
    );
    expect(() => toolchainRequest({ ...INPUTS, goDownloadSha256: SUM }, {})).toThrow(
      /go-download-sha256 needs go-download-base-url/,
    );
  });

  it("takes the mirror from the variable that actions/setup-go knows, after the input", () => {
    const env = { GO_DOWNLOAD_BASE_URL: "https://variable.example" };
    expect(toolchainRequest(INPUTS, env).mirror?.baseUrl).toBe("https://variable.example");
    const given = { ...INPUTS, goDownloadBaseUrl: "https://input.example" };
    expect(toolchainRequest(given, env).mirror?.baseUrl).toBe("https://input.example");
  });
});

describe("a mirror", () => {
  it("without a sum must have Go's own archives, which have Go's own place", () => {
    const mirror = { baseUrl: "https://mirror.example", sha256: undefined };
    expect(mirrorTool(mirror)).toBe("go");
    expect(mirrorCheck(mirror, "1.26.3", LINUX)).toMatchObject({
      kind: "tree",
      sum: expect.stringMatching(/^h1:/) as unknown,
    });
    expect(() => mirrorCheck(mirror, "1.99.0", LINUX)).toThrow(/needs go-download-sha256/);
  });

  it("with a sum has a place of its own for each sum", () => {
    const mirror = { baseUrl: "https://mirror.example", sha256: SUM };
    expect(mirrorCheck(mirror, "1.99.0", LINUX)).toEqual({ kind: "archive", sha256: SUM });
    expect(mirrorTool(mirror)).toMatch(/^go-[0-9a-f]{8}$/);
    expect(mirrorTool({ ...mirror, sha256: SUM.toUpperCase() })).toBe(mirrorTool(mirror));
    expect(mirrorTool({ ...mirror, sha256: "cd".repeat(32) })).not.toBe(mirrorTool(mirror));
  });
});
