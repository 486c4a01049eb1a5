import { describe, expect, it } from "@jest/globals";
import { readArguments } from "./arguments.ts";

describe("readArguments", () => {
  it("asks for the example when nothing is given", () => {
    expect(readArguments([], "/here")).toMatchObject({
      repo: undefined,
      keep: false,
      cacheLimit: 5e9,
    });
  });

  it("takes paths from where the command was typed", () => {
    expect(readArguments(["--repo", "../svc"], "/home/me/x").repo).toBe("/home/me/svc");
  });

  it("reads a foreign service's health and port", () => {
    const argv = ["--repo", "/svc", "--health", "/up", "--port", "8081", "--cache-limit", "500MB"];
    expect(readArguments(argv, "/")).toMatchObject({ health: "/up", port: 8081, cacheLimit: 5e8 });
  });

  it("says every problem at once", () => {
    const argv = [
      "--repo",
      "x",
      "--port",
      "70000",
      "--health",
      "up",
      "--pushgateway",
      "nope",
      "--cache-limit",
      "much",
    ];
    expect(() => readArguments(argv, "/")).toThrow(
      /--port must be.*70000\n--health must be.*\n--pushgateway must be.*\n--cache-limit must be/s,
    );
  });

  it.each([[["--unknown"]], [["word"]], [["--port"]]])("refuses %j", (argv) => {
    expect(() => readArguments(argv, "/")).toThrow();
  });

  it("does not take a foreign service's words for the example", () => {
    expect(() => readArguments(["--main", "./cmd/x"], "/")).toThrow("belong to --repo");
  });
});
